"""Days off: dates, dates of each year, and public holidays from the library `holidays`."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from functools import cache
from importlib import import_module

from exporter.domain.nearest import nearest
from exporter.settings.readers import day as read_day
from exporter.settings.readers import quoted, texts

YEARS = range(2020, 2051)
"""The years for which calendars have yearly days off."""


def yearly(month: int, day: int) -> Iterator[date]:
    """Yields a date in each year; 29 February only in leap years."""
    for year in YEARS:
        with suppress(ValueError):
            yield date(year, month, day)


@cache
def public_holidays(country: str, subdivision: str | None = None) -> frozenset[date]:
    """Returns the public holidays of a country or of a part of it; the ValueError for an unknown one suggests another.

    The library is imported on use, because it is large.
    """
    library = import_module("holidays")
    with suppress(NotImplementedError):  # raised for an unknown country or part
        return frozenset(library.country_holidays(country, subdiv=subdivision, years=YEARS))
    codes = tuple(code for _, *codes in library.registry.COUNTRIES.values() for code in codes)
    if country not in codes:
        raise ValueError(f"{quoted(country)} is not a country with known holidays; write its code, such as FR")
    parts = library.country_holidays(country).subdivisions
    near = nearest(str(subdivision), parts)
    instead = f"did you mean {quoted(near)}?" if near else f"known: {', '.join(parts) or 'none'}"
    raise ValueError(f"{quoted(str(subdivision))} is not a part of {country}; {instead}")


def days_off(value: object) -> frozenset[date]:
    """Reads a list of dates with or without a year."""
    found = set[date]()
    for written in texts(value):
        month, _, day = written.partition("-")
        each_year = re.fullmatch("[0-9]{2}-[0-9]{2}", written) and tuple(yearly(int(month), int(day)))
        found.update(each_year or (read_day(written),))
    return frozenset(found)
