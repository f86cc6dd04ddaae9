"""Days off that come each year: dates, and the public holidays of a country by the library `holidays`."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from functools import cache
from importlib import import_module

from exporter.settings.readers import day as read_day
from exporter.settings.readers import nearest, quoted, texts

YEARS = range(2020, 2051)
"""For which days are worked out; a calendar has none outside of them."""


def yearly(month: int, day: int) -> Iterator[date]:
    """Yields a day of each year; 29 February of leap years alone."""
    for year in YEARS:
        with suppress(ValueError):
            yield date(year, month, day)


@cache
def public_holidays(country: str, subdivision: str | None = None) -> frozenset[date]:
    """Returns the public holidays of a country, and of a part of it. The library is imported here: it is large.

    Raises:
        ValueError: the library does not know it; the message says what is like it.
    """
    library = import_module("holidays")
    with suppress(NotImplementedError):  # what the library raises of a country or a part that it does not know
        return frozenset(library.country_holidays(country, subdiv=subdivision, years=YEARS))
    codes = tuple(code for _, *codes in library.registry.COUNTRIES.values() for code in codes)
    if country not in codes:
        raise ValueError(f"{quoted(country)} is no country whose holidays are known; write its code, such as FR")
    parts = library.country_holidays(country).subdivisions
    near = nearest(str(subdivision), parts)
    instead = f"did you mean {quoted(near)}?" if near else f"known: {', '.join(parts) or 'none'}"
    raise ValueError(f"{quoted(str(subdivision))} is no part of {country}; {instead}")


def days_off(value: object) -> frozenset[date]:
    """Reads a list of days, with the year or without it."""
    found = set[date]()
    for written in texts(value):
        month, _, day = written.partition("-")
        each_year = re.fullmatch("[0-9]{2}-[0-9]{2}", written) and tuple(yearly(int(month), int(day)))
        found.update(each_year or (read_day(written),))
    return frozenset(found)
