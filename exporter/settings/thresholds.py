"""The options `thresholds` and `company_calendars`: ordered lists of entries that select companies."""

import math
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import BeforeValidator, PlainValidator, ValidationInfo, field_validator

from exporter.domain.thresholds import LIMITS, Threshold
from exporter.settings import readers
from exporter.settings.option_groups import Group, Selector, Text, option
from exporter.settings.readers import OptionError, existing, quoted, remedy, text
from exporter.settings.settings import context_of
from exporter.settings.source_options import CalendarName

OFF = "off"
SEVERITIES = ("critical", "warning", "info")


def or_off(read: Callable[[object], float]) -> PlainValidator:
    return PlainValidator(lambda value: OFF if isinstance(value, str) and value.strip() == OFF else read(value))


def severity(value: object) -> str:
    written = text(value)
    if written not in SEVERITIES:
        raise ValueError(f"{quoted(written)} is not a severity; {remedy(written, SEVERITIES)}")
    return written


Activities = Annotated[tuple[str, ...], PlainValidator(readers.one_or_more)]
Limit = Annotated[float | str, or_off(readers.number)]
Ratio = Annotated[float | str, or_off(readers.ratio)]
Severity = Annotated[str, PlainValidator(severity)]


class Selecting(Group):
    """An entry that selects companies."""

    source: Text = option("*")
    """Which sources it holds for: a source's name, or a glob of it."""
    company: Selector = option("*", example="id:17")
    """Which companies it holds for, a selector: 17, id:17, name:Nor*, or a glob of either; case counts."""

    @field_validator("source")
    @classmethod
    def _exists(cls, source: str, info: ValidationInfo) -> str:
        is_glob = any(letter in source for letter in "*?[")
        return source if is_glob else existing(source, sorted(context_of(info).sources), "there is no source")

    def selects(self, source: str) -> bool:
        return fnmatchcase(source, self.source)


class ThresholdOptions(Selecting):
    """Limits for activities of companies; of several entries the last one counts, per limit and severity."""

    activity: Activities = option(..., example="user_queries")
    """Which activities it limits, one or a list: user_queries, conversations, sessions, ..."""
    below: Limit | None = option(None, example="50")
    """Alert when a working day has less than this number; off removes the limit."""
    above: Limit | None = option(None, example="20000")
    """Alert when a day has more than this number; off removes the limit."""
    drop_ratio: Ratio | None = option(None, example="0.5")
    """Alert when a working day has less than this part of what is usual for its weekday, between 0 and 1, or 50%; off
    removes the limit."""
    spike_ratio: Ratio | None = option(None, example="3")
    """Alert when a day has more than so many times the usual, above 1; off removes the limit."""
    min_baseline: Limit | None = option(None, example="20")
    """The two ratios need a usual figure of at least this number; for spikes the usual counts as this much at least."""
    severity: Severity | None = option(None, example="critical")
    """Severity of its alerts: critical, warning or info; by default warning, of spike_ratio info."""

    @field_validator("activity")
    @classmethod
    def _are_known(cls, activities: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        known = sorted(context_of(info).activities)
        if not activities:
            raise ValueError(f"names no activity; known: {', '.join(known)}")
        return tuple(existing(activity, known, "there is no activity") for activity in activities)

    @field_validator("above")
    @classmethod
    def _is_over_below(cls, above: Limit | None, info: ValidationInfo) -> Limit | None:
        below = info.data.get("below")
        if isinstance(below, float) and isinstance(above, float) and above < below:
            raise OptionError(f"{above:g} is less than below, which is {below:g}", beside=("below",))
        return above

    @field_validator("drop_ratio", "spike_ratio")
    @classmethod
    def _is_possible(cls, ratio: Ratio | None, info: ValidationInfo) -> Ratio | None:
        least, most, example = 0.0, 1.0, "between 0 and 1, such as 0.5 or 50%"
        if info.field_name == "spike_ratio":
            least, most, example = 1, math.inf, "above 1, such as 3 or 300%"
        if isinstance(ratio, float) and not least < ratio < most:
            raise ValueError(f"{ratio:g} is out of range; write a number {example}")
        return ratio

    @field_validator("min_baseline")
    @classmethod
    def _limits_anything(cls, least: Limit | None, info: ValidationInfo) -> Limit | None:
        given = [info.data.get(name, OFF) for name in LIMITS if name != "min_baseline"]
        if least is None and all(value is None for value in given):
            raise ValueError(f"the entry sets no limit; set one of: {', '.join(LIMITS)}")
        return least

    def threshold(self) -> Threshold:
        given = {name: getattr(self, name) for name in LIMITS}
        limits = {name: None if value == OFF else value for name, value in given.items() if value is not None}
        return Threshold(self.activity, limits, self.source, self.company, self.severity)


class CompanyCalendarOptions(Selecting):
    """Which calendar has the working days of some companies; the first entry that selects one counts."""

    calendar: CalendarName = option(..., example="default")
    """Which of the calendars, a name."""


ThresholdList = Annotated[tuple[ThresholdOptions, ...], BeforeValidator(readers.entries)]
CompanyCalendarList = Annotated[tuple[CompanyCalendarOptions, ...], BeforeValidator(readers.entries)]
