"""Six weeks of one activity as a picture: a bar per day, for an SVG path, and the same in words. Pure."""

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from exporter.metrics.activity_figures import activity_figures
from exporter.metrics.report_view import CompanyIndex, ReportView
from exporter.web.status.text import measured

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
    lines = {}
    for company, own in zip(index.all_companies, zip(*figures, strict=True), strict=True):
        values = [value if value >= least or value == 0 else None for value in own]
        lines[company] = sparkline(values, last, usual[company], activity_name)
    return lines


def sparkline(values: Sequence[float | None], last_day: date, usual: float | None, activity: str) -> Sparkline:
    """Draws the figures of the days that end with `last_day`, in a box of WIDTH x HEIGHT.

    A day of zero has half a pixel, a day without a figure nothing.
    """
    known = [value for value in values if value is not None]
    top = max((*known, usual or 0.0, 1.0))
    bars = [
        "" if value is None else f"M{place * STEP + 1} {HEIGHT}V{min(_y(value, top), HEIGHT - 0.5):g}"
        for place, value in enumerate(values)
    ]
    level = f"M0 {_y(usual, top)}H{WIDTH}" if usual is not None else ""
    words = "no complete day in the six weeks before"
    if known:
        since = last_day - timedelta(days=len(values) - 1)
        least, most, last = (measured(value, activity) for value in (min(known), max(known), values[-1]))
        range_ = f"{len(known)} days with figures, {least} to {most}"
        words = f"six weeks, {since} to {last_day}: {range_}, on the last day {last}"
    return Sparkline("".join(bars[:-1]), bars[-1], level, words)


def _y(value: float, top: float) -> float:
    return round(HEIGHT - value / top * (HEIGHT - 1), 1)
