"""Ledger and metrics as a poll uses them, on a platform that a test writes: without HTTP, every moment is passed."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from exporter.domain.calendars import Calendar, day_at
from exporter.domain.model import Column, Days, Reading, Row
from exporter.ledger.day_status import days_to_ask
from exporter.ledger.ledger import Ledger
from exporter.metrics.limits import CompanyLimits, Threshold
from exporter.metrics.report_health import families
from exporter.metrics.report_view import view
from exporter.metrics.target import Health, ReportState, Target
from exporter.platforms.api import Request
from exporter.platforms.paradigm.platform import CHAT_SESSIONS, QUERIES
from exporter.polling.answers import Answer
from exporter.polling.poll_result import PollResult, after_poll, fold_answers
from tests.pipeline.pipeline import RULES, target_with

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
PARIS = ZoneInfo("Europe/Paris")
EASTER_AND_MORE = frozenset(
    date.fromisoformat(each)
    for each in (
        *("2026-04-03", "2026-04-06", "2026-05-01", "2026-05-08", "2026-05-14", "2026-05-25", "2026-07-14"),
        *("2026-11-11", "2026-12-25", "2027-01-01", "2027-03-26", "2027-03-29"),
    )
)
"""Of 2026 and the spring of 2027, in France and with Good Friday."""
RATIO = 0.5
LIMITED = Threshold(("user_queries",), {"drop_ratio": RATIO, "min_baseline": 0.0})

Figure = Callable[[str, date, datetime], float | None]
"""What the platform lists of a company and day at a moment: a number, NaN for a row without the figure, None."""
Served = Mapping[tuple[str, str], float]
"""Values by family and company."""


def target_of(limits: CompanyLimits) -> Target:
    rules = replace(
        RULES,
        zone=PARIS,
        keep_days=60,
        calendar=Calendar(holidays=EASTER_AND_MORE),
        company_calendars=tuple(each.calendar for each in limits.calendars),
    )
    measures = tuple(each for each in CHAT_SESSIONS.measures if each is QUERIES)
    return replace(
        target_with(rules, reports=(dataclasses.replace(CHAT_SESSIONS, measures=measures),)), company_limits=limits
    )


@dataclass(slots=True)
class Exporter:
    """One report of one source, which has user queries alone."""

    target: Target
    names: Mapping[str, str]
    figure: Figure
    state: ReportState = field(init=False)

    def __post_init__(self) -> None:
        self.state = ReportState(Ledger(), Health(self.target.interval))

    def poll(self, now: datetime, *, past: bool = True) -> Iterator[Days]:
        """Yields the days that answers covered; the pass over the past may fail."""
        (report,), days = self.target.reports, days_to_ask(self.state.ledger, now, self.target.rules)
        result = self._result(days, now)
        assert result.read is not None
        self.state = after_poll(self.target, report, {report.name: self.state}, days, result, now)
        yield days
        for piece in self.state.to_refresh if past else ():
            state = self._result(piece, now).state
            self.state = replace(state, to_refresh=(), health=replace(state.health, history=True))
            yield piece

    def _result(self, days: Days, now: datetime) -> PollResult:
        (report,), column = self.target.reports, Column(QUERIES.family, ("chat",))
        today = day_at(now, self.target.rules.zone)
        listed = ((company, day, self.figure(company, day, now)) for company in self.names for day in days)
        rows = tuple(
            Row("chat", day, company, {column: value} if value == value else {})  # noqa: PLR0124 - NaN is no figure
            for company, day, value in listed
            if value is not None and day <= today
        )
        reading = Reading(self.names, frozenset(report.parts), rows)
        answers = [Answer(Request(report.name, "", {}, days), b"", reading, 0)]
        return fold_answers(self.target, report, self.state, answers, now)

    def served(self, now: datetime) -> Served:
        """Returns all figures, baselines and lower limits."""
        seen = families(view(self.target, self.target.reports[0], self.state, now))
        return {
            (family.name, sample.label_values[family.label_names.index("company_id")]): sample.value
            for family in seen
            if family.name.startswith((QUERIES.family, "chat_usage_activity_")) and "company_id" in family.label_names
            for sample in family.samples
        }
