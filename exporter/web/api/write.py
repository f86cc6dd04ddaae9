"""Writes dated figures as JSON or CSV, in pieces of one document."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from exporter.metrics.daily import DailyFigure, DailyFigures, Day, State
from exporter.web.api.query import DaysPage, DaysQuery

COLUMNS = (
    *("date", "source", "report", "company_id", "company", "measure"),
    *("label", "label_value", "second_label", "second_label_value"),
    *("value", "state", "evidence"),
)
BLANKS, FORMULA = r"[\s\0-\x1f\"]*", "[=+\\-@＝＋－＠]"
BEGINS_FORMULA = re.compile(f"{BLANKS}{FORMULA}|[\t\r\n]")
"""What spreadsheets take for the start of a formula, or skip before it; in Asia also full-width signs."""
INNER_FORMULA = re.compile(f"([;\t\r\n]{BLANKS})(?={FORMULA})")
"""The same after a character that ends a cell in many locales, even inside quotes."""


class HeldDay(msgspec.Struct, forbid_unknown_fields=True):
    """A held day of a report."""

    date: Day
    state: State


class ReportDays(msgspec.Struct, forbid_unknown_fields=True):
    """A report and its held days."""

    source: str
    report: str
    timezone: str
    stale: Annotated[bool, Meta(description="The report was not read for `max_staleness`; its figures are removed.")]
    last_day: Day | None
    days: list[HeldDay]


class DaysDocument(msgspec.Struct, forbid_unknown_fields=True):
    """The JSON response; it is written in pieces and never in memory as a whole."""

    reports: list[ReportDays]
    figures: list[DailyFigure]
    next: Annotated[str | None, Meta(description="The `cursor` of the next page; null on the last page.")]


def json_pieces(answer: DaysPage) -> Iterator[bytes]:
    """Yields the pieces of an answer in JSON, each made on demand."""
    reports = [_report_days(daily, answer.query) for daily in answer.all_daily]
    yield b'{"reports":' + msgspec.json.encode(reports) + b',"figures":['
    separator = b""
    for figures in answer.figures():
        if figures:
            yield separator + msgspec.json.encode(figures)[1:-1]
            separator = b",\n"
    yield b'],"next":' + msgspec.json.encode(answer.next) + b"}\n"


def _report_days(daily: DailyFigures, query: DaysQuery) -> ReportDays:
    view, status = daily.view, daily.view.day_status
    last_day = None if status.stale else status.last_day
    days = [HeldDay(day, state) for day, state in daily.states.items() if day in query.days]
    return ReportDays(view.target.source, view.report.name, view.target.rules.zone.key, status.stale, last_day, days)


def csv_pieces(answer: DaysPage) -> Iterator[bytes]:
    """Yields the pieces of an answer in CSV as in RFC 4180, with a header line; the cursor is in the Link header."""
    yield _lines([COLUMNS])
    for figures in answer.figures():
        yield _lines(map(_cells, figures))


def _lines(rows: Iterable[Sequence[str | float]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_NONNUMERIC).writerows(rows)
    return text.getvalue().encode()


def _cells(figure: DailyFigure) -> Sequence[str | float]:
    texts = [figure.source, figure.report, figure.company_id, figure.company, figure.measure]
    labels = [text for pair in figure.labels.items() for text in pair]
    labels += [""] * (len(COLUMNS) - len(texts) - len(labels) - 4)
    # Integers where possible: some locales misread a decimal point.
    value = int(figure.value) if figure.value.is_integer() else figure.value
    return (str(figure.date), *map(_harmless, (*texts, *labels)), value, figure.state, figure.evidence)


def _harmless(text: str) -> str:
    """Puts an apostrophe before anything that a spreadsheet would take for a formula."""
    return ("'" if BEGINS_FORMULA.match(text) else "") + INNER_FORMULA.sub(r"\1'", text)
