"""Six weeks of one activity as a picture: a bar per day, for an SVG path, and the same in words. Pure."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import NamedTuple

from exporter.metrics.daily import DailyFigures, DayState
from exporter.web.status.text import figure, measured

DAYS = 42
STEP = 3
HEIGHT = 24
WIDTH = DAYS * STEP
ByDay = Mapping[tuple[str, date], float]
"""Figures by company and day."""
COMPLETE = (DayState.PUBLISHED, DayState.FINAL)


class Sparkline(NamedTuple):
    """Bars of the days before the last one, its bar, a line at what is usual, and all of it in words."""

    bars: str
    last: str
    usual: str
    words: str


def sparklines(daily: DailyFigures, activity_name: str, usual: Mapping[str, float | None]) -> Mapping[str, Sparkline]:
    """Draws 42 days for each company of `usual`, shares over 7 days; without a figure, the sum of the others."""
    last = daily.view.day_status.last_day
    if last is None:
        return {}
    days = [last - timedelta(days=DAYS - 1 - n) for n in range(DAYS)]
    activities = {each.name: (measure, each) for measure in daily.view.report.measures for each in measure.activities}
    measure, activity = activities[activity_name]
    read = [days[0] - timedelta(days=n) for n in range(1, 7)] + days if activity.share_of else days
    by_day = _by_day(daily, frozenset(usual), read, (measure.family, activity.label_value))
    if activity.share_of:
        wholes = _by_day(daily, frozenset(usual), read, *activity.share_of)
        ends = [(company, day) for company in usual for day in days]
        by_day = {end: _week(by_day, *end) / whole for end in ends if (whole := _week(wholes, *end))}
    say = partial(measured, activity=activity_name)
    return {
        company: sparkline([by_day.get((company, day)) for day in days], last, level, say)
        for company, level in usual.items()
    }


def _week(by_day: ByDay, company: str, end: date) -> float:
    return sum(by_day.get((company, end - timedelta(days=n)), 0.0) for n in range(7))


def _by_day(daily: DailyFigures, companies: frozenset[str], days: Sequence[date], *counted: tuple[str, str]) -> ByDay:
    """Adds up, by company and complete day, figures of families with a label value, or whatever that is."""
    found: dict[tuple[str, date], float] = {}
    for family, label_value in counted:
        for each in daily.figures(companies, (family,), days):
            belongs = not label_value or [*each.labels.values()][-1:] == [label_value]
            if each.state in COMPLETE and belongs:
                found[each.company_id, each.date] = found.get((each.company_id, each.date), 0.0) + each.value
    return found


def sparkline(
    values: Sequence[float | None],
    last_day: date,
    usual: float | None = None,
    say: Callable[[float | None], str] = figure,
) -> Sparkline:
    """Draws the figures of the days that end with `last_day`, in a box of WIDTH x HEIGHT."""
    known = [value for value in values if value is not None]
    top = max((*known, usual or 0.0, 1.0))
    bars = [_bar(place, value, top) for place, value in enumerate(values)]
    level = f"M0 {_y(usual, top)}H{WIDTH}" if usual is not None else ""
    return Sparkline("".join(bars[:-1]), bars[-1] if bars else "", level, _words(values, last_day, say))


def _bar(place: int, value: float | None, top: float) -> str:
    """Draws a bar, half a pixel at least: a day of zero is there, a day without a figure is not."""
    return "" if value is None else f"M{place * STEP + 1} {HEIGHT}V{min(_y(value, top), HEIGHT - 0.5):g}"


def _y(value: float, top: float) -> float:
    return round(HEIGHT - value / top * (HEIGHT - 1), 1)


def _words(values: Sequence[float | None], last_day: date, say: Callable[[float | None], str]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "no complete day in the six weeks before"
    since = last_day - timedelta(days=len(values) - 1)
    range_ = f"{len(known)} days with figures, {say(min(known))} to {say(max(known))}"
    return f"six weeks, {since} to {last_day}: {range_}, on the last day {say(values[-1])}"
