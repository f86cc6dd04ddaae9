"""The whole configuration as one class, with the options that platforms declare (`platforms.api`)."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from stat import S_ISDIR
from typing import Annotated, cast

from pydantic import AfterValidator, PlainValidator, ValidationInfo, create_model, field_validator

from exporter.domain.errors import ConfigError
from exporter.domain.selectors import Selection
from exporter.domain.threads import in_time
from exporter.platforms.api import Account, LabelLimit, Option, OptionKind, Platform
from exporter.settings.calendar_options import CalendarOptions
from exporter.settings.environment import fold, is_name
from exporter.settings.option_groups import FilePath, Group, context_of, option, within
from exporter.settings.readers import Selectors, Size, Text, Whole
from exporter.settings.source_options import SourceOptions
from exporter.settings.thresholds import CompanyCalendarList, ThresholdList


class LimitsOptions(Group):
    max_series: Whole = option("2000000")
    """Maximum number of series. Above it, series are dropped in this order: channels, tools and languages, 28-day sums,
    7-day sums."""
    max_size: Size = option("512MiB")
    """Maximum size of the exposition, a size (512MiB); long names make it large. Above it, series are dropped in the
    same order."""


class PrivacyOptions(Group):
    min_group: Whole = option("0")
    """Figures about fewer people than this are not served, a whole number; zeros are."""


class SelectionOptions(Group):
    """Selectors of what is polled; `exclude` goes before `include`."""

    include: Selectors = option(["*"])
    """Those that are polled, a list of selectors: an id, id:t1o15p, name:Web*, or a glob of either, case-sensitive."""
    exclude: Selectors = option([])
    """Those that are not polled, even if included, a list of selectors."""


@cache
def own_options(options: tuple[Option, ...]) -> type[Group]:
    fields = {each.name: _field(each) for each in options}
    return create_model("OwnOptions", __base__=Group, **fields)  # type: ignore[call-overload,no-any-return]  # fields known at run time


def _field(own: Option) -> tuple[object, object]:
    if own.kind is OptionKind.SELECTION:
        selection = AfterValidator(lambda options: Selection(options.include, options.exclude))
        return Annotated[SelectionOptions, selection], option({}, description=own.description)
    kind, default = (Text, ...) if own.required else (Text | None, None)
    return kind, option(default, example=own.example, description=own.description)


@cache
def source_options(options: tuple[Option, ...]) -> type[SourceOptions]:
    return create_model("SourceOptions", __base__=(own_options(options), SourceOptions))  # type: ignore[arg-type]  # both are classes


def account_of(name: str, platform: Platform, options: SourceOptions) -> Account:
    return Account(name, {each.name: getattr(options, each.name) for each in platform.options})


def _of_its_platform(named: object, info: ValidationInfo) -> SourceOptions:
    """Validates one source, given as (name, options), with its platform's options."""
    name, given = cast("tuple[str, object]", named)
    platforms = context_of(info).platforms
    platform = platforms.get(str(given.get("platform")).strip()) if isinstance(given, dict) else None
    if platform is None:  # the only error, so options that belong to some platform are not unknown
        names = {option.name for each in platforms.values() for option in each.options}
        rest = {key: value for key, value in given.items() if key not in names} if isinstance(given, dict) else given
        return SourceOptions.model_validate(rest, context=info.context)
    options = source_options(platform.options).model_validate(given, context=info.context)
    own = account_of(name, platform, options)
    try:
        for report in platform.reports:
            platform.configured(report, account=own)
    except ConfigError as error:
        raise ValueError(str(error)) from None
    return options


def _writable(path: Path) -> Path:
    try:
        if S_ISDIR(in_time(path.stat, path).st_mode):
            raise ValueError("is a folder; give the path of a file in it")
    except (FileNotFoundError, NotADirectoryError):
        if not in_time(path.parent.is_dir, path):
            raise ValueError("its folder does not exist; create it, or give a path in one that does") from None
    except OSError as error:  # such as a folder without permission, or a name that is too long
        raise ValueError(f"cannot be accessed ({error.strerror}); give another path, or access to it") from None
    return path


def _named(name: str, info: ValidationInfo) -> str:
    """Refuses names that are no valid labels, or the same as an earlier one in environment variables."""
    if not is_name(name):
        raise ValueError('a name is lower-case letters and digits with single "-" or "_" between them')
    first = next(each for each in getattr(context_of(info), str(info.field_name)) if fold(each) == fold(name))
    if first != name:
        raise ValueError(f"has the same name as {first} in environment variables; rename one of them")
    return name


StateFile = Annotated[FilePath, AfterValidator(_writable)]
Name = Annotated[str, AfterValidator(_named)]


class Options(Group):
    sources: dict[Name, Annotated[SourceOptions, PlainValidator(_of_its_platform)]] = option({})
    """The accounts to poll, by name, which is the label source: lower-case letters and digits, with single "-" or "_"
    between them."""
    label_limits: Group = option({})
    """Maximum number of values of limited labels, per company."""
    privacy: PrivacyOptions = option({})
    """What is not published about people."""
    limits: LimitsOptions = option({})
    """Limits for all sources together."""
    calendars: dict[Name, CalendarOptions] = option({})
    """Days off, by name. The calendar named default always exists; a source chooses another one with calendar."""
    company_calendars: CompanyCalendarList = option(())
    """Companies with a calendar other than their source's; the first entry that selects a company counts."""
    thresholds: ThresholdList = option(())
    """Limits of activities, per company, that alerts compare with. Before the first entry goes the built-in one:
    company *, activity [user_queries, conversations], drop_ratio 0.5, spike_ratio 3, min_baseline 20. Of several that
    select a company the last one counts, per limit and severity."""
    thresholds_file: FilePath | None = option(None, example="limits.csv")
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
    fields = {each.name: (Whole, option(str(each.default), description=each.description)) for each in limits}
    length = Annotated[Whole, within("{} characters are too few to distinguish values; the minimum is 8", least=8)]
    meaning = "Maximum length of such a label's value, in characters, at least 8; longer values are cut."
    fields["value_length"] = (length, option("128", description=meaning))
    group = create_model("LabelLimitsOptions", __base__=Group, **fields)  # type: ignore[call-overload]  # as above
    return create_model("Options", __base__=Options, label_limits=(group, option({})))
