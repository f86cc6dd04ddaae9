"""A restart with a state file: the same figures at once, the same questions after; what does not fit is not used."""

import dataclasses
import errno
import logging
import os
import subprocess
import sys
import zlib
from array import array
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from exporter.app.assemble import assemble, fingerprint
from exporter.domain.calendars import day_at, end
from exporter.domain.threads import result_in_time
from exporter.exposition.telemetry import LastAttempt
from exporter.ledger.day_status import DayRules
from exporter.ledger.ledger import Block, Ledger
from exporter.ledger.table import Table
from exporter.metrics.target import Health, ReportState
from exporter.platforms.paradigm.platform import CHAT_SESSIONS
from exporter.platforms.registry import platforms
from exporter.polling.outputs import StateStore
from exporter.polling.state_file import StateFile, replace_file
from exporter.polling.state_format import HEAD, MAGIC, decoded
from exporter.settings import load
from exporter.simulator.app import create_app
from exporter.simulator.paradigm.world import World
from tests.examples import examples
from tests.hanging import hanging
from tests.pipeline.pipeline import RULES, ManualClock, Pipeline, only, target_with, utc

pytestmark = pytest.mark.anyio

NOON = utc(2026, 3, 3, 12)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
REPORT = CHAT_SESSIONS.name
MADE_BY = {"platform": "paradigm", "base_url": "https://paradigm.example", "timezone": "UTC"}


class Platform(httpx.AsyncBaseTransport):
    """The simulated platform, which writes down the days that it was asked for; `down` as long as nobody is there.

    Days of the past alone are refused while `forgetful`.
    """

    def __init__(self, clock: ManualClock, *scenarios: str) -> None:
        self.world = World.from_seed(1, 6)
        app = create_app(self.world, clock.now, scenarios=scenarios or ("normal",), sleep=clock.sleep)
        self._app = httpx.ASGITransport(app)
        self._clock = clock
        self.asked: list[tuple[str, str]] = []
        self.down = False
        self.forgetful = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        query = request.url.params
        if "start_date" in query:
            self.asked.append((query["start_date"], query["end_date"]))
            is_past = query["end_date"] < self._clock.moment.date().isoformat()
            if self.down or (is_past and self.forgetful):
                raise httpx.ConnectError("nobody is there")
        return await self._app.handle_async_request(request)


def pipeline(path: Path | None, platform: Platform, clock: ManualClock, rules: DayRules = RULES) -> Pipeline:
    """Builds what a process is made of: with a state file it is the next one after those before."""
    store = StateFile(path, clock.now).store("s", MADE_BY, rules) if path else None
    return Pipeline(platform, clock, platform.world.keys.admin, target_with(rules), store=store)


NOT_REMEMBERED = ("chat_usage_config_unmatched_selectors", "chat_usage_series")


def served(subject: Pipeline) -> str:
    """Returns the rendered page, which has all that is remembered; live counters begin anew in each process.

    Which selectors match nothing is not remembered, for it needs the names of companies that nobody wants; the number
    of series follows.
    """
    lines = subject.text().splitlines(keepends=True)
    return "".join(
        line for line in lines if not line.removeprefix("# HELP ").removeprefix("# TYPE ").startswith(NOT_REMEMBERED)
    )


async def compare(folder: Path, begin: datetime, steps: Iterable[tuple[timedelta, bool]]) -> Pipeline:
    """Polls two exporters side by side, of which one is restarted at some steps: pages and questions are the same.

    Returns the one that went on without restarts.
    """
    clock, path = ManualClock(begin), folder / "state"
    steady, restarted = Platform(clock, "restatement"), Platform(clock, "restatement")
    subject = pipeline(path, restarted, clock)
    await subject.__aenter__()
    async with pipeline(None, steady, clock) as model:
        for step, is_restarted in ((timedelta(0), False), *steps):
            midnight, target = end(day_at(clock.moment, RULES.zone), RULES.zone), clock.moment + step
            clock.moment = target
            if is_restarted:
                await subject.__aexit__()
                subject = pipeline(path, restarted, clock)
                await subject.__aenter__()
            if is_restarted or midnight <= target:
                await model.poller.render_all()
                await subject.poller.render_all()
            assert served(model) == served(subject)
            await model.poller.poll()
            await subject.poller.poll()
            assert served(model) == served(subject)
            assert steady.asked == restarted.asked
    await subject.__aexit__()
    return model


async def test_a_month_with_restarts_is_a_month_without(tmp_path: Path) -> None:
    """Poll by poll: figures, days, ages, corrections counted, and what the platform is asked."""
    steps = [(timedelta(hours=7, minutes=11), n % 3 == 1) for n in range(103)]

    model = await compare(tmp_path, utc(2026, 2, 14, 9), steps)

    assert only(model, "chat_usage_report_restatements_total") > 0


@settings(max_examples=examples(15), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(st.tuples(st.integers(1, 60 * 60).map(lambda n: timedelta(minutes=n)), st.booleans()), max_size=6)
)
async def test_any_rhythm_of_restarts_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[timedelta, bool]]
) -> None:
    """Minutes or days apart."""
    await compare(tmp_path_factory.mktemp("state"), NOON, steps)


async def test_figures_are_there_before_the_first_poll_with_their_true_ages(tmp_path: Path) -> None:
    """The platform is down: day and poll are told as they were, and yesterday's running day is no `_today`."""
    clock = ManualClock(NOON)
    platform = Platform(clock)
    async with pipeline(tmp_path / "state", platform, clock) as before:
        await before.poller.poll()
        figures = before.page("paradigm_user_queries_28d")

    clock.moment += DAY
    platform.down = True
    async with pipeline(tmp_path / "state", platform, clock) as after:
        assert after.board.shown.served == {("s", REPORT)}
        assert after.page("paradigm_user_queries_28d") == figures
        assert only(after, "chat_usage_report_day_timestamp_seconds") == utc(2026, 3, 2).timestamp()
        assert only(after, "chat_usage_poll_last_success_timestamp_seconds") == NOON.timestamp()
        assert only(after, "chat_usage_report_up") == 1
        assert after.poller.expires_at() == NOON + RULES.max_staleness
        assert not any(key.name.endswith("_today") for key in after.page("paradigm_"))
        await after.poller.poll()
        assert only(after, "chat_usage_report_up") == 0
        assert after.page("paradigm_user_queries_28d") == figures


async def test_a_pass_over_the_past_goes_on_where_it_was(tmp_path: Path) -> None:
    """What it asked for is not asked again, and sums wait for its end."""
    clock = ManualClock(NOON)
    platform = Platform(clock)
    platform.forgetful = True
    async with pipeline(tmp_path / "state", platform, clock) as before:
        await before.poller.poll()

    platform.forgetful = False
    platform.asked.clear()
    async with pipeline(tmp_path / "state", platform, clock) as after:
        assert after.page("paradigm_user_queries_last_day")
        assert not after.page("paradigm_user_queries_7d")
        await after.poller.poll()
        assert after.page("paradigm_user_queries_7d")
    assert platform.asked == [("2026-02-28", "2026-03-03"), ("2026-01-17", "2026-02-28")]


async def test_another_length_of_history_is_asked_for_anew(tmp_path: Path) -> None:
    """The days stay; sums wait until the history that is configured now was read."""
    clock = ManualClock(NOON)
    platform = Platform(clock)
    async with pipeline(tmp_path / "state", platform, clock, replace(RULES, keep_days=10)) as before:
        await before.poller.poll()

    platform.asked.clear()
    async with pipeline(tmp_path / "state", platform, clock) as after:
        assert after.page("paradigm_user_queries_last_day")
        assert not after.page("paradigm_user_queries_28d")
        await after.poller.poll()
        assert after.page("paradigm_user_queries_28d")
    assert ("2026-01-17", "2026-02-28") in platform.asked


async def test_the_interval_is_the_one_that_is_configured_now(tmp_path: Path) -> None:
    """It is no memory."""
    clock = ManualClock(NOON)
    platform = Platform(clock)
    async with pipeline(tmp_path / "state", platform, clock) as before:
        await before.poller.poll()
    after = pipeline(tmp_path / "state", platform, clock)
    after.poller.target = replace(after.poller.target, interval=2 * HOUR)
    async with after:
        assert only(after, "chat_usage_poll_interval_seconds") == 7200


# What is not used


def state(success: datetime | None = NOON, read: datetime = NOON) -> ReportState:
    table = Table(("1",), {CHAT_SESSIONS.parts["chat"][0]: array("d", [4.0])})
    ledger = Ledger({(NOON - DAY).date(): Block(read, True, {"chat": table})}, {"1": "Northwind"})
    return ReportState(
        ledger, Health(HOUR, NOON, success, 0.5, "ok", True, read_at=success), refreshed_for=(NOON - DAY).date()
    )


def keep(path: Path, states: Mapping[str, ReportState], source: str = "s") -> bytes:
    """Writes a state file that holds one source."""
    StateFile(path, lambda: NOON).store(source, MADE_BY, RULES).save(states)
    return path.read_bytes()


def warned(caplog: pytest.LogCaptureFixture) -> list[tuple[str, object]]:
    """Returns the warnings: what they say, and the reason."""
    return [
        (record.message, record.__dict__["reason"]) for record in caplog.records if record.levelno >= logging.WARNING
    ]


def cut(content: bytes) -> bytes:
    return content[:-1]


def of_another_version(content: bytes) -> bytes:
    return MAGIC + b"99 little\n" + content[len(HEAD) :]


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        pytest.param(cut, "is truncated or damaged: its checksum does not match; the next poll replaces it", id="cut"),
        pytest.param(
            of_another_version,
            "has another format version; kept as state.other-version, the next poll replaces it",
            id="version",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line_and_is_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, harm: Callable[[bytes], bytes], reason: str
) -> None:
    """Nobody has to mend it by hand."""
    path = tmp_path / "state"
    path.write_bytes(harm(keep(path, {REPORT: state()})))
    store = StateFile(path, lambda: NOON).store("s", MADE_BY, RULES)

    assert store.load() == {}
    assert warned(caplog) == [("state file not used: starts empty, asks the platform again", reason)]
    store.save({REPORT: state()})
    assert StateFile(path, lambda: NOON).store("s", MADE_BY, RULES).load().keys() == {REPORT}


def test_a_file_of_a_newer_version_is_kept_beside_the_new_one(tmp_path: Path) -> None:
    """Whoever went back to an older release may go forth again; where there is no room for it, it is not replaced."""
    path, disk = tmp_path / "state", Disk()
    path.write_bytes(newer := of_another_version(keep(path, {REPORT: state()})))
    for disk.error in (OSError(errno.ENOSPC, "no luck"), None):
        store = StateFile(path, lambda: NOON, disk.write).store("s", MADE_BY, RULES)
        assert store.load() == {}
        store.save({REPORT: state()})
        assert (path.read_bytes() == newer) == (disk.error is not None)

    assert (tmp_path / "state.other-version").read_bytes() == newer


class Hanging:
    """A file system that does not answer until it is told to; `begun` counts the writes."""

    def __init__(self) -> None:
        self.answers = Event()
        self.begun = 0

    def write(self, path: Path, pieces: Iterable[bytes]) -> None:
        self.begun += 1
        self.answers.wait()
        replace_file(path, pieces)


def test_a_write_that_hangs_is_one_line_and_holds_up_one_poll(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody waits for it twice; when it has ended the next poll is kept again."""
    disk, path = Hanging(), tmp_path / "state"
    file = StateFile(path, lambda: NOON, disk.write, gauges := LastAttempt(), seconds=0.01)
    store = file.store("s", MADE_BY, RULES)
    store.load()
    assert written(gauges) == (1, 0)
    for _ in range(3):
        store.save({REPORT: state()})
    assert written(gauges) == (0, 0)
    assert [str(reason).partition(";")[0] for _, reason in warned(caplog)] == [
        "no answer within 0.01 s", *["the previous write has not ended yet"] * 2
    ]  # fmt: skip
    disk.answers.set()
    assert file._writing is not None
    result_in_time(file._writing, path, 60)
    file._seconds = 60
    store.save({REPORT: state()})
    assert (disk.begun, written(gauges)) == (2, (1, NOON.timestamp()))


def test_a_file_system_that_does_not_answer_is_named_at_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A lookup that hangs, as in a folder on a dead server: it is left as it is, and the start goes on."""
    gauges, (path, answers) = LastAttempt(), hanging(tmp_path / "state")
    StateFile(path, lambda: NOON, gauges=gauges, seconds=0.01).store("s", MADE_BY, RULES).load()
    answers.set()

    ((_, reason),) = warned(caplog)
    assert str(reason).startswith("cannot be read (no answer within 0.01 s); it is left alone")
    assert written(gauges) == (0, 0)


def written(gauges: LastAttempt) -> tuple[float, ...]:
    """Returns whether the last write was good, and when the last good one was; nothing without a state file."""
    return tuple(metric.samples[0].value for metric in gauges.collect())


@pytest.mark.parametrize("number", [None, errno.ENOSPC, errno.EROFS])
def test_how_the_last_write_went_is_a_metric(tmp_path: Path, number: int | None) -> None:
    gauges, disk = LastAttempt(), Disk()
    assert written(gauges) == ()
    store = StateFile(tmp_path / "state", lambda: NOON, disk.write, gauges).store("s", MADE_BY, RULES)
    store.load()
    assert written(gauges) == (1, 0)
    store.save({REPORT: state()})
    disk.error = None if number is None else OSError(number, "no luck")
    store.save({REPORT: state()})
    assert written(gauges) == (int(number is None), NOON.timestamp())


def test_without_a_path_nothing_is_stored_until_there_is_one(tmp_path: Path) -> None:
    """A reload gives one, then another, then none; what was removed of the sources is in none of them."""
    gauges, first, second = LastAttempt(), tmp_path / "first", tmp_path / "second"
    file = StateFile(None, lambda: NOON, gauges=gauges)
    for source in ("gone", "s"):
        store = file.store(source, MADE_BY, RULES)
        assert store.load() == {}
        store.save({REPORT: state()})
    assert (written(gauges), os.listdir(tmp_path)) == ((), [])

    file.use(first, ("gone", "s"))
    assert decoded(first.read_bytes()).keys() == {"gone", "s"}
    file.use(first, ("s",))
    assert decoded(first.read_bytes()).keys() == {"s"}
    before = first.read_bytes()
    file.use(second, ("s",))
    assert decoded(second.read_bytes()).keys() == {"s"}
    file.use(None, ("s",))
    store.save({REPORT: state()})
    assert (written(gauges), first.read_bytes(), sorted(os.listdir(tmp_path))) == ((), before, ["first", "second"])


def test_a_reload_replaces_no_file_of_somebody_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    other = tmp_path / "exporter.yml"
    other.write_text("sources: {}\n")
    file = StateFile(tmp_path / "state", lambda: NOON)
    store = file.store("s", MADE_BY, RULES)
    store.load()
    store.save({REPORT: state()})
    file.use(other, ("s",))
    store.save({REPORT: state()})

    assert other.read_text() == "sources: {}\n"
    assert "is not a state file of this program" in str(warned(caplog))


def test_a_file_of_somebody_else_is_left_as_it_is(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A mistyped path must not cost the operator a file."""
    path = tmp_path / "exporter.yml"
    path.write_text("sources: {}\n")
    store = StateFile(path, lambda: NOON).store("s", MADE_BY, RULES)

    assert store.load() == {}
    store.save({REPORT: state()})

    assert path.read_text() == "sources: {}\n"
    assert [reason for _, reason in warned(caplog)] == [
        "is not a state file of this program; it is left alone, and nothing is kept; delete or mend it and "
        "restart, or set another state_file"
    ]


def test_a_file_that_cannot_be_read_is_left_as_it_is(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It may be anything; here, something that is no file at all."""
    store = StateFile(tmp_path, lambda: NOON).store("s", MADE_BY, RULES)

    assert store.load() == {}
    store.save({REPORT: state()})

    ((_, reason),) = warned(caplog)
    assert str(reason).startswith("cannot be read (Is a directory); it is left alone, and nothing is kept; ")
    assert list(tmp_path.parent.glob("*.new")) == []


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_might_never_end_is_not_read(tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str) -> None:
    """Nor written: whoever named it meant another file."""
    path = tmp_path / "pipe" if kind == "pipe" else Path("/dev/zero")
    if kind == "pipe":
        os.mkfifo(path)
    store = StateFile(path, lambda: NOON).store("s", MADE_BY, RULES)

    assert store.load() == {}
    store.save({REPORT: state()})

    ((_, reason),) = warned(caplog)
    assert str(reason).startswith("cannot be read (is not a regular file); it is left alone")
    assert not path.is_file()


def test_no_file_yet_is_no_fault(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The first start is told, not warned of."""
    caplog.set_level(logging.INFO)

    assert StateFile(tmp_path / "state", lambda: NOON).store("s", MADE_BY, RULES).load() == {}

    assert [(each.levelname, each.message) for each in caplog.records] == [
        ("INFO", "no state file yet; the first poll writes it")
    ]


@pytest.mark.parametrize(
    ("now", "kept", "reason"),
    [
        pytest.param(
            NOON + RULES.max_staleness + timedelta(seconds=1),
            state(),
            "its last good poll (2026-03-03T12:00:00Z) is older than max_staleness",
            id="too-old",
        ),
        pytest.param(
            NOON - timedelta(seconds=1),
            state(),
            "is from the future (2026-03-03T12:00:00Z); the clock is wrong now or was wrong then",
            id="polled-in-the-future",
        ),
        pytest.param(
            NOON,
            state(read=NOON + DAY),
            "is from the future (2026-03-04T12:00:00Z); the clock is wrong now or was wrong then",
            id="read-in-the-future",
        ),
    ],
)
def test_a_report_of_another_time_is_refused_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, now: datetime, kept: ReportState, reason: str
) -> None:
    """The other reports of the source are used: here one that has never had a good poll."""
    keep(tmp_path / "state", {REPORT: kept, "other": ReportState(Ledger(), Health(HOUR))})

    restored = StateFile(tmp_path / "state", lambda: now).store("s", MADE_BY, RULES).load()

    assert restored.keys() == {"other"}
    assert warned(caplog) == [("state of a report not used: starts empty, asks the platform again", reason)]


async def test_a_file_from_the_future_neither_sets_days_back_nor_freezes_figures(tmp_path: Path) -> None:
    """The clock was a month ahead: the page is empty until a poll under the present clock, and true from then on."""
    clock = ManualClock(NOON + 30 * DAY)
    platform = Platform(clock)
    async with pipeline(tmp_path / "state", platform, clock) as before:
        await before.poller.poll()

    clock.moment = NOON
    async with pipeline(tmp_path / "state", platform, clock) as after, pipeline(None, platform, clock) as model:
        assert served(after) == served(model)
        assert not after.page("paradigm_")
        await after.poller.poll()
        await model.poller.poll()
        assert served(after) == served(model)
        platform.down = True
        clock.moment += RULES.max_staleness + HOUR
        await after.poller.poll()
        assert not after.page("paradigm_")


@pytest.mark.parametrize(
    ("now_made_by", "reason"),
    [
        pytest.param({**MADE_BY, "base_url": "https://other"}, "was kept for a different base_url", id="instance"),
        pytest.param(
            {**MADE_BY, "timezone": "Europe/Paris", "platform": "x"},
            "was kept for a different platform, timezone",
            id="zone-and-platform",
        ),
        pytest.param({**MADE_BY, "chatbot": "abc"}, "was kept for a different chatbot", id="one-more-thing"),
    ],
)
def test_of_two_sources_the_changed_one_is_refused_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, now_made_by: Mapping[str, str], reason: str
) -> None:
    """Its figures are of somebody else; the other source's are as good as ever, also in the next file."""
    path = tmp_path / "state"
    file = StateFile(path, lambda: NOON)
    for each in [file.store("changed", MADE_BY, RULES), file.store("same", MADE_BY, RULES)]:
        each.save({REPORT: state()})

    file = StateFile(path, lambda: NOON)
    changed, same = file.store("changed", now_made_by, RULES), file.store("same", MADE_BY, RULES)
    assert [set(changed.load()), set(same.load())] == [set(), {REPORT}]
    assert warned(caplog) == [("state of a source not used: starts empty, asks the platform again", reason)]
    same.save({REPORT: state()})

    file = StateFile(path, lambda: NOON)
    changed, same = file.store("changed", MADE_BY, RULES), file.store("same", MADE_BY, RULES)
    assert [set(changed.load()), set(same.load())] == [set(), {REPORT}]


def test_a_source_that_is_gone_leaves_the_file(tmp_path: Path) -> None:
    """What was removed from the configuration is not kept for ever."""
    path = tmp_path / "state"
    keep(path, {REPORT: state()}, "gone")
    store = StateFile(path, lambda: NOON).store("s", MADE_BY, RULES)
    store.load()
    store.save({REPORT: state()})

    assert StateFile(path, lambda: NOON).store("gone", MADE_BY, RULES).load() == {}


# Writing


def test_sources_share_one_file_whoever_polls_first(tmp_path: Path) -> None:
    """The first poll of one does not cost another one what it has not polled yet."""
    path = tmp_path / "state"
    keep(path, {REPORT: state()}, "b")
    file = StateFile(path, lambda: NOON)
    a, b = file.store("a", MADE_BY, RULES), file.store("b", MADE_BY, RULES)
    a.load()
    a.save({REPORT: state()})
    assert b.load().keys() == {REPORT}

    file = StateFile(path, lambda: NOON)
    stores = [file.store(name, MADE_BY, RULES) for name in ("a", "b")]
    assert [set(store.load()) for store in stores] == [{REPORT}, {REPORT}]


class Disk:
    """A disk that refuses to be written to while it has an error; counts what was written."""

    def __init__(self) -> None:
        self.error: OSError | None = None
        self.written = 0

    def write(self, path: Path, pieces: Iterable[bytes]) -> None:
        if self.error is not None:
            raise self.error
        replace_file(path, pieces)
        self.written += 1


def test_nothing_is_written_when_nothing_changed(tmp_path: Path) -> None:
    """A poll that was skipped, or a past that was not asked for, is no reason."""
    disk, one = Disk(), state()
    store = StateFile(tmp_path / "state", lambda: NOON, disk.write).store("s", MADE_BY, RULES)
    store.load()

    store.save({REPORT: one})
    store.save({REPORT: one})
    assert disk.written == 1
    store.save({REPORT: replace(one, refreshed_for=None)})
    assert disk.written == 2


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES], ids=errno.errorcode.get)
async def test_a_write_that_fails_is_one_line_and_fails_no_poll(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, number: int
) -> None:
    """Disk full, read-only, not ours: figures are served, and the next poll is the next chance."""
    clock, disk = ManualClock(NOON), Disk()
    platform = Platform(clock)
    store = StateFile(tmp_path / "state", clock.now, disk.write).store("s", MADE_BY, RULES)
    async with Pipeline(platform, clock, platform.world.keys.admin, store=store) as subject:
        await subject.poller.poll()
        clock.moment += HOUR
        disk.error = OSError(number, "no luck")
        await subject.poller.poll()
        assert subject.outcomes() == {"ok": 2}
        assert subject.page("paradigm_user_queries_28d")
        clock.moment += HOUR
        disk.error = None
        await subject.poller.poll()

    assert disk.written == 3  # the first poll, its past, and the last poll
    assert warned(caplog) == [
        (
            "state file not written; figures are still served, but a restart asks the platform again",
            "no luck; give the exporter's user a writable folder with free space",
        )
    ]


def test_a_folder_that_went_away_is_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The volume was unmounted."""
    folder = tmp_path / "volume"
    folder.mkdir()
    store = StateFile(folder / "state", lambda: NOON).store("s", MADE_BY, RULES)
    store.load()
    folder.rmdir()

    store.save({REPORT: state()})

    ((_, reason),) = warned(caplog)
    assert str(reason).startswith("No such file or directory; ")


class Broken:
    """A memory with a bug of ours in it."""

    def load(self) -> Mapping[str, ReportState]:
        raise ZeroDivisionError

    def save(self, states: Mapping[str, ReportState]) -> None:
        raise ZeroDivisionError


async def test_a_bug_in_keeping_costs_no_poll(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged with its traceback; figures are served."""
    clock = ManualClock(NOON)
    platform = Platform(clock)
    store = StateStore(Broken().load, Broken().save)
    async with Pipeline(platform, clock, platform.world.keys.admin, store=store) as subject:
        await subject.poller.poll()
        assert subject.outcomes() == {"ok": 1}
        assert subject.page("paradigm_user_queries_7d")
    assert "ZeroDivisionError" in caplog.text


def python(code: str, path: Path) -> subprocess.CompletedProcess[str]:
    """Runs a program that writes to `path`, in which `pieces` come from the code."""
    imports = (
        "import os, resource, signal, sys",
        "from pathlib import Path",
        "from exporter.polling.state_file import replace_file",
    )
    program = "\n".join((*imports, code))
    command = [sys.executable, "-c", program, str(path)]
    return subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)


KILLED_AT_THE_END = """
def pieces():
    yield b"new" * 10**6
    os.kill(os.getpid(), signal.SIGKILL)
replace_file(Path(sys.argv[1]), pieces())
"""
NO_ROOM = """
resource.setrlimit(resource.RLIMIT_FSIZE, (10**6, 10**6))
try:
    replace_file(Path(sys.argv[1]), [b"new" * 10**6])
except OSError as error:
    print(error.strerror)
"""


def test_kill_9_before_the_rename_leaves_the_old_file(tmp_path: Path) -> None:
    """What it left behind is no hindrance to the next one."""
    path = tmp_path / "state"
    path.write_bytes(b"old")

    assert python(KILLED_AT_THE_END, path).returncode == -9
    assert path.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 2

    replace_file(path, [b"newer"])
    assert path.read_bytes() == b"newer"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_finds_no_room_leaves_the_old_one_and_no_rest(tmp_path: Path) -> None:
    """A real limit on a real process."""
    path = tmp_path / "state"
    path.write_bytes(b"old")

    assert python(NO_ROOM, path).stdout == "File too large\n"
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    """Whatever the one before was."""
    path = tmp_path / "state"
    path.touch(0o644)

    replace_file(path, [b"x"])

    assert path.stat().st_mode & 0o777 == 0o600


async def test_no_key_and_no_address_is_in_the_file(tmp_path: Path) -> None:
    """Names of companies are, which /metrics shows as well."""
    clock = ManualClock(NOON)
    platform = Platform(clock)
    path = tmp_path / "state"
    made_by = {"base_url": "https://me:canary@paradigm.example"}
    store = StateFile(path, clock.now).store("s", made_by, RULES)
    async with Pipeline(platform, clock, platform.world.keys.admin, store=store) as subject:
        await subject.poller.poll()

    content, rest = path.read_bytes(), path.read_bytes()[len(HEAD) : -32]
    while rest:
        length = int.from_bytes(rest[:4], "little")
        content += zlib.decompress(rest[4 : 4 + length])
        rest = rest[4 + length :]
    company = platform.world.company(2)
    assert company is not None
    assert company.name.encode() in content
    for secret in (platform.world.keys.admin, "canary", "paradigm.example", str(tmp_path)):
        assert secret.encode() not in content


# Wiring

CONFIG = """
state_file: state
sources:
  production: {{platform: paradigm, api_key: {key}, base_url: "http://127.0.0.1:1", {more}}}
"""


def configured(folder: Path, key: str = "k1", more: str = "") -> Path:
    path = folder / "exporter.yml"
    path.write_text(CONFIG.format(key=key, more=more))
    return path


async def test_ready_right_after_a_restart_also_when_the_platform_is_down(tmp_path: Path) -> None:
    """The whole program but its socket: the file is found beside the configuration, and a new key does not void it."""
    now = datetime.now(tz=RULES.zone)
    settings = load(configured(tmp_path), {}, platforms())
    (source,) = settings.sources.values()
    table = Table(("1",), {CHAT_SESSIONS.parts["chat"][0]: array("d", [4.0])})
    blocks = {(now - n * DAY).date(): Block(now - HOUR, True, {"chat": table}) for n in range(1, 4)}
    kept = ReportState(
        Ledger(blocks, {"1": "Northwind"}), Health(HOUR, now - HOUR, now - HOUR, 0.5, "ok", True, read_at=now - HOUR)
    )
    file = StateFile(tmp_path / "state", lambda: now)
    file.store("production", fingerprint(source), replace(RULES, keep_days=45)).save({REPORT: kept})

    exporter = assemble(load(configured(tmp_path, "k2"), {}, platforms()))
    transport = httpx.ASGITransport(exporter.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://exporter.example") as client:
        assert (await client.get("/-/ready")).status_code == 503
        async with exporter.polling():
            assert (await client.get("/-/ready")).status_code == 200
            assert 'company="Northwind"' in (await client.get("/metrics")).text


@pytest.mark.parametrize(
    ("more", "changes"),
    [
        pytest.param("timezone: Europe/Paris", {"timezone"}, id="zone"),
        pytest.param(
            'companies: {include: ["Nor*"], exclude: [7]}', {"companies.include", "companies.exclude"}, id="companies"
        ),
        pytest.param("poll: {interval: 2h}, settle: 7h, history_days: 50", set(), id="what-the-figures-do-not-hang-on"),
    ],
)
def test_the_fingerprint_is_what_the_figures_hang_on(tmp_path: Path, more: str, changes: set[str]) -> None:
    """Nothing that changes every day, and not the key."""
    (before,) = load(configured(tmp_path), {}, platforms()).sources.values()
    (after,) = load(configured(tmp_path, "k2", more), {}, platforms()).sources.values()

    assert {name for name, _ in fingerprint(before).items() ^ fingerprint(after).items()} == changes
    other = dataclasses.replace(
        before, platform=dataclasses.replace(before.platform, version=99), base_url="https://other.example"
    )
    assert {name for name, _ in fingerprint(before).items() ^ fingerprint(other).items()} == {
        "version of the decoder",
        "base_url",
    }
