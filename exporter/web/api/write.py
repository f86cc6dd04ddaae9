"""Writes dated figures as JSON or CSV, in pieces that together are one document."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Protocol

import msgspec

from exporter.metrics.daily import DailyFigures, Dated
from exporter.web.api.find import Answer, Company
from exporter.web.api.query import DaysFormat, cursor

COLUMNS = (
    *("date", "source", "report", "company_id", "company", "measure"),
    *("label", "label_value", "second_label", "second_label_value"),
    *("value", "state", "evidence"),
)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for the beginning of a formula, or skips before one; full-width forms count in Asia."""


class Writer(Protocol):
    """Writes one answer: a head, the figures of some companies at a time, an end."""

    def head(self) -> bytes:
        """Writes what precedes the figures."""

    def figures(self, figures: Sequence[Dated]) -> bytes:
        """Writes some figures."""

    def end(self) -> bytes:
        """Writes what follows the figures."""


def writer(answer: Answer, format_: DaysFormat) -> Writer:
    """Returns what writes an answer in a format."""
    return JsonWriter(answer) if format_ is DaysFormat.JSON else CsvWriter()


class JsonWriter:
    """An object with `reports`, `figures` and `next`; its pieces are one document."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._begun = False

    def head(self) -> bytes:
        """Writes the reports with the states of their days."""
        reports = [_report(daily, self._answer) for daily in self._answer.all_daily]
        return b'{"reports":' + msgspec.json.encode(reports) + b',"figures":['

    def figures(self, figures: Sequence[Dated]) -> bytes:
        """Writes some figures."""
        written = msgspec.json.encode(figures)[1:-1]
        comma = b",\n" if self._begun and written else b""
        self._begun |= bool(written)
        return comma + written

    def end(self) -> bytes:
        """Writes where the next page begins."""
        last = self._answer.last
        return b'],"next":' + msgspec.json.encode(cursor(*last) if last else None) + b"}\n"


def _report(daily: DailyFigures, answer: Answer) -> object:
    status = daily.view.day_status
    return {
        "source": daily.view.source,
        "report": daily.view.report.name,
        "timezone": daily.view.rules.zone.key,
        "stale": status.stale,
        "last_day": None if status.stale else status.last_day,
        "days": [{"date": day, "state": state} for day, state in daily.states.items() if day in answer.days],
    }


class CsvWriter:
    """RFC 4180 with a header line; what a spreadsheet would take for a formula begins with an apostrophe."""

    def head(self) -> bytes:
        """Writes the names of the columns."""
        return _lines([COLUMNS])

    def figures(self, figures: Sequence[Dated]) -> bytes:
        """Writes a line for each figure."""
        return _lines(_cells(each) for each in figures)

    def end(self) -> bytes:
        """Writes nothing: where the next page begins is in the header Link."""
        return b""


def _lines(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _cells(figure: Dated) -> Sequence[str]:
    texts = [figure.source, figure.report, figure.company_id, figure.company, figure.measure]
    labels = [text for pair in figure.labels.items() for text in pair]
    labels += [""] * (len(COLUMNS) - len(texts) - len(labels) - 4)
    return (str(figure.date), *map(_harmless, (*texts, *labels)), _number(figure.value), figure.state, figure.evidence)


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text


def _number(value: float) -> str:
    """Writes whole numbers without a point, which many a locale reads as something else."""
    return str(int(value)) if value.is_integer() else repr(value)


def document(answer: Answer, format_: DaysFormat) -> Iterator[partial[bytes]]:
    """Yields what writes an answer, a piece each, to be called in this order."""
    writing = writer(answer, format_)
    yield partial(writing.head)
    for piece in answer.pieces():
        yield partial(_written, writing, answer, piece)
    yield partial(writing.end)


def _written(writing: Writer, answer: Answer, piece: Sequence[Company]) -> bytes:
    return writing.figures(answer.figures(piece))
