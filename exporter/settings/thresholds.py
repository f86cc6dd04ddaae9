"""The options `thresholds`, `thresholds_file` and `company_calendars`: lists of entries that select companies."""

import csv
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Self

from msgspec import Struct
from pydantic import BeforeValidator, PlainValidator, ValidationInfo, WrapValidator, field_validator, model_validator

from exporter.domain.errors import ConfigError
from exporter.domain.threads import FileStamp, file_stamp, in_time
from exporter.domain.wording import remedy
from exporter.metrics.limits import FLOORS, LIMITS, Threshold
from exporter.settings import readers, yaml_file
from exporter.settings.option_groups import Group, ValidationContext, context_of, option, validated, within
from exporter.settings.readers import Loc, OptionError, Selector, Text, Variable, existing, quoted, shown
from exporter.settings.source_options import CalendarName
from exporter.settings.yaml_file import Document, Place, Problem

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


OrOff = WrapValidator(lambda value, read: OFF if isinstance(value, str) and value.strip() == OFF else read(value))
Bound = Annotated[float | str, PlainValidator(bound), OrOff]
Floor = Annotated[float | str, PlainValidator(readers.number), OrOff]
Ratio = Annotated[float | str, PlainValidator(readers.ratio)]
A_PART = within("{:g} is out of range; write a number between 0 and 1, such as 0.5 or 50%", above=0, below=1)
A_MULTIPLE = within("{:g} is out of range; write a number above 1, such as 3 or 300%", above=1)
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

    activity: Annotated[tuple[str, ...], PlainValidator(readers.one_or_more)] = option(..., example="user_queries")
    """Which activities it limits, one or a list: user_queries, conversations, sessions, ...; or shares over 7 days:
    answered_share, grounded_share, liked_share, accepted_share."""
    below: Bound | None = option(None, example="50")
    """Alert when a business day has less than this number, a percentage (40%) for shares; off removes the limit."""
    above: Bound | None = option(None, example="20000")
    """Alert when a day has more than this number, a percentage for shares; off removes the limit."""
    drop_ratio: Annotated[Ratio, A_PART, OrOff] | None = option(None, example="0.5")
    """Alert when a business day has less than this part of its weekday's baseline, between 0 and 1, or 50%; off removes
    the limit."""
    spike_ratio: Annotated[Ratio, A_MULTIPLE, OrOff] | None = option(None, example="3")
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
        kind, fitting = ("a share", "min_volume") if _shares(info) else ("no share", "min_baseline")
        if least is not None and info.data.get("activity") and info.field_name != fitting:
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

OPTION = "thresholds_file"
CSV = (".csv", ".tsv")
COLUMNS = tuple(ThresholdOptions.model_fields)


class _Contents(Group):
    thresholds: ThresholdList = option(())


class ThresholdsFile(Struct, frozen=True):
    """The entries of a file, its stamp from just before it was read, and its tree."""

    entries: tuple[ThresholdOptions, ...] = ()
    stamp: FileStamp = None
    tree: Mapping[str, object] = {}


def read(written: object, context: ValidationContext) -> ThresholdsFile:
    """Reads the file at a `written` path, if it is one; ConfigError has a line per problem, else TimeoutError."""
    if not isinstance(written, str) or not written.strip():
        return ThresholdsFile()
    path = context.folder / written.strip()
    stamp = in_time(partial(file_stamp, path), path)
    document = _of_csv(path) if path.suffix.lower() in CSV else yaml_file.read(path, OPTION)
    return ThresholdsFile(validated(_Contents, document, context).thresholds, stamp, document.tree)


def _of_csv(path: Path) -> Document:
    """Reads a header and rows; skips empty lines and those that begin with #."""
    content, name = yaml_file.content(path, OPTION), str(path)
    lines = ["" if line.startswith("#") else line for line in content.splitlines(keepends=True)]
    header = next((line for line in lines if line.strip()), "")
    delimiter = max(",;\t", key=header.count)  # spreadsheets write ; where the comma is the decimal separator
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        return _of_rows(((rows.line_num, row) for row in rows if any(cell.strip() for cell in row)), name)
    except csv.Error as error:
        raise ConfigError(f"{name}:{rows.line_num}: {error}; put quotes around a text with quotes") from None


def _of_rows(rows: Iterator[tuple[int, list[str]]], name: str) -> Document:
    line, written = next(rows, (1, []))
    header = [cell.strip() for cell in written]
    unknown = [each for each in header if each not in ("", *COLUMNS)]
    wrong = [f'unknown column "{shown(each)}", {remedy(each, COLUMNS)}' for each in unknown]
    needed = ("company", "activity")  # without a company a row would apply to everybody
    wrong += [f"no column {each}; add it" for each in needed if each not in header]
    wrong += [f"two columns {each}; keep one" for each in COLUMNS if header.count(each) > 1]
    problems: list[Problem] = [(line, each) for each in wrong]
    entries: list[object] = []
    places: dict[Loc, Place] = {}
    for line, cells in rows:
        given = {each: cell for each, cell in zip_longest(header, cells, fillvalue="") if cell.strip()}
        if given.pop("", None):
            problems.append((line, "more cells than columns; put quotes around a text with the separator"))
        if "company" in header and "company" not in given:
            problems.append((line, "company is empty; write * for all companies"))
        places["thresholds", len(entries)] = line
        entries.append({each: Variable(cell) if each == "activity" else cell for each, cell in given.items()})
    return Document(name, {"thresholds": [] if problems else entries}, places, tuple(problems))
