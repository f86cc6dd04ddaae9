"""An error of our own, planted at every step of a poll: it costs that poll of that report, and says so."""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta

import httpx
import pytest

from exporter.domain.threads import Worker
from exporter.exposition import board
from exporter.http.client import Client
from exporter.metrics import report_view
from exporter.metrics.target import ReportState
from exporter.platforms.paradigm.platform import REPORTS
from exporter.platforms.paradigm.self_described import DescribedReport
from exporter.polling import poll_result, poller
from exporter.polling.outputs import StateStore
from exporter.simulator.app import create_app
from exporter.simulator.paradigm.world import World
from tests.pipeline.pipeline import ManualClock, Pipeline, series, target_with, utc

pytestmark = pytest.mark.anyio

NOON = utc(2026, 3, 3, 12)
HOUR = timedelta(hours=1)
FIRST, *OTHERS = NAMES = ("tools", "chat-sessions", "users")
STEPS: Mapping[str, tuple[object, str]] = {
    "plan": (poller, "days_to_ask"),
    "fetch": (Client, "get"),
    "thread": (Worker, "run"),
    "decode": (DescribedReport, "decode"),
    "fold": (poll_result, "fold_answers"),
    "day-status": (poll_result, "day_status"),
    "result": (poller, "poll_result"),
    "judge": (poller, "after_poll"),
    "past": (poll_result, "days_to_refresh"),
    "names": (poller, "updated_states"),
    "render": (poller, "rendered"),
    "label-limits": (report_view, "keep_labels"),
    "write": (board, "write"),
    "publish": (board.Board, "put"),
    "log": (poller, "log_poll"),
}


class PlantedError(Exception):
    """A slip of ours."""


def plant(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, when: Callable[..., bool] | None = None) -> None:
    """Has a function fail once from now on or, given `when`, at every call with arguments for which that holds."""
    real, first = getattr(owner, name), iter([True])

    def planted(*args: object, **kwargs: object) -> object:
        if next(first, False) if when is None else when(*args):
            raise PlantedError
        return real(*args, **kwargs)

    monkeypatch.setattr(owner, name, planted)


class Kept:
    """A state file that keeps what it is given."""

    def __init__(self) -> None:
        self.states: Mapping[str, ReportState] = {}
        self.store = StateStore(dict, self.save)

    def save(self, states: Mapping[str, ReportState]) -> None:
        self.states = states


def begin(kept: Kept | None = None) -> Pipeline:
    clock, world = ManualClock(NOON), World.from_seed(1, 6)
    transport = httpx.ASGITransport(create_app(world, clock.now, scenarios=("normal",), sleep=clock.sleep))
    target = target_with(reports=tuple(REPORTS[name] for name in NAMES))
    return Pipeline(transport, clock, world.keys.admin, target, store=(kept or Kept()).store)


def figures(pipeline: Pipeline) -> Mapping[object, float]:
    """Returns all that is served but what the slip itself leaves: its count, and when the first good poll was."""
    slip = ("chat_usage_polls_total", "chat_usage_api_", "chat_usage_poll_duration")
    return {
        key: value
        for key, value in pipeline.page("").items()
        if not key.name.startswith((*slip, "process_", "python_"))
    }


def polls(pipeline: Pipeline, outcome: str) -> Mapping[str, float]:
    found = pipeline.page("chat_usage_polls_total").items()
    return {dict(key.labels)["report"]: n for key, n in found if n and dict(key.labels)["outcome"] == outcome}


def tracebacks(caplog: pytest.LogCaptureFixture) -> list[tuple[object, type[BaseException] | None]]:
    """Returns of each error that was logged which report it is of, and its class."""
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    return [(vars(each).get("report"), each.exc_info[0] if each.exc_info else None) for each in errors]


@pytest.mark.parametrize(
    ("step", "polled"),
    [
        *(pytest.param(step, 0, id=f"{step}-first-poll") for step in STEPS),
        *(pytest.param(step, 1, id=f"{step}-later-poll") for step in STEPS if step != "past"),
    ],
)
async def test_a_slip_costs_one_poll_of_one_report(
    step: str, polled: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is counted and logged once, the others are polled and kept, and after the next poll nothing is left of it."""
    kept = Kept()
    async with begin(kept) as pipeline, begin() as model:
        for _ in range(polled):
            await pipeline.poller.poll()
            await model.poller.poll()
            pipeline.clock.moment = model.clock.moment = pipeline.clock.moment + HOUR
        plant(monkeypatch, *STEPS[step])
        await pipeline.poller.poll()

        assert polls(pipeline, "internal") == {FIRST: 1}
        assert polls(pipeline, "ok") == dict.fromkeys(OTHERS, polled + 1) | ({FIRST: polled} if polled else {})
        assert tracebacks(caplog) == [(FIRST, PlantedError)]
        assert {name: state.health.outcome for name, state in kept.states.items()} == {
            FIRST: "internal",
            **dict.fromkeys(OTHERS, "ok"),
        }
        assert pipeline.page("chat_usage_report_up")[series("chat_usage_report_up", report=FIRST)] == 0
        assert bool(pipeline.page("paradigm_tool_uses")) == bool(polled)

        monkeypatch.undo()
        await model.poller.poll()
        pipeline.clock.moment = model.clock.moment = pipeline.clock.moment + HOUR
        await pipeline.poller.poll()
        await model.poller.poll()
        assert figures(pipeline) == figures(model)


async def test_what_cannot_be_rendered_is_withheld_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Also without a poll: figures of a day that has passed would be taken for those of the present."""
    async with begin() as pipeline, begin() as model:
        await pipeline.poller.poll()
        await model.poller.poll()
        plant(monkeypatch, board, "view", lambda _, report, state, *__: report.name == FIRST and state.ledger.blocks)
        await pipeline.poller.render_all()
        assert not pipeline.page("paradigm_tool_uses")
        assert pipeline.page("chat_usage_report_up")[series("chat_usage_report_up", report=FIRST)] == 0
        assert pipeline.page("paradigm_user_queries") == model.page("paradigm_user_queries")
        assert tracebacks(caplog) == [(FIRST, PlantedError)]

        await pipeline.poller.poll()
        assert polls(pipeline, "internal") == {FIRST: 1}
        assert polls(pipeline, "ok") == {FIRST: 1, **dict.fromkeys(OTHERS, 2)}
        assert not pipeline.page("paradigm_tool_uses")

        monkeypatch.undo()
        await pipeline.poller.render_all()
        assert pipeline.page("paradigm_") == model.page("paradigm_")


@pytest.mark.parametrize("store", ["save", "load"])
async def test_a_slip_of_the_state_file_changes_no_poll(
    store: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    kept = Kept()
    plant(monkeypatch, kept, "save")
    broken = StateStore(kept.save if store == "load" else dict, kept.save)  # type: ignore[arg-type]  # wrong on purpose
    kept.store = broken
    async with begin(kept) as pipeline:
        await pipeline.poller.poll()
        assert polls(pipeline, "ok") == dict.fromkeys(NAMES, 1)
        assert len(tracebacks(caplog)) == 1
        assert kept.states.keys() == {*NAMES}


async def test_a_slip_in_a_piece_of_the_past_costs_that_piece(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Until the next poll; the past of the others is read."""
    async with begin() as pipeline, begin() as model:
        plant(monkeypatch, poller, "ask", lambda _, report, days, *__: report.name == FIRST and days.last < NOON.date())
        await pipeline.poller.poll()
        assert polls(pipeline, "ok") == dict.fromkeys(NAMES, 1)
        assert tracebacks(caplog) == [(FIRST, PlantedError)]
        assert not pipeline.page("paradigm_tool_uses_7d")
        assert pipeline.page("paradigm_user_queries_7d")

        monkeypatch.undo()
        await pipeline.poller.poll()
        await model.poller.poll()
        assert pipeline.page("paradigm_") == model.page("paradigm_")
