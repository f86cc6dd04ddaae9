"""Checks for authors of platforms, to be called from their own tests; imports no test framework.

    from exporter.platforms.testing import complaints, survived

    def test_the_platform_keeps_the_rules() -> None:
        assert not complaints(PLATFORM)

Authors compare themselves what a report reads from an answer; `read` prepares the request.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from exporter.domain.errors import ReportError
from exporter.domain.model import Days, Kind, Measure, Reading
from exporter.domain.scope import Scope
from exporter.platforms.api import INVARIANTS, Context, NeedsDiscovery, Platform, Report

TODAY = date(2026, 3, 3)
WEEK = Days(TODAY - timedelta(days=6), TODAY)
MOST_LABELS = 2
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_TAKEN = frozenset({"source", "company_id", "company", "report", "job", "instance", "le", "quantile"})
ODD_ANSWERS = (
    b"",
    b"null",
    b"[]",
    b"{}",
    b"0",
    b'"text"',
    b"true",
    b'{"data": null}',
    b'{"data": [], "error": "no"}',
    b"<html>",
    b'{"a": 1',
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"reporting": [null, 1, "x", [], {}]}',
    b'{"data": {"": {"": [{"": -1e999}]}}}',
)
"""Bodies that no platform should send, and some do."""


def complaints(platform: Platform, subjects: int = 2) -> tuple[str, ...]:
    """Returns the rules for names, labels and requests that a platform breaks, one line each.

    Reports that need a discovery are assumed to have found that many `subjects` (channels).
    """
    found = [f"{platform.name}: is not a metric prefix"] if not _NAME.fullmatch(platform.name) else []
    for limit in platform.label_limits:
        if not _NAME.fullmatch(limit.name) or limit.name == "value_length":
            found.append(f"label limit {limit.name}: is not a valid name")
    families: set[str] = set()
    for name, report in platform.reports.items():
        broken = [] if name == report.name else [f"its report is called {report.name}"]
        for measure in report.measures:
            if measure.family in families:
                broken.append(f"{measure.family}: is declared twice")
            families.add(measure.family)
            of_measure = (*_of_measure(platform, measure), *_of_activities(report, measure))
            broken += (f"{measure.family}: {text}" for text in of_measure)
        found += (f"{name}: {text}" for text in (*broken, *_of_rows(report), *_of_plan(report, subjects)))
    return tuple(found)


def read(
    report: Report, body: bytes, days: Days = WEEK, today: date = TODAY, zone: ZoneInfo | None = None
) -> Reading | NeedsDiscovery:
    """Reads an answer to the first request about `days`, as a poll on `today` would; raises ReportError."""
    request = report.plan(days, Scope(), report.assumed_discoveries(days.last, 1))[0]
    return report.decode(body, request, Context("source", today, zone or ZoneInfo("UTC")))


def survived(report: Report, bodies: Iterable[bytes] = ODD_ANSWERS) -> tuple[str, ...]:
    """Returns the answers for which a report raises anything but a ReportError, one line each."""
    found = []
    for body in bodies:
        try:
            read(report, body)
        except ReportError:
            continue
        except Exception as error:
            found.append(f"{report.name}: {body[:40]!r} raises {error!r}")
    return tuple(found)


def _of_measure(platform: Platform, measure: Measure) -> Iterator[str]:
    if not measure.family.startswith(f"{platform.name}_") or not _NAME.fullmatch(measure.family):
        yield f"its name must be {platform.name}_ and words of lower-case letters, digits and single underscores"
    if measure.family.endswith(("_total", "_last_day", "_today", "_7d", "_28d", "_daily")):
        yield "its name has a suffix that is reserved for windows"
    if not measure.help or measure.help.endswith("."):
        yield "its help is one sentence without a full stop"
    if len(measure.labels) > MOST_LABELS and measure.kind is not Kind.INFO:
        yield f"has more than {MOST_LABELS} labels of its own"
    if wrong := [label for label in measure.labels if label in _TAKEN or not _NAME.fullmatch(label)]:
        yield f"cannot have a label {wrong[0]}"
    if measure.limits and len(measure.limits) != len(measure.labels):
        yield "limits are parallel to labels"
    declared = {"", *(limit.name for limit in platform.label_limits)}
    if undeclared := [limit for limit in measure.limits if limit not in declared]:
        yield f"the platform declares no label limit {undeclared[0]}"


def _of_activities(report: Report, measure: Measure) -> Iterator[str]:
    sums = {each.family for each in report.measures if each.kind is Kind.SUM}
    for name, _, _, whole, _ in measure.activities:
        if name.endswith("_share") is not bool(whole):
            yield f"activity {name}: the name of a share ends in _share, and no other name does"
        if whole and not sums >= {measure.family, *(family for family, _ in whole)}:
            yield f"activity {name}: is a share of what this report does not count as sums"


def _of_rows(report: Report) -> Iterator[str]:
    labels: Mapping[str, int] = {measure.family: len(measure.labels) for measure in report.measures}
    if not report.parts:
        yield "has no part"
    for part, columns in report.parts.items():
        for column in columns:
            if labels.get(column.family) != len(column.label_values):
                yield f"part {part}: no measure has the column {column.family}{column.label_values}"
    if wrong := [name for name in report.invariants if not _NAME.fullmatch(name) or name in INVARIANTS]:
        yield f"cannot have an invariant {wrong[0]} of its own"


def _of_plan(report: Report, subjects: int) -> Iterator[str]:
    requests = report.plan(WEEK, Scope(), report.assumed_discoveries(WEEK.last, subjects))
    if {day for request in requests for day in request.days} != set(WEEK):
        yield "its requests do not cover the requested days"
    for request in requests:
        parts = urlsplit(request.path)
        if parts.scheme or parts.netloc or parts.query or not request.path.startswith("/"):
            yield f"requests {request.path}, which is not a path below the base URL"
        if report.asks_by_day and len(request.days) > 1:
            yield "requests several days at once, although asks_by_day is true"
