"""The options of a calendar: weekends, dates, dates of each year, and public holidays from the library `holidays`."""

import re
from contextlib import suppress
from datetime import date
from functools import cache
from importlib import import_module
from typing import Annotated

from pydantic import AfterValidator, PlainValidator, ValidationInfo, field_validator

from exporter.domain.calendars import Calendar
from exporter.domain.wording import remedy
from exporter.settings.option_groups import Group, needs, option, within
from exporter.settings.readers import Text, Weekdays, quoted, texts
from exporter.settings.readers import day as read_day

YEARS = range(2020, 2051)
"""The years for which calendars have yearly days off."""


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
    raise ValueError(f"{quoted(str(subdivision))} is not a part of {country}; {remedy(str(subdivision), parts)}")


def days_off(value: object) -> frozenset[date]:
    """Reads a list of dates with or without a year."""
    found = set[date]()
    for written in texts(value):
        each_year = set[date]()
        if re.fullmatch("[0-9]{2}-[0-9]{2}", written):
            for year in YEARS:
                with suppress(ValueError):  # 29 February is in leap years only
                    each_year.add(date.fromisoformat(f"{year}-{written}"))
        found |= each_year or {read_day(written)}
    return frozenset(found)


def _known(country: str) -> str:
    public_holidays(country)
    return country


class CalendarOptions(Group):
    """Which days people work."""

    weekend: Annotated[Weekdays, within("leaves no business day; remove one or more", most=6)] = option(["sat", "sun"])
    """Weekdays off, a list of mon, tue, wed, thu, fri, sat, sun; [] if every day is a business day."""
    holidays: Annotated[frozenset[date], PlainValidator(days_off)] = option([])
    """Other days off, a list of dates (2026-12-25) or of days of each year (12-25)."""
    country: Annotated[Text, AfterValidator(_known)] | None = option(None, example="FR")
    """Code of the country whose public holidays are days off too: FR, DE, US, ..."""
    subdivision: Annotated[Text | None, needs("country", "set both")] = option(None, example="57")
    """Code of the part of the country with further holidays: 57 (Moselle), BY (Bavaria), ..."""

    @field_validator("subdivision")
    @classmethod
    def _is_part(cls, subdivision: str | None, info: ValidationInfo) -> str | None:
        if subdivision and (country := info.data.get("country")):
            public_holidays(country, subdivision)
        return subdivision

    def calendar(self) -> Calendar:
        public = public_holidays(self.country, self.subdivision) if self.country else frozenset()
        return Calendar(self.weekend, self.holidays | public)
