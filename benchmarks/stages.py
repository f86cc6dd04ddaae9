"""The cost of one poll by stage, in CPU seconds of the worker thread, compared with other ways to do the same work.

All reports of the simulated Paradigm, four days (today and the three before), with 60 held days.
"""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import NamedTuple

import msgspec
from msgspec.structs import replace
from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from benchmarks.cpu import cpu
from benchmarks.figure import Figure
from exporter.app import interpreter
from exporter.domain.model import Days, Family, Reading
from exporter.exposition.board import rendered
from exporter.exposition.text import Chunk, Format, GzipPiece, Quoted, join
from exporter.exposition.text import write as write_family
from exporter.ledger.ledger import Ledger
from exporter.metrics.target import Health, ReportState, Target
from exporter.platforms.api import NO_DISCOVERIES, Context, Report, Request
from exporter.platforms.registry import platforms
from exporter.polling.answers import Answer
from exporter.polling.poll_result import PIECE_BYTES, fold_answers
from exporter.settings import load
from exporter.simulator.paradigm.reports import REPORTS
from exporter.simulator.paradigm.world import World

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)  # a Friday
TODAY = NOW.date()
ASKED = Days(TODAY - timedelta(days=3), TODAY)
HELD = 60
TRIES = 3
"""The cheapest try counts, because other work on the machine only adds to it."""


class Stages(NamedTuple):
    """CPU seconds of one poll of all reports by stage, and of other libraries for the same work, by name."""

    ours: Mapping[str, float]
    others: Mapping[str, float]
    series: int
    page_bytes: int

    @property
    def total(self) -> float:
        """The whole poll."""
        return sum(self.ours.values())


def source() -> Target:
    """Returns a source with default settings."""
    settings = load(None, {"PARADIGM_API_KEY": "opens-nothing"}, platforms())
    return next(iter(settings.sources.values())).target


def body(world: World, report: str, days: Days) -> bytes:
    """Returns the response of the simulated platform for some days."""
    answer = REPORTS[report].answer(world, world.companies, world.views(days.first, days.last, NOW))
    return msgspec.json.encode(answer)


def _request(watched: Target, report: Report, days: Days) -> Request:
    return report.plan(days, watched.scope, NO_DISCOVERIES)[0]


def _decoded(watched: Target, report: Report, days: Days, raw: bytes) -> Answer:
    request = _request(watched, report, days)
    found = report.decode(raw, request, Context(watched.source, TODAY, watched.rules.zone))
    if not isinstance(found, Reading):
        raise SystemExit(f"{report.name}: the simulated answer has no figures")
    return Answer(request, raw, found, len(raw))


def past(watched: Target, report: Report, world: World) -> ReportState:
    """Returns the state of a report after its history was read in pieces."""
    ledger, first = Ledger(), TODAY - timedelta(days=HELD)
    day_bytes = max(1, len(body(world, report.name, Days(first, first))))
    step = max(1, PIECE_BYTES // day_bytes) if report.has_days else HELD
    while first < TODAY:
        days = Days(first, min(first + timedelta(days=step - 1), TODAY - timedelta(days=1)))
        ledger = _folded(
            watched, report, ledger, _decoded(watched, report, days, body(world, report.name, days))
        ).ledger
        first = days.last + timedelta(days=1)
    health = Health(watched.interval, NOW, NOW, 1.0, "ok", history=True, read_at=NOW)
    return ReportState(ledger, health, refreshed_for=date.min)


def _folded(watched: Target, report: Report, ledger: Ledger, answer: Answer) -> ReportState:
    return fold_answers(watched, report, ReportState(ledger, Health(watched.interval)), (answer,), NOW).state


def measure(companies: int) -> Stages:
    """Polls every report once and measures each stage."""
    interpreter.collect_rarely()  # like the exporter
    interpreter.switch_often()
    watched, world = source(), World.from_seed(1, companies)
    states = {report.name: past(watched, report, world) for report in watched.reports}
    ours: dict[str, float] = dict.fromkeys(("decode", "fold", "judge", "render", "join"), 0.0)
    others: dict[str, float] = dict.fromkeys(("json", "msgspec", "client", "deflate"), 0.0)
    chunks: list[Chunk] = []
    for report in watched.reports:
        raw, state = body(world, report.name, ASKED), states[report.name]
        seconds, answer = cpu(partial(_decoded, watched, report, ASKED, raw), TRIES)
        ours["decode"] += seconds
        others["json"] += cpu(partial(json.loads, raw), TRIES)[0]
        others["msgspec"] += cpu(partial(msgspec.json.decode, raw), TRIES)[0]
        seconds, came = cpu(partial(_folded, watched, report, state.ledger, answer), TRIES)
        ours["fold"] += seconds
        states[report.name] = replace(state, ledger=came.ledger, listed=came.listed)
        drawings = [_drawn(watched, states, report) for _ in range(TRIES)]
        ours["judge"] += min(each.judging for each in drawings)
        ours["render"] += min(each.writing for each in drawings)
        chunks += drawings[-1].chunks
        families = tuple(_families(watched, states, report))
        others["client"] += cpu(partial(_by_client, families))[0]
    ours["join"], pages = cpu(lambda: join(chunks), TRIES)
    plain = pages[Format.TEXT].plain
    others["deflate"] = cpu(lambda: GzipPiece.packed(plain), TRIES)[0]
    return Stages(ours, others, sum(chunk.series for chunk in chunks), len(plain))


class _Drawing(NamedTuple):
    """The lines of a report, and the CPU seconds of making and writing its families."""

    judging: float
    writing: float
    chunks: list[Chunk]


def _drawn(watched: Target, states: Mapping[str, ReportState], report: Report) -> _Drawing:
    """Makes and writes one family at a time, like the exporter, so that they are never all in memory."""
    judging = writing = 0.0
    chunks, quoted = [], Quoted()
    ended = time.thread_time()
    for family in _families(watched, states, report):
        began = time.thread_time()
        judging += began - ended
        chunks.append(write_family(family, quoted))
        ended = time.thread_time()
        writing += ended - began
    return _Drawing(judging + time.thread_time() - ended, writing, chunks)


def _families(watched: Target, states: Mapping[str, ReportState], report: Report) -> Iterator[Family]:
    for families in rendered(watched, states, [report], NOW).reports.values():
        yield from (each.made() for each in families)


def _by_client(families: Iterable[Family]) -> bytes:
    return generate_latest(_Registry(families))


class _Registry:
    """The same families as prometheus-client's own objects."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._metrics = [_metric(family) for family in families]

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics


def _metric(family: Family) -> Metric:
    metric = GaugeMetricFamily(family.name, family.help, labels=list(family.label_names))
    for values, figure in family.samples:
        metric.add_metric(list(values), figure)
    return metric


def figures(companies: int, found: Stages) -> Iterator[Figure]:
    """Yields the cost of one poll, and the ratios to other libraries."""
    for stage, seconds in found.ours.items():
        yield Figure(f"poll: {stage}", companies, seconds * 1000, "ms CPU")
    bound = {1000: 1000.0, 10_000: 10_000.0}.get(companies)
    yield Figure("poll: all stages, 4 days, 6 reports", companies, found.total * 1000, "ms CPU", at_most=bound)
    yield Figure("poll: per company", companies, found.total * 1e6 / companies, "µs CPU")
    yield Figure("series", companies, found.series, "")
    yield Figure("page, plain", companies, found.page_bytes / 2**20, "MiB")
    ours, others = found.ours, found.others
    yield Figure("limit: msgspec alone reads the answers", companies, others["msgspec"] * 1000, "ms CPU")
    yield Figure("limit: zlib alone compresses the page", companies, others["deflate"] * 1000, "ms CPU")
    yield Figure("ratio: json.loads / decode", companies, others["json"] / ours["decode"], "x")
    yield Figure("ratio: json.loads / fold", companies, others["json"] / ours["fold"], "x")
    yield Figure("ratio: prometheus-client / judge", companies, others["client"] / ours["judge"], "x")
    written = ours["render"] + ours["join"]
    yield Figure("ratio: prometheus-client / render and join", companies, others["client"] / written, "x")
