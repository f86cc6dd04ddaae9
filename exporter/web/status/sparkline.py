"""Six weeks of one activity as a picture: a bar per day, for an SVG path, and the same in words. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from exporter.domain.model import Activity, Measure
from exporter.metrics.daily import DailyFigures, Dated, DayState
from exporter.web.status.text import figure

DAYS = 42
STEP = 3
HEIGHT = 24
WIDTH = DAYS * STEP
COMPLETE = (DayState.PUBLISHED, DayState.FINAL)


class Sparkline(NamedTuple):
    """Bars of the days before the last one, its bar, a line at what is usual, and all of it in words."""

    bars: str
    last: str
    usual: str
    words: str


def six_weeks(
    daily: DailyFigures, measure: Measure, activity: Activity, companies: Iterable[str]
) -> Mapping[str, Sequence[float | None]]:
    """Returns, per company, an activity of the 42 days that end with the last one; None where there is no figure.

    A day on which a row lacks the figure shows what the others add up to.
    """
    last = daily.view.day_status.last_day
    if last is None:
        return {}
    days = [last - timedelta(days=DAYS - 1 - n) for n in range(DAYS)]
    wanted = frozenset(companies)
    found: dict[tuple[str, date], float] = {}
    for each in daily.figures(wanted, (measure.family,), days):
        if each.state in COMPLETE and _belongs(each, activity):
            found[each.company_id, each.date] = found.get((each.company_id, each.date), 0.0) + each.value
    return {company: [found.get((company, day)) for day in days] for company in wanted}


def _belongs(dated: Dated, activity: Activity) -> bool:
    """Returns whether a figure is one of those that the activity adds up."""
    return not activity.label_value or (*dated.labels.values(),)[-1:] == (activity.label_value,)


def sparkline(values: Sequence[float | None], last_day: date, usual: float | None = None) -> Sparkline:
    """Draws the figures of the days that end with `last_day`, in a box of WIDTH x HEIGHT."""
    known = [value for value in values if value is not None]
    top = max((*known, usual or 0.0, 1.0))
    bars = [_bar(place, value, top) for place, value in enumerate(values)]
    level = f"M0 {_y(usual, top)}H{WIDTH}" if usual is not None else ""
    return Sparkline("".join(bars[:-1]), bars[-1] if bars else "", level, _words(values, last_day))


def _bar(place: int, value: float | None, top: float) -> str:
    """Draws a bar, half a pixel at least: a day of zero is there, a day without a figure is not."""
    return "" if value is None else f"M{place * STEP + 1} {HEIGHT}V{min(_y(value, top), HEIGHT - 0.5):g}"


def _y(value: float, top: float) -> float:
    return round(HEIGHT - value / top * (HEIGHT - 1), 1)


def _words(values: Sequence[float | None], last_day: date) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "no complete day in the six weeks before"
    since = last_day - timedelta(days=len(values) - 1)
    range_ = f"{len(known)} days with figures, {figure(min(known))} to {figure(max(known))}"
    return f"six weeks, {since} to {last_day}: {range_}, on the last day {figure(values[-1])}"
