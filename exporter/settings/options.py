"""The whole configuration as one class, and what can be asked of the classes: which option is where."""

from collections.abc import Iterator
from pathlib import Path
from stat import S_ISDIR
from typing import get_args, get_origin

from pydantic import Field, ValidationInfo, field_validator
from pydantic.fields import FieldInfo

from exporter.settings.option_groups import CalendarOptions, Group, LabelLimitsOptions, LimitsOptions, PrivacyOptions
from exporter.settings.source_options import OptionalText, SourceOptions
from exporter.settings.surroundings import around
from exporter.settings.thresholds import CompanyCalendarList, ThresholdList
from exporter.settings.words import Loc


class Options(Group):
    """The whole configuration."""

    sources: dict[str, SourceOptions] = Field(
        default={},
        validate_default=True,
        description="The accounts to poll, by name. The name becomes the label source: lower-case letters and digits, "
        'with single "-" or "_" between them.',
    )
    label_limits: LabelLimitsOptions = Field(
        default={}, validate_default=True, description="How many values open labels may have, per company."
    )
    privacy: PrivacyOptions = Field(default={}, validate_default=True, description="What is not told of people.")
    limits: LimitsOptions = Field(default={}, validate_default=True, description="What all sources together may take.")
    calendars: dict[str, CalendarOptions] = Field(
        default={},
        validate_default=True,
        description="Days off, by name. There is always one named default; a source names another with calendar.",
    )
    company_calendars: CompanyCalendarList = Field(
        default=(),
        description="Companies that keep another calendar than their source; the first entry that selects one counts.",
    )
    thresholds: ThresholdList = Field(
        default=(),
        description="Limits of activities, per company, that alerts judge by. Before the first entry stands the "
        "built-in one: company *, activity [user_queries, conversations], drop_ratio 0.5, spike_ratio 3, "
        "min_baseline 20. Of several that select a company the last one counts, per limit and severity.",
    )
    state_file: OptionalText = Field(
        default=None,
        validate_default=True,
        description="Path of a file that keeps what was read, written anew after each poll, so that a restart serves "
        "figures at once; its folder must exist and be writable. Not set, a restart asks the platform for all of it.",
        examples=["/var/lib/chat-usage-exporter/state"],
    )

    @field_validator("state_file")
    @classmethod
    def _has_a_folder(cls, written: str | None, info: ValidationInfo) -> str | None:
        if written is None:
            return None
        path = around(info).folder / written
        try:
            is_folder, has_folder = _is_folder(path), _is_folder(path.parent)
        except OSError as error:  # a folder around it that may not be entered, a name that is too long
            raise ValueError(f"cannot be looked for ({error.strerror}); give another path, or access to it") from None
        if is_folder:
            raise ValueError("is a folder; give the path of a file in it")
        if not has_folder:
            raise ValueError("its folder does not exist; create it, or give a path in one that does")
        return str(path)


def _is_folder(path: Path) -> bool:
    """Does what `Path.is_dir` does, which since Python 3.14 is silent about why it cannot tell; raises OSError."""
    try:
        return S_ISDIR(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def group_of(field: FieldInfo) -> type[Group] | None:
    """Returns the options inside an option, if it has some: its own, or those of each of its entries."""
    candidates = (field.annotation, *get_args(field.annotation))
    return next((each for each in candidates if isinstance(each, type) and issubclass(each, Group)), None)


def is_listed(field: FieldInfo) -> bool:
    """Tells whether the option holds a list of entries, each with the same options inside."""
    return get_origin(field.annotation) is tuple and group_of(field) is not None


def is_named(field: FieldInfo) -> bool:
    """Tells whether the option holds entries by name, each with the same options inside."""
    return get_origin(field.annotation) is dict and group_of(field) is not None


def group_at(loc: Loc, root: type[Group] = Options) -> type[Group]:
    """Returns the group at a place that validation found below `root`, which is at the empty place."""
    group = root
    way = iter(loc)
    for part in way:
        field = group.model_fields[str(part)]
        group = group_of(field) or group
        if is_named(field) or is_listed(field):
            next(way, None)
    return group


def walk(group: type[Group] = Options, way: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    """Yields every option with its place, groups before what is in them.

    `NAME` stands for the name of an entry, `N` for its place in a list.
    """
    for name, field in group.model_fields.items():
        yield (*way, name), field
        if inner := group_of(field):
            entry = ["NAME"] if is_named(field) else ["N"] if is_listed(field) else []
            yield from walk(inner, (*way, name, *entry))
