"""How moments, days and figures are written for people, in English and in UTC."""

import math
from datetime import UTC, date, datetime, timedelta

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def span(length: timedelta) -> str:
    """Says how long something lasts: 40 s, 3 min, 2 h 5 min, 3 days; a negative length is 0 s."""
    length = max(length, timedelta())
    if length < MINUTE:
        return f"{length // timedelta(seconds=1)} s"
    if length < HOUR:
        return f"{length // MINUTE} min"
    if length < 2 * DAY:
        hours, minutes = length // HOUR, length % HOUR // MINUTE
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{length // DAY} days"


def ago(now: datetime, at: datetime) -> str:
    """Says how long ago a moment is, or how far ahead."""
    return f"{span(now - at)} ago" if at <= now else f"in {span(at - now)}"


def day_name(day: date) -> str:
    """Writes a day with its weekday: Thu 19 Nov 2026."""
    return f"{day:%a} {day.day} {day:%b %Y}"


ACTIVITIES = {
    "model_responses": "Answers",
    "model_responses_with_docs": "Grounded answers",
    "inbox_transfers": "Hand-overs",
}
"""The labels of activities whose names explain them badly; those of the dashboards, too."""


def activity_label(name: str) -> str:
    """Returns what an activity is called: User queries."""
    return ACTIVITIES.get(name) or name.replace("_", " ").capitalize()


def day_ago(day: date, today: date) -> str:
    days = (today - day).days
    return {0: "today", 1: "yesterday"}.get(days, f"{days} days ago")


def figure(value: float | None) -> str:
    """Writes a figure: whole ones with groups of digits, others with three significant digits; a dash if unknown."""
    if value is None or math.isnan(value):
        return "–"
    if value.is_integer():
        return f"{int(value):,}".replace(",", "\N{NO-BREAK SPACE}")
    return f"{value:.3g}" if abs(value) < 1000 else figure(float(round(value)))  # noqa: PLR2004 as a person reads it


def measured(value: float | None, activity: str) -> str:
    """Writes a figure of an activity in its unit; shares are in per cent."""
    return share(value) if activity.endswith("_share") else figure(value)


def share(ratio: float | None) -> str:
    return "–" if ratio is None else f"{figure(float(round(ratio * 100)))} %"
