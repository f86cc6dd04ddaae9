"""The state file: the states of all sources in one atomically replaced file, so that a restart serves at once.

It is optional: if the file is unusable, one line is logged and platforms are asked again; if a write fails, one line is
logged and polls go on. Runs in the worker thread, so sources share one writer without a lock.
"""

import errno
import fcntl
import logging
import os
import stat
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from concurrent.futures import Future
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path

from msgspec.structs import replace

from exporter.domain.threads import FileStamp, file_stamp, in_daemon, in_time, result_in_time
from exporter.exposition.telemetry import LastAttempt
from exporter.ledger.day_status import DayRules
from exporter.metrics.target import ReportState
from exporter.polling.outputs import StateStore
from exporter.polling.state_format import ForeignError, Section, UnusableError, VersionError, decoded, encoded

log = logging.getLogger(__name__)

PRIVATE = 0o600
STARTS_EMPTY = "starts empty, asks the platform again"
TIMEOUT_SECONDS = 30.0  # of reading or writing the file; polls wait for it
USE_OWN_FILE = "give each exporter a state_file of its own"


def replace_file(path: Path, pieces: Iterable[bytes]) -> None:
    """Writes a file atomically, readable by its owner alone, also while another process does the same.

    The folder is not synced: after a power cut the old file is as good. OSError if it cannot be written (EBUSY:
    another process is writing it); the old file stays.
    """
    fresh = path.with_name(f"{path.name}.new")
    # A file left by a killed process is reused.
    with open(fresh, "ab", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW, PRIVATE)) as file:
        _lock(file.fileno(), fresh)
        try:
            os.fchmod(file.fileno(), PRIVATE)
            file.truncate(0)
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
            fresh.replace(path)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise


def _lock(descriptor: int, fresh: Path) -> None:
    """Locks the file against other writers; the lock ends with the file or the process."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_there = os.path.samestat(os.fstat(descriptor), fresh.stat())  # false if another process has just renamed it
    except (BlockingIOError, FileNotFoundError):
        is_there = False
    if not is_there:
        raise OSError(errno.EBUSY, "another process writes it at this moment")


Write = Callable[[Path, Iterable[bytes]], None]


class StateFile:
    """Stores the states of one process's sources in one file; without a path it stores nothing.

    Every source is announced by `store` before the first one loads: the file is read once. A second process that
    writes it is reported; the last complete write wins. A file system that does not answer within `seconds` is
    reported as a full one is.
    """

    def __init__(
        self,
        path: Path | None,
        now: Callable[[], datetime],
        write: Write = replace_file,
        gauges: LastAttempt | None = None,
        seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._path = path
        self._now = now
        self._gauges = gauges or LastAttempt()
        self._write = write
        self._seconds = seconds
        self._announced: set[str] = set()
        self._kept: dict[str, Section] = {}
        self._is_read = False
        self._is_ours = True  # a file that may belong to somebody else is never replaced
        self._written: FileStamp = None
        self._writing: Future[None] | None = None

    def store(self, source: str, fingerprint: Mapping[str, str], rules: DayRules) -> StateStore:
        """Announces a source and returns its store.

        States stored under another `fingerprint` are not used. Only digests of its values are written.
        """
        self._announced.add(source)
        digests = {name: sha256(value.encode()).hexdigest() for name, value in fingerprint.items()}

        def load() -> Mapping[str, ReportState]:
            return self._load(source, Section(digests, rules.keep_days, {}), rules)

        def save(states: Mapping[str, ReportState]) -> None:
            before, self._kept[source] = self._kept.get(source), Section(digests, rules.keep_days, dict(states))
            held = None if before is None else {name: id(state) for name, state in before.reports.items()}
            if held != {name: id(state) for name, state in states.items()}:  # states change only as new objects
                self._save()

        return StateStore(load, save)

    def use(self, path: Path | None, sources: Container[str]) -> None:
        """Continues in the file at `path` with the states of these sources; the previous file stays as it is."""
        kept = {name: section for name, section in self._kept.items() if name in sources}
        if path == self._path and len(kept) == len(self._kept):
            return
        self._kept = kept
        if path != self._path:
            log.info("state_file changed", extra={"path": str(path), "before": str(self._path)})
            self._path, self._is_ours, self._written = path, True, None
            self._sections()
        self._save()

    def _load(self, source: str, empty: Section, rules: DayRules) -> Mapping[str, ReportState]:
        """Returns the usable states of a source, and keeps only those."""
        if not self._is_read:
            self._is_read = True
            self._kept = {name: section for name, section in self._sections().items() if name in self._announced}
        held = self._kept.pop(source, empty)
        if held.fingerprint != empty.fingerprint:
            others = ", ".join(sorted({name for name, _ in held.fingerprint.items() ^ empty.fingerprint.items()}))
            self._log_unusable("state of a source not used", f"was kept for a different {others}", source=source)
            held = empty
        usable = dict(self._usable(source, held, rules))
        self._kept[source] = replace(empty, reports=usable)
        return usable

    def _sections(self) -> Mapping[str, Section]:
        """Reads the file, logs what cannot be used, and notes whether the file may be replaced."""
        if self._path is None:
            self._gauges.note(None)
            return {}
        sections: Mapping[str, Section] = {}
        try:
            content = in_time(partial(_read_regular, self._path), self._path, self._seconds)
            try:
                sections = decoded(content)
            except VersionError as error:
                copy = self._path.with_name(f"{self._path.name}.other-version")
                in_time(partial(self._write, copy, [content]), copy, self._seconds)
                self._log_unusable("state file not used", f"{error}; kept as {copy.name}, the next poll replaces it")
        except FileNotFoundError:
            log.info("no state file yet; the first poll writes it", extra={"path": str(self._path)})
        except (OSError, ForeignError) as error:
            self._is_ours = False
            reason = f"cannot be read ({error.strerror})" if isinstance(error, OSError) else str(error)
            remedy = "it is left alone, and nothing is kept; delete or mend it and restart, or set another state_file"
            self._log_unusable("state file not used", f"{reason}; {remedy}")
        except UnusableError as error:
            self._log_unusable("state file not used", f"{error}; the next poll replaces it")
        self._gauges.note(self._is_ours)
        return sections

    def _usable(self, source: str, section: Section, rules: DayRules) -> Iterator[tuple[str, ReportState]]:
        """Yields the reports that are neither too old nor from the future."""
        now = self._now()
        for report, state in section.reports.items():
            if reason := _objection(state, now, rules):
                self._log_unusable("state of a report not used", reason, source=source, report=report)
                continue
            seen = {"companies": len(state.ledger.names), "days": len(state.ledger.blocks)}
            log.info("state restored", extra={"source": source, "report": report, **seen})
            if section.keep_days == rules.keep_days:
                yield report, state
            else:  # needs a refresh pass
                health = replace(state.health, history=False)
                yield report, replace(state, health=health, to_refresh=(), refreshed_for=None)

    def _save(self) -> None:
        if self._path is None or not self._is_ours:
            return
        try:
            if self._writing is not None and not self._writing.done():
                raise TimeoutError(errno.ETIMEDOUT, "the previous write has not ended yet")
            self._writing = in_daemon(partial(self._replace, self._path, dict(self._kept)))
            result_in_time(self._writing, self._path, self._seconds)
        except OSError as error:
            self._gauges.note(False)
            make_room = "give the exporter's user a writable folder with free space"
            remedy = USE_OWN_FILE if error.errno == errno.EBUSY else make_room
            log.warning(
                "state file not written; figures are still served, but a restart asks the platform again",
                extra={"path": str(self._path), "reason": f"{error.strerror}; {remedy}"},
            )
        else:
            self._gauges.note(True, self._now())

    def _replace(self, path: Path, sections: Mapping[str, Section]) -> None:
        if self._written is not None and file_stamp(path) not in (self._written, None):
            log.warning("state file replaced by another process", extra={"path": str(path), "reason": USE_OWN_FILE})
        self._write(path, encoded(sections))
        self._written = file_stamp(path)

    def _log_unusable(self, what: str, reason: str, **where: str) -> None:
        log.warning(f"{what}: {STARTS_EMPTY}", extra={"path": str(self._path), **where, "reason": reason})


def _read_regular(path: Path) -> bytes:
    """Reads a regular file; reading a pipe or device might never end."""
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "is not a regular file")
        return file.read()


def _objection(state: ReportState, now: datetime, rules: DayRules) -> str | None:
    """Says why the state of a report cannot be used.

    A clock that was ahead completed days too early, and would keep figures too long. Which clock is wrong cannot
    be known, so the platform is asked again.
    """
    health = state.health
    moments = [each for each in (health.last_attempt, health.read_at) if each is not None]
    newest = max([*moments, *(block.read_at for block in state.ledger.blocks.values())], default=now)
    if newest > now:
        return f"is from the future ({newest:%Y-%m-%dT%H:%M:%SZ}); the clock is wrong now or was wrong then"
    if health.read_at is not None and now - health.read_at > rules.max_staleness:
        return f"its last good poll ({health.read_at:%Y-%m-%dT%H:%M:%SZ}) is older than max_staleness"
    return None
