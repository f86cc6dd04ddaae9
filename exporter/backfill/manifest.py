"""The progress of a backfill, so that a killed one can continue: a folder with manifest.json, which alone counts.

Beside it lies the state of each report's last days, the evidence for zeros. A new state is written first, under a
name of its own; then the manifest is replaced atomically; then the old state is deleted.
"""

import fcntl
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from hashlib import sha256
from pathlib import Path

import msgspec

from exporter.backfill.figures import ReportDays
from exporter.domain.calendars import ONE_DAY
from exporter.domain.errors import ConfigError
from exporter.domain.model import Days
from exporter.metrics.target import ReportState
from exporter.polling.state_file import replace_file
from exporter.polling.state_format import Section, UnusableError, decoded, encoded

NAME = "manifest.json"
VERSION = 1
DESTINATION = "--output or --remote-write"  # the option that says where figures go
AGAIN = "repeat the options of its first run, or delete the folder to start over"


def digest(value: str) -> str:
    """Returns a digest that differs for different values and reveals none."""
    return sha256(value.encode()).hexdigest()


class ReportProgress(msgspec.Struct, frozen=True):
    """A report is asked in pieces of at most `longest` days and done until `until`; or `left_out` says why not."""

    longest: int
    until: date | None = None
    left_out: str = ""


class Contents(msgspec.Struct, frozen=True, omit_defaults=True):
    """The content of manifest.json: `question` by option, `spans` by source, `reports` by source/report."""

    version: int
    question: dict[str, str]
    spans: dict[str, Days]
    reports: dict[str, ReportProgress] = {}
    finished: bool = False


class Manifest(msgspec.Struct):
    """The manifest in `folder`, which this process has locked; open it with `opened`."""

    folder: Path
    content: Contents

    def progress(self, source: str, report: str) -> ReportProgress:
        return self.content.reports.get(f"{source}/{report}", ReportProgress(0))

    def left(self, source: str, report: str) -> Days | None:
        """Returns the days of a report that are still to be asked; None if there are none."""
        days, progress = self.content.spans[source], self.progress(source, report)
        first = days.first if progress.until is None else progress.until + ONE_DAY
        return Days(first, days.last) if first <= days.last and not progress.left_out else None

    def state(self, source: str, report: str) -> ReportState | None:
        """Returns the state of a report's last days; None before the first ones; ConfigError if it is damaged."""
        until = self.progress(source, report).until
        if until is None:
            return None
        path = self._state_file(source, report, until)
        try:
            return decoded(path.read_bytes())[source].reports[report]
        except (OSError, UnusableError, KeyError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise ConfigError(f"{path}: {reason}; delete the folder {self.folder} to start over") from error

    def begin(self, source: str, report: str, progress: ReportProgress) -> None:
        self.write(reports={**self.content.reports, f"{source}/{report}": progress})

    def done(self, piece: ReportDays, state: ReportState) -> None:
        """Notes that a piece was handed on, and the state after it."""
        source, report, days = piece
        before = self.progress(source, report)
        kept = Section({}, len(state.ledger.blocks), {report: state})
        replace_file(self._state_file(source, report, days.last), encoded({source: kept}))
        self.begin(source, report, msgspec.structs.replace(before, until=days.last))
        if before.until is not None:
            self._state_file(source, report, before.until).unlink(missing_ok=True)

    def extend(self, question: Mapping[str, str], spans: Mapping[str, Days]) -> None:
        """Adds later days and new sources; asks again for reports that the platform lacked and now may have."""
        wanted = dict(self.content.spans)
        for source, days in spans.items():
            known = wanted.get(source, days)
            wanted[source] = Days(known.first, max(known.last, days.last))
        if wanted != self.content.spans:
            asked = {**self.content.question, **question}
            reports = {name: each for name, each in self.content.reports.items() if not each.left_out}
            self.write(question=asked, spans=wanted, reports=reports, finished=False)

    def _state_file(self, source: str, report: str, until: date) -> Path:
        return self.folder / f"{source}.{report}.{until}.state"

    def write(self, **changes: object) -> None:
        """Replaces the manifest atomically."""
        content = msgspec.structs.replace(self.content, **changes)
        replace_file(self.folder / NAME, [msgspec.json.format(msgspec.json.encode(content), indent=1)])
        self.content = content


@contextmanager
def opened(
    folder: Path, question: Mapping[str, str], spans: Mapping[str, Days], loosely: Collection[str] | None = None
) -> Iterator[Manifest]:
    """Opens the manifest in a folder, or begins one with `spans`; with `loosely`, continues it with later days.

    The question must be that of the first run; a continued run may change the options in `loosely`, the list of
    sources, and `DESTINATION` once finished. Raises ConfigError (locked, other options, or unreadable) and OSError.
    """
    with _locked(folder):
        known = _read(folder / NAME)
        if known is not None:
            changed = {name for name, _ in known.question.items() ^ question.items()}
            if loosely is not None:
                may_change = (*loosely, DESTINATION) if known.finished else loosely
                changed = (changed & known.question.keys() & question.keys()).difference(may_change)
            if changed:
                raise ConfigError(f"{folder}: was started with a different {', '.join(sorted(changed))}; {AGAIN}")
        manifest = Manifest(folder, known or Contents(VERSION, dict(question), dict(spans)))
        if known is None:
            manifest.write()
        if loosely is not None:
            manifest.extend(question, spans)
        yield manifest


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Locks the folder for this process; the lock ends with the process, however that ends."""
    folder.mkdir(mode=0o700, exist_ok=True)
    lock = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(f"{folder}: another backfill is using it; wait until it has ended") from None
        yield
    finally:
        os.close(lock)


def _read(path: Path) -> Contents | None:
    try:
        content = msgspec.json.decode(path.read_bytes(), type=Contents)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise ConfigError(f"{path}: is not a backfill manifest ({error}); {AGAIN}") from error
    if content.version != VERSION:
        raise ConfigError(f"{path}: has version {content.version}, this program writes {VERSION}; {AGAIN}")
    return content
