"""The whole configuration as one class."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from stat import S_ISDIR
from typing import Annotated

from pydantic import AfterValidator, PlainValidator, ValidationInfo, create_model, field_validator

from exporter.domain.blocking import in_time
from exporter.platforms.api import LabelLimit, Platform
from exporter.settings import platform_options
from exporter.settings.environment import fold, is_name
from exporter.settings.option_groups import CalendarOptions, Group, LimitsOptions, PrivacyOptions, option
from exporter.settings.settings import context_of
from exporter.settings.source_options import SourceOptions, path_that
from exporter.settings.thresholds import CompanyCalendarList, ThresholdList


def _check_folder(path: Path, _written: str) -> None:
    try:
        if S_ISDIR(in_time(path.stat, path).st_mode):
            raise ValueError("is a folder; give the path of a file in it")
    except (FileNotFoundError, NotADirectoryError):
        if not in_time(path.parent.is_dir, path):
            raise ValueError("its folder does not exist; create it, or give a path in one that does") from None
    except OSError as error:  # such as a folder without permission, or a name that is too long
        raise ValueError(f"cannot be accessed ({error.strerror}); give another path, or access to it") from None


AnyPath = Annotated[Path, path_that(lambda _path, _written: None)]
StateFile = Annotated[Path, path_that(_check_folder)]


def _named(section: str) -> AfterValidator:
    """Refuses names that are no valid labels, or the same as an earlier one in environment variables."""

    def check(name: str, info: ValidationInfo) -> str:
        if not is_name(name):
            raise ValueError('a name is lower-case letters and digits with single "-" or "_" between them')
        first = next(each for each in getattr(context_of(info), section) if fold(each) == fold(name))
        if first != name:
            raise ValueError(f"has the same name as {first} in environment variables; rename one of them")
        return name

    return AfterValidator(check)


SourceName = Annotated[str, _named("sources")]
NewCalendar = Annotated[str, _named("calendars")]


class Options(Group):
    """The whole configuration."""

    sources: dict[SourceName, Annotated[SourceOptions, PlainValidator(platform_options.of_its_platform)]] = option({})
    """The accounts to poll, by name, which is the label source: lower-case letters and digits, with single "-" or "_"
    between them."""
    label_limits: Group = option({})
    """Maximum number of values of limited labels, per company."""
    privacy: PrivacyOptions = option({})
    """What is not published about people."""
    limits: LimitsOptions = option({})
    """Limits for all sources together."""
    calendars: dict[NewCalendar, CalendarOptions] = option({})
    """Days off, by name. The calendar named default always exists; a source chooses another one with calendar."""
    company_calendars: CompanyCalendarList = option(())
    """Companies with a calendar other than their source's; the first entry that selects a company counts."""
    thresholds: ThresholdList = option(())
    """Limits of activities, per company, that alerts compare with. Before the first entry goes the built-in one:
    company *, activity [user_queries, conversations], drop_ratio 0.5, spike_ratio 3, min_baseline 20. Of several that
    select a company the last one counts, per limit and severity."""
    thresholds_file: AnyPath | None = option(None, example="limits.csv")
    """Path of a file with more entries of thresholds, which count after those here: CSV with a row for each and their
    options as columns, or YAML with a list thresholds. It is read again when it changes."""
    state_file: StateFile | None = option(None, example="/var/lib/chat-usage-exporter/state")
    """Path of a file for the polled data, replaced after each poll, so that a restart serves figures at once; its
    folder must exist and be writable. Without it, a restart asks the platform for everything again."""

    @field_validator("sources", mode="before")
    @classmethod
    def _know_their_names(cls, given: object) -> object:
        return {name: (name, each) for name, each in given.items()} if isinstance(given, dict) else given


def options_of(platforms: Mapping[str, Platform]) -> type[Options]:
    """Returns the configuration class for these platforms."""
    ordered = sorted(platforms.values(), key=lambda platform: bool(platform.options))
    return _with_limits(tuple(limit for platform in ordered for limit in platform.label_limits))


@cache
def _with_limits(limits: tuple[LabelLimit, ...]) -> type[Options]:
    return create_model("Options", __base__=Options, label_limits=(platform_options.label_limits(limits), option({})))
