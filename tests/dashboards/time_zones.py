"""Samples of sources in many time zones; each figure is the ordinal of its day."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from exporter.domain import calendars
from tests.alert_rules.promtool import GROUPS
from tests.dashboards.prometheus import openmetrics_lines
from tests.dashboards.scenario import STEP

DAY = timedelta(days=1)
BEGIN, NOW = datetime(2026, 3, 20, tzinfo=UTC), datetime(2026, 4, 6, tzinfo=UTC)
"""Clocks change in Europe on 2026-03-29, in Auckland on 2026-04-05."""
SOURCES: Mapping[str, tuple[str, int]] = {
    "utc": ("UTC", 6),
    "paris": ("Europe/Paris", 6),
    "paris at once": ("Europe/Paris", 0),
    "berlin a day late": ("Europe/Berlin", 20),
    "auckland": ("Pacific/Auckland", 6),
    "tokyo": ("Asia/Tokyo", 6),
    "kolkata": ("Asia/Kolkata", 6),
    "new york": ("America/New_York", 6),
    "honolulu": ("Pacific/Honolulu", 6),
    "late on the 30th": ("UTC", 6),
}
"""Time zone, and settle time in hours."""
LATE = date(2026, 3, 30)
EVALUATED = timedelta(minutes=25)
"""Minute of the hour at which rules are evaluated."""
FAMILIES = {"paradigm_user_queries_last_day": "x_last_day", "chat_usage_activity_last_day": "y_last_day"}
"""Shipped families and our stand-ins: one recorded without the report name, one with it."""
TWO_RELEASES = "of two releases"
HISTORY = "of which a history was sent"
"""A source like `utc` with a backfill, whose figures are higher by 0.5."""
FIRST_SENT, LAST_SENT = date(2026, 3, 10), date(2026, 3, 31)
RENAMED = date(2026, 3, 28)
"""From this day on the backfill has the company's new name."""


def newest(zone: ZoneInfo, settle: timedelta, moment: datetime) -> date:
    """Returns the newest complete day."""
    day = calendars.day_at(moment, zone)
    while calendars.end(day, zone) + settle > moment:
        day -= DAY
    return day


def page(source: str, moment: datetime) -> tuple[float, float]:
    """Returns the figure of the last day and the start of that day."""
    name, hours = SOURCES.get(source, SOURCES["utc"])
    zone, settle = ZoneInfo(name), timedelta(hours=hours)
    day = newest(zone, settle, moment)
    if source == "late on the 30th" and day == LATE:
        day -= DAY  # nothing of that day was read before the next one was complete
    return float(day.toordinal()), calendars.start(day, zone).timestamp()


def sent() -> Iterator[str]:
    """Yields the samples of a backfill: one at noon of each final day."""
    for number in range((LAST_SENT - FIRST_SENT).days + 1):
        day = FIRST_SENT + number * DAY
        noon = int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp())
        labels = f'source="{HISTORY}",company_id="1",company="{"before" if day < RENAMED else "c"}",job="j"'
        yield from openmetrics_lines("x_daily", labels, {noon: repr(day.toordinal() + 0.5)})


def scraped() -> Iterator[str]:
    """Yields the samples of hourly scrapes, a minute past the hour."""
    moments = [BEGIN + number * STEP + timedelta(minutes=1) for number in range((NOW - BEGIN) // STEP)]
    yield from sent()
    twins = [(TWO_RELEASES, f',namespace="{name}"') for name in "ab"]
    for source, more in (*((each, "") for each in (*SOURCES, HISTORY)), *twins):
        labels = f'source="{source}",report="r"{more}'
        pages = {int(moment.timestamp()): page(source, moment) for moment in moments}
        figures = {at: repr(figure) for at, (figure, _) in pages.items()}
        for family in FAMILIES.values():
            yield from openmetrics_lines(family, f'{labels},company_id="1",company="c"', figures)
        starts = {at: repr(start) for at, (_, start) in pages.items()}
        yield from openmetrics_lines("chat_usage_report_day_timestamp_seconds", labels, starts)
    yield "# EOF\n"


def recordings() -> Sequence[Mapping[str, object]]:
    """Returns the shipped recording rules of figures by date, applied to our families."""
    rules = next(group["rules"] for group in GROUPS if group["name"] == "chat-usage-days")
    return [
        {key: str(text).replace(family, ours).replace("chat-sessions", "r") for key, text in rule.items()}
        for family, ours in FAMILIES.items()
        for rule in rules
        if family in rule["record"]
    ]
