"""What the answers about old days come to: figures by the rules of the page, day by day; pure, knows no store."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from fnmatch import fnmatchcase
from typing import NamedTuple

from exporter.calendars import day_at
from exporter.dated import Dated, Shelf, measures
from exporter.drawing import view
from exporter.families import Health
from exporter.inquiry import Answers
from exporter.judge import DayRules
from exporter.ledger import Asked, fold
from exporter.memory import State
from exporter.model import Days, Measure
from exporter.question import Watch
from exporter.source import Report

SUFFIX = "_daily"


class Piece(NamedTuple):
    """Days of one report of one source that are asked, and handed on, together."""

    source: str
    report: str
    days: Days


def daily(measure: Measure) -> str:
    """Returns the name of the family that holds one sample per day."""
    return measure.family + SUFFIX


def newest_final(now: datetime, rules: DayRules) -> date:
    """Returns the newest day that is not read again: what is asked of it now is what it stays (docs/days.md)."""
    return day_at(now, rules.zone) - timedelta(days=rules.reread_days + 1)


def helps(watch: Watch) -> Mapping[str, str]:
    """Returns the HELP of each family that the reports of a source can fill."""
    return {
        daily(measure): f"{measure.help} on the day whose 12:00 UTC a sample bears, by the report {report.name}; "
        "written once, when the day is final."
        for report in watch.reports
        for measure in report.measures
    }


def folded(watch: Watch, state: State, came: Answers, days: Days, now: datetime) -> State:
    """Returns what is remembered of a report after the answers about `days`.

    Held are these days and `history_days` before them: so long a company that is silent counts 0, as on the page.

    Raises:
        SchemaError: an answer lacks a part that held days have.
    """
    ledger = state.ledger
    keep_days = watch.rules.keep_days + len(days) - 1
    for request, _, reading in came.answers:
        ledger = fold(ledger, reading, Asked(request.days, days.last, now, keep_days), watch.companies.wants)
    return State(ledger, Health(watch.interval, last_success=now, history=True), lessons=came.lessons)


def figures(watch: Watch, report: Report, state: State, days: Days, now: datetime) -> list[Dated]:
    """Returns the figures of these days, by measure and label, then by day.

    Which values open labels keep is chosen for these days alone, so that it does not hang on where a run began.
    """
    seen = view(watch, report, state, now)
    shelf = Shelf(seen)
    wanted = {measure.family for measure in measures(seen) if not _is_excluded(watch, measure)}
    return list(shelf.figures(shelf.companies, wanted, days))


def _is_excluded(watch: Watch, measure: Measure) -> bool:
    return any(fnmatchcase(daily(measure), glob) for glob in watch.excluded)
