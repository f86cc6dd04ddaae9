"""The pass over the past: once a day and at the start, newest first, in pieces, polls going first, nothing lost."""

import asyncio
from datetime import date, datetime, timedelta
from itertools import groupby

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.domain.model import Days
from exporter.ledger.day_status import days_to_refresh
from exporter.platforms.paradigm.platform import REPORTS
from exporter.polling import poll_result
from exporter.simulator.app import create_app
from exporter.simulator.paradigm.world import World
from tests.pipeline.pipeline import RULES, ManualClock, Pipeline, only, set_scenarios, target_with, utc

pytestmark = pytest.mark.anyio

NOON = utc(2026, 3, 3, 12)
TODAY = date(2026, 3, 3)
HOUR = timedelta(hours=1)
WEEK = "paradigm_user_queries_7d"


class Recorder(httpx.AsyncBaseTransport):
    """Passes requests on to the simulated platform and writes down which days each asked for.

    `broken` tells by first and last day which questions find nobody; `gate` holds questions about the past up.
    """

    def __init__(self, clock: ManualClock, world: World) -> None:
        self._app = httpx.ASGITransport(create_app(world, clock.now, sleep=clock.sleep))
        self.asked: list[Days] = []
        self.broken: set[date] = set()
        self.gate: asyncio.Event | None = None
        self.waiting = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        query = request.url.params
        if "start_date" in query:
            days = Days(date.fromisoformat(query["start_date"]), date.fromisoformat(query["end_date"]))
            self.asked.append(days)
            if days.first in self.broken:
                raise httpx.ConnectError("nobody is there")
            if self.gate is not None and days.last < TODAY:
                self.waiting.set()
                await self.gate.wait()
        return await self._app.handle_async_request(request)


def begin(moment: datetime = NOON, past: asyncio.Lock | None = None) -> tuple[Recorder, Pipeline]:
    clock, world = ManualClock(moment), World.from_seed(1, 6)
    recorder = Recorder(clock, world)
    return recorder, Pipeline(recorder, clock, world.keys.admin, past=past)


async def test_the_past_is_asked_for_after_the_first_poll_and_once_after_each_flip() -> None:
    """Not with every poll: between two flips nothing of it changes."""
    recorder, pipeline = begin()
    async with pipeline:
        await pipeline.poller.poll()
        recent, past = Days(date(2026, 2, 28), TODAY), Days(date(2026, 1, 17), date(2026, 2, 28))
        assert recorder.asked == [recent, past]

        pipeline.clock.moment += HOUR
        await pipeline.poller.poll()
        pipeline.clock.moment = utc(2026, 3, 4, 5)  # a new day, but the last one is not complete yet
        await pipeline.poller.poll()
        assert past not in recorder.asked[2:]
        assert len(recorder.asked) == 4

        pipeline.clock.moment = utc(2026, 3, 4, 6, 1)
        await pipeline.poller.poll()
        assert recorder.asked[-1] == Days(date(2026, 1, 18), date(2026, 3, 1))


async def test_sums_are_absent_until_the_past_was_read_once() -> None:
    """A sum over what happens to be known would look like a fall in use."""
    recorder, pipeline = begin()
    recorder.broken = {date(2026, 1, 17)}
    async with pipeline:
        await pipeline.poller.poll()
        assert not pipeline.page(WEEK)
        assert pipeline.page("paradigm_user_queries_last_day")
        assert pipeline.outcomes() == {"ok": 1}

        recorder.broken = set()
        pipeline.clock.moment += HOUR
        await pipeline.poller.poll()
        assert pipeline.page(WEEK)
        assert set(pipeline.page("chat_usage_report_window_coverage_ratio").values()) == {1.0}


async def test_a_failed_poll_does_not_ask_for_the_past() -> None:
    """A platform that is down is asked once per poll, not twice."""
    recorder, pipeline = begin()
    recorder.broken = {date(2026, 2, 28)}
    async with pipeline:
        await pipeline.poller.poll()

        assert {days.last for days in recorder.asked} == {TODAY}


async def test_a_poll_goes_before_the_next_piece_of_the_past() -> None:
    """It waits for one piece at most, and what it folded is not lost to the piece."""
    recorder, pipeline = begin()
    recorder.gate = asyncio.Event()
    async with pipeline:
        first = asyncio.create_task(pipeline.poller.poll())
        await recorder.waiting.wait()
        second = asyncio.create_task(pipeline.poller.poll())
        await asyncio.sleep(0)
        recorder.gate.set()
        await asyncio.gather(first, second)

        assert pipeline.outcomes() == {"ok": 2}
        assert pipeline.page(WEEK)
        assert [days.last for days in recorder.asked].count(date(2026, 2, 28)) == 1


async def test_polls_that_come_due_while_the_past_is_read_go_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    """All their reports at once, after one piece at most, and each has ended before the next piece; none is dropped."""
    monkeypatch.setattr(poll_result, "PIECE_BYTES", 1)  # a piece for each day
    clock, world = ManualClock(NOON), World.from_seed(1, 6)
    app = httpx.ASGITransport(create_app(world, clock.now, sleep=clock.sleep))
    asked, due = list[tuple[str, date, date]](), list[asyncio.Task[None]]()

    async def answer(request: httpx.Request) -> httpx.Response:
        first, last = (date.fromisoformat(request.url.params[name]) for name in ("start_date", "end_date"))
        asked.append((request.url.path, first, last))
        if last < TODAY:
            assert all(poll.done() for poll in due[:-1] if asked[-2][-1] < TODAY)
            if len(asked) % 9 == 0:
                due.append(asyncio.create_task(pipeline.poller.poll()))
                await asyncio.sleep(0)
        return await app.handle_async_request(request)

    reports = (REPORTS["chat-sessions"], REPORTS["chats-feedback"])
    async with Pipeline(httpx.MockTransport(answer), clock, world.keys.admin, target_with(reports=reports)) as pipeline:
        await pipeline.poller.poll()

        assert pipeline.outcomes() == {"ok": 1 + len(due)}
        assert len(due) > 5
        runs = [[path for path, *_ in run] for newest, run in groupby(asked, lambda each: each[-1] == TODAY) if newest]
        assert runs == [runs[0]] * (1 + len(due))
        assert len(runs[0]) == 2
        past = [each for each in asked if each[-1] < TODAY]
        assert len(past) == len(set(past)) == 2 * 42
        assert set(pipeline.page("chat_usage_report_window_coverage_ratio").values()) == {1.0}


async def test_two_sources_ask_for_their_past_one_after_the_other() -> None:
    """A start with ten sources is no burst: the past of one is not asked while that of another is."""
    past = asyncio.Lock()
    recorder, pipeline = begin(past=past)
    other_recorder, other = begin(past=past)
    recorder.gate = asyncio.Event()
    async with pipeline, other:
        running = asyncio.create_task(pipeline.poller.poll())
        await recorder.waiting.wait()
        waiting = asyncio.create_task(other.poller.poll())
        async with asyncio.timeout(10):
            while not other.outcomes():  # noqa: ASYNC110 the poll ends in the worker thread, which sets no event
                await asyncio.sleep(0)
        assert len(other_recorder.asked) == 1

        recorder.gate.set()
        await asyncio.gather(running, waiting)
        assert len(other_recorder.asked) == 2


async def test_an_outage_leaves_a_gap_that_shows_and_is_filled() -> None:
    """Days that nobody read after their end do not count, and the share that does is told."""
    recorder, pipeline = begin()
    async with pipeline, httpx.AsyncClient(transport=recorder) as platform:
        await pipeline.poller.poll()
        await set_scenarios(platform, "outage")
        for _ in range(4):
            pipeline.clock.moment += timedelta(days=1)
            await pipeline.poller.poll()
        await set_scenarios(platform)
        pipeline.clock.moment += HOUR
        await pipeline.poller.poll()

        assert only(pipeline, "chat_usage_report_day_timestamp_seconds") == utc(2026, 3, 6).timestamp()
        assert set(pipeline.page("chat_usage_report_window_coverage_ratio").values()) == {1.0}
        assert only(pipeline, "chat_usage_report_restatements_total") == 0


async def test_a_correction_is_counted_and_its_size_told() -> None:
    """A fifth of the day's figures came late; the next poll without a change tells 0 again."""
    recorder, pipeline = begin(utc(2026, 3, 3, 11))
    async with pipeline, httpx.AsyncClient(transport=recorder) as platform:
        await set_scenarios(platform, "restatement")
        await pipeline.poller.poll()
        before = sum(pipeline.page(WEEK).values())
        assert only(pipeline, "chat_usage_report_restatements_total") == 0

        pipeline.clock.moment = utc(2026, 3, 3, 13)  # 1 March is corrected at noon of the second day after it
        await pipeline.poller.poll()
        assert only(pipeline, "chat_usage_report_restatements_total") > 10
        assert 0.1 < only(pipeline, "chat_usage_report_restated_ratio") < 0.3
        assert sum(pipeline.page(WEEK).values()) > before

        pipeline.clock.moment += HOUR
        await pipeline.poller.poll()
        assert only(pipeline, "chat_usage_report_restated_ratio") == 0


@given(st.integers(1, 400), st.integers(1, 500))
def test_pieces_cover_each_day_once_newest_first(count: int, longest: int) -> None:
    """No day twice, none missing, none longer than it may be."""
    days = Days(TODAY - timedelta(days=count - 1), TODAY)

    cut = days.pieces(longest)

    assert [day for piece in reversed(cut) for day in piece] == list(days)
    assert max(len(piece) for piece in cut) <= longest


def test_there_may_be_no_past_to_ask_for() -> None:
    """After an outage as long as the history, the poll itself asks for all of it."""
    assert days_to_refresh(Days(TODAY - RULES.keep_days * timedelta(days=1), TODAY), RULES) is None
