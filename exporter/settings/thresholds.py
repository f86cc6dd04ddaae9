"""The options `thresholds` and `company_calendars`: ordered lists of entries that select companies."""

import math
from fnmatch import fnmatchcase
from typing import Annotated, Self

from pydantic import BeforeValidator, PlainValidator, ValidationInfo, WrapValidator, field_validator, model_validator

from exporter.domain.thresholds import FLOORS, LIMITS, Threshold
from exporter.settings import readers
from exporter.settings.option_groups import Group, Selector, Text, option
from exporter.settings.readers import OptionError, existing, quoted
from exporter.settings.settings import context_of
from exporter.settings.source_options import CalendarName

OFF = "off"
SEVERITIES = ("critical", "warning", "info")


def bound(value: object, info: ValidationInfo) -> float:
    """Reads a bound in the activities' unit: a number, or a percentage for shares."""
    if not _shares(info):
        if isinstance(value, str) and value.strip().endswith("%") and "activity" in info.data:
            raise ValueError(f"{quoted(value)} is a share, and {info.data['activity'][0]} a count; write a number")
        return readers.number(value)
    share = readers.share(value)
    if share > 1:
        raise ValueError(f"{share:.0%} is more than all; write a percentage from 0% to 100%")
    return share


def _shares(info: ValidationInfo) -> tuple[str, ...]:
    """Returns the activities of the entry that are shares: all, or none."""
    known = context_of(info).activities
    return tuple(name for name in info.data.get("activity", ()) if known[name].share_of)


def ratio_between(least: float, most: float, range_and_example: str) -> PlainValidator:
    def read(value: object) -> float:
        ratio = readers.ratio(value)
        if not least < ratio < most:
            raise ValueError(f"{ratio:g} is out of range; write a number {range_and_example}")
        return ratio

    return PlainValidator(read)


Activities = Annotated[tuple[str, ...], PlainValidator(readers.one_or_more)]
OrOff = WrapValidator(lambda value, read: OFF if isinstance(value, str) and value.strip() == OFF else read(value))
Bound = Annotated[float | str, PlainValidator(bound), OrOff]
Floor = Annotated[float | str, PlainValidator(readers.number), OrOff]
DropRatio = Annotated[float | str, ratio_between(0, 1, "between 0 and 1, such as 0.5 or 50%"), OrOff]
SpikeRatio = Annotated[float | str, ratio_between(1, math.inf, "above 1, such as 3 or 300%"), OrOff]
Severity = Annotated[str, PlainValidator(readers.one_of({each: each for each in SEVERITIES}, "no severity"))]


class Selecting(Group):
    """An entry that selects companies."""

    source: Text = option("*")
    """The sources that it applies to: a name, or a glob."""
    company: Selector = option("*", example="id:17")
    """The companies that it applies to, a selector: 17, id:17, name:Nor*, or a glob of either, case-sensitive."""

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
    """Which activities it limits, one or a list: user_queries, conversations, sessions, ...; or shares over 7 days:
    answered_share, grounded_share, liked_share, accepted_share."""
    below: Bound | None = option(None, example="50")
    """Alert when a business day has less than this number, a percentage (40%) for shares; off removes the limit."""
    above: Bound | None = option(None, example="20000")
    """Alert when a day has more than this number, a percentage for shares; off removes the limit."""
    drop_ratio: DropRatio | None = option(None, example="0.5")
    """Alert when a business day has less than this part of its weekday's baseline, between 0 and 1, or 50%; off removes
    the limit."""
    spike_ratio: SpikeRatio | None = option(None, example="3")
    """Alert when a day has more than this multiple of its baseline, above 1; off removes the limit."""
    min_baseline: Floor | None = option(None, example="20")
    """The two ratios need a baseline of at least this number; for spikes the baseline counts as at least this much."""
    min_volume: Floor | None = option(None, example="100")
    """Shares only: alert when the 7 days have at least this many of what the share is of (queries, answers, ratings,
    transfers); by default 100, of liked_share and accepted_share 30."""
    severity: Severity | None = option(None, example="critical")
    """Severity of its alerts: critical, warning or info; by default warning, of spike_ratio info."""
    team: Text | None = option(None, example="sales")
    """The label team of its alerts, which routes can match."""

    @field_validator("activity")
    @classmethod
    def _are_known(cls, activities: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        known = sorted(context_of(info).activities)
        if not activities:
            raise ValueError(f"names no activity; known: {', '.join(known)}")
        found = tuple(existing(activity, known, "there is no activity") for activity in activities)
        shares = [name for name in found if context_of(info).activities[name].share_of]
        if shares and len(shares) < len(found):
            raise ValueError(f"mixes {shares[0]}, a share, with counts; write an entry for each kind")
        return found

    @field_validator("above")
    @classmethod
    def _is_over_below(cls, above: Bound | None, info: ValidationInfo) -> Bound | None:
        below = info.data.get("below")
        if isinstance(below, float) and isinstance(above, float) and above < below:
            raise OptionError(f"{above:g} is less than below, which is {below:g}", beside=("below",))
        return above

    @field_validator(*FLOORS)
    @classmethod
    def _has_its_floor(cls, least: Floor | None, info: ValidationInfo) -> Floor | None:
        if least is not None and info.data.get("activity") and bool(_shares(info)) is (info.field_name != "min_volume"):
            fitting = "min_volume" if _shares(info) else "min_baseline"
            kind = "a share" if _shares(info) else "no share"
            raise ValueError(f"{info.data['activity'][0]} is {kind}; write {fitting} instead")
        return least

    @model_validator(mode="after")
    def _limits_anything(self) -> Self:
        if all(getattr(self, name) is None for name in LIMITS):
            raise ValueError(f"the entry sets no limit; set one of: {', '.join(LIMITS)}")
        return self

    def threshold(self) -> Threshold:
        given = {name: getattr(self, name) for name in LIMITS}
        limits = {name: None if value == OFF else value for name, value in given.items() if value is not None}
        return Threshold(self.activity, limits, self.source, self.company, self.severity, self.team or "")


class CompanyCalendarOptions(Selecting):
    """Which calendar has the business days of some companies; the first entry that selects one counts."""

    calendar: CalendarName = option(..., example="default")
    """Name of the calendar."""


ThresholdList = Annotated[tuple[ThresholdOptions, ...], BeforeValidator(readers.entries)]
CompanyCalendarList = Annotated[tuple[CompanyCalendarOptions, ...], BeforeValidator(readers.entries)]
