"""The figures of activities by company and day: counts of a day, or shares over 7 days; pure."""

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import cache, partial
from typing import NamedTuple

from exporter.domain.model import Activity, Measure
from exporter.metrics.report_view import ColumnsByPart, CompanyIndex
from exporter.metrics.usage import WEEK

OnDay = Callable[[date], list[float]]  # makes the figures of a day, in the order of companies; NaN is unknown


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
        columns = index.columns_with(measures[family], label_value)
        return cache(partial(_week, index, columns)) if any(columns.values()) else None

    for measure in measures.values():
        for activity in measure.activities:
            if activity.share_of:
                part = week(measure.family, activity.label_value)
                yield _share(measure, activity, part, [week(*each) for each in activity.share_of])
            else:
                columns = index.columns_with(measure, activity.label_value)
                on_day = partial(index.on_day, measure=measure, columns=columns) if any(columns.values()) else None
                yield ActivityFigures(measure, activity, on_day)


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
