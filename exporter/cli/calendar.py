"""`calendar`: prints holidays as Alertmanager time intervals, so that they are configured in one place."""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import groupby
from typing import Annotated

import typer

from exporter.app.assemble import CLOCK
from exporter.cli.options import ConfigFile, configured, option, option_value
from exporter.settings import readers

INTERVAL = "chat-usage-holidays"


def calendar(
    config_file: ConfigFile = None,
    name: Annotated[str, option("--calendar", "NAME", "Name of the calendar.")] = "default",
    zone: Annotated[str, option("--location", "ZONE", "Time zone of the days, such as Europe/Paris.")] = "UTC",
    years: Annotated[int, option("--years", "N", "Number of years, from this one on.", least=1, most=20)] = 3,
) -> None:
    """Print a calendar's days off as Alertmanager time intervals. Weekends are left out.

    Put them into time_intervals in place of chat-usage-holidays, again before the years run out.
    """
    calendars = configured(config_file).calendars
    chosen = option_value("--calendar", readers.one_of(calendars, "there is no calendar"), name)
    location, first = option_value("--location", readers.zone, zone), CLOCK.now().year
    days = [day for day in sorted(chosen.holidays) if first <= day.year < first + years]
    if not days:
        typer.echo(f'the calendar "{name}" has no holidays from {first} on; the interval never matches', err=True)
    for line in intervals(days, location.key):
        typer.echo(line)


def intervals(days: Iterable[date], location: str) -> Iterator[str]:
    """Yields the lines of one time interval; Alertmanager rejects an empty entry."""
    months = [(key, list(found)) for key, found in groupby(days, lambda day: (day.year, day.month))]
    yield f"- name: {INTERVAL}"
    yield "  time_intervals:" if months else "  time_intervals: []"
    for (year, month), found in months:
        written = ", ".join(f'"{day.day}"' for day in found)
        yield f'  - {{years: ["{year}"], months: ["{month}"], days_of_month: [{written}], location: {location}}}'
