"""Six weeks of one activity as a picture: a bar per day, for an SVG path, and the same in words. Pure."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import NamedTuple

from exporter.metrics.activity_figures import activity_figures
from exporter.metrics.report_view import CompanyIndex, ReportView
from exporter.web.status.text import figure, measured

DAYS = 42
STEP = 3
HEIGHT = 24
WIDTH = DAYS * STEP


class Sparkline(NamedTuple):
    """Bars of the days before the last one, its bar, a line at what is usual, and all of it in words."""

    bars: str
    last: str
    usual: str
    words: str


def sparklines(view: ReportView, activity_name: str, usual: Mapping[str, float | None]) -> Mapping[str, Sparkline]:
    """Draws 42 days of what alerts judge for each company of `usual`."""
    last, index = view.day_status.last_day, CompanyIndex(view, usual.keys())
    found = next(each for each in activity_figures(index) if each.activity.name == activity_name)
    if last is None or found.on_day is None:
        return {}
    days = [last - timedelta(days=DAYS - 1 - n) for n in range(DAYS)]
    unknown, least = [math.nan] * len(index.names), view.min_group if found.measure.people else 0
    figures = [found.on_day(day) if day in view.day_status.published else unknown for day in days]
    say = partial(measured, activity=activity_name)
    return {
        company: sparkline(
            [value if value >= least or value == 0 else None for value in own], last, usual[company], say
        )
        for company, own in zip(index.all_companies, zip(*figures, strict=True), strict=True)
    }


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
