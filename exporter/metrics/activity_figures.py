"""The figures of activities by company and day: counts of a day, or shares over 7 days; pure."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache, partial
from typing import NamedTuple

from exporter.domain.model import Activity, Column, Measure
from exporter.metrics.report_view import CompanyIndex
from exporter.metrics.usage import WEEK

OnDay = Callable[[date], list[float]]  # makes the figures of a day, in the order of companies; NaN is unknown
ColumnsByPart = Mapping[str, Sequence[Column]]


class ActivityFigures(NamedTuple):
    """An activity of a measure and its figures; a share also has the `volume` that it is a share of.

    Without any held figure `on_day` is None.
    """

    measure: Measure
    activity: Activity
    on_day: OnDay | None
    volume: OnDay | None = None


def activity_figures(index: CompanyIndex) -> Iterator[ActivityFigures]:
    measures = {measure.family: measure for measure in index.view.report.measures}

    @cache
    def week(family: str, label_value: str) -> OnDay | None:
        columns = _columns(index, measures[family], label_value)
        return cache(partial(_week, index, columns)) if any(columns.values()) else None

    for measure in measures.values():
        for activity in measure.activities:
            if activity.share_of:
                part = week(measure.family, activity.label_value)
                yield _share(measure, activity, part, [week(*each) for each in activity.share_of])
            else:
                columns = _columns(index, measure, activity.label_value)
                count = partial(_on_day, index, columns, measure) if any(columns.values()) else None
                yield ActivityFigures(measure, activity, count)


def _share(measure: Measure, activity: Activity, part: OnDay | None, of: Sequence[OnDay | None]) -> ActivityFigures:
    whole = [each for each in of if each]
    if part is None or len(whole) < len(of):
        return ActivityFigures(measure, activity, None)

    @cache
    def volume(day: date) -> list[float]:
        return list(map(sum, zip(*(each(day) for each in whole), strict=True)))

    def share(day: date) -> list[float]:
        return [value / of_it if of_it else math.nan for value, of_it in zip(part(day), volume(day), strict=True)]

    return ActivityFigures(measure, activity, share, volume)


def _week(index: CompanyIndex, columns: ColumnsByPart, last: date) -> list[float]:
    """Adds up by company the figures of 7 days; unknown before the past was read."""
    if not index.view.health.history:
        return [math.nan] * len(index.all_companies)
    total = [0.0] * len(index.all_companies)
    days = [day for day in WEEK.ending(last) if day in index.view.day_status.covered]
    for part, of_part in columns.items():
        rows = index.total(days, part, of_part)
        lost = index.view.ledger.lost_on(days, part)
        for company, place, value in zip(index.companies[part], index.places[part], rows, strict=True):
            total[place] += math.nan if company in lost else value
    return total


def _columns(index: CompanyIndex, measure: Measure, label_value: str) -> ColumnsByPart:
    """Returns the columns of a measure with held figures, only those of `label_value` if it is set."""
    return {
        part: [
            column
            for column in index.columns.get(part, ())
            if column.family == measure.family
            and len(column.label_values) == len(measure.labels)
            and (not label_value or column.label_values[-1] == label_value)
        ]
        for part in index.view.report.parts
        if part in index.companies
    }


def _on_day(index: CompanyIndex, columns: ColumnsByPart, measure: Measure, day: date) -> list[float]:
    """Returns an activity's sum by company on a day; NaN is unknown.

    A mode without a row adds 0. A row that lacks the figure makes the sum unknown, except for limited labels: a
    tool that a row does not name was not used, if its tools were read.
    """
    marker = Column(measure.family)
    total = [0.0 if first <= day else math.nan for first in index.first_days]
    for part, of_part in columns.items():
        if not index.view.ledger.table(day, part).companies:
            continue
        rows = index.total((day,), part, of_part, unread=0.0 if any(measure.limits) else math.nan)
        if measure.needs_read_marker and marker in index.columns[part]:
            unread = map(math.isnan, index.total((day,), part, (marker,)))
            rows = [math.nan if is_unread else value for is_unread, value in zip(unread, rows, strict=True)]
        if lost := index.view.ledger.table(day, part).lost:
            here = index.companies[part]
            rows = [math.nan if company in lost else value for company, value in zip(here, rows, strict=True)]
        for place, value in zip(index.places[part], rows, strict=True):
            total[place] += value
    return total
