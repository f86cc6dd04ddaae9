"""Bars have the date of the day that they count, for any time zone, settle time and fault.

On the oldest, the usual and the newest Prometheus, as what a range and an offset mean has changed before.
"""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from grafana_dashboards.src.queries import OF_SOURCES, Measure, Scope
from tests.dashboards.prometheus import Prometheus
from tests.dashboards.shipped import FILES, annotations, filled, read, targets
from tests.dashboards.test_expressions import plain
from tests.dashboards.time_zones import BEGIN, DAY, FIRST_SENT, HISTORY, LAST_SENT, LATE, SOURCES, TWO_RELEASES

pytestmark = [pytest.mark.e2e, pytest.mark.once]

DAY_1970 = date(1970, 1, 1).toordinal()
SCRAPED = Scope(('source=~"$source"',))
FLEET = replace(SCRAPED, recorded=True)
WAYS = {"one company": (SCRAPED, "x"), "recorded": (FLEET, ".+"), "without the rules": (FLEET, "^$")}
"""A scope and a selection."""


@pytest.mark.parametrize("measure", [Measure("x", "r"), Measure("y", labels=("report",))], ids=["named", "labelled"])
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("way", WAYS)
def test_a_figure_is_drawn_on_its_own_day(way: str, source: str, measure: Measure, zones: Prometheus) -> None:
    """At midnight UTC there is the figure of the day with that date; a late day has none."""
    scope, recorded = WAYS[way]
    (curve,) = zones.query_range(
        filled(scope.days(measure), {"source": source, "history": ".+", "recorded": recorded}), DAY
    )
    shown = {datetime.fromtimestamp(at, UTC).date(): date.fromordinal(int(value)) for at, value in curve.values}
    complete = [BEGIN.date() + number * DAY for number in range(3, 14)]
    missing = {LATE} if source == "late on the 30th" else set()
    assert {day: shown.get(day) for day in complete} == {day: None if day in missing else day for day in complete}
    assert all(day == figure for day, figure in shown.items())


@pytest.mark.parametrize(("namespace", "releases"), [(".*", 2), ("a", 1), ("", 0)])
def test_two_releases_are_added_up_or_selected(namespace: str, releases: int, zones: Prometheus) -> None:
    """With the same source and company: both count once, or only the selected one."""
    values = {
        "source": TWO_RELEASES,
        "history": ".+",
        "recorded": ".+",
        "cluster": ".*",
        "namespace": namespace,
        "job": ".*",
    }
    asked = f"sum({Scope(OF_SOURCES, recorded=True).days(Measure('x', 'r'))})"
    found = zones.query_range(filled(asked, values), DAY)
    assert len(found) == bool(releases)
    for curve in found:
        assert all(float(value) == releases * (at // 86400 + DAY_1970) for at, value in curve.values)
        assert len(curve.values) > 10


def days_of(source: str, history: str, zones: Prometheus) -> dict[date, float]:
    """Returns the drawn figures of a source, added up over its company's names."""
    asked = filled(f"sum({FLEET.days(Measure('x', 'r'))})", {"source": source, "history": history, "recorded": ".+"})
    (curve,) = zones.query_range(asked, DAY, datetime(2026, 3, 9, tzinfo=UTC))
    return {datetime.fromtimestamp(at, UTC).date(): float(value) for at, value in curve.values}


def test_a_backfilled_day_counts_once_with_the_backfilled_figure(zones: Prometheus) -> None:
    """Days before the first scrape exist, newer ones are as scraped, and a company's new name doubles no day."""
    shown = days_of(HISTORY, ".+", zones)
    assert min(shown) == FIRST_SENT
    for day, figure in shown.items():
        assert figure == day.toordinal() + (0.5 if day <= LAST_SENT else 0), day
    assert max(shown) > LAST_SENT + DAY


def test_without_the_backfill_all_days_are_as_scraped(zones: Prometheus) -> None:
    shown = days_of(HISTORY, "^$", zones)
    assert shown == days_of("utc", ".+", zones)
    assert len(shown) > 10


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_version_accepts_every_query(path: Path, zones: Prometheus) -> None:
    """Without checking results, as there are no samples."""
    document = read(path)
    for asked in [*(target for _, target in targets(document)), *annotations(document)]:
        if "expr" in asked:
            zones.query(plain(str(asked["expr"])))
