"""Reads file and environment, has them judged, and hands over plain values or says all that is wrong."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from pydantic import ValidationError

from exporter.domain.calendars import Calendar, CompanyCalendar
from exporter.domain.errors import ConfigError
from exporter.domain.selectors import Companies
from exporter.domain.thresholds import built_in
from exporter.metrics.label_limits import LabelLimits
from exporter.platforms.api import Account, Platform
from exporter.settings import api_keys, environment, platform_options, yaml_file
from exporter.settings import errors as problems
from exporter.settings.digest import digest
from exporter.settings.errors import Problem
from exporter.settings.layers import over
from exporter.settings.option_groups import CalendarOptions, LabelLimitsOptions
from exporter.settings.options import Options
from exporter.settings.overrides import override
from exporter.settings.settings import Families, Limits, Poll, Settings, Source
from exporter.settings.source_options import SourceOptions
from exporter.settings.surroundings import Surroundings
from exporter.settings.thresholds import Selecting, holds_for
from exporter.settings.words import Loc, is_name
from exporter.settings.yaml_file import Document

DEFAULT_CALENDAR = "default"


def load(
    path: Path | None, environ: Mapping[str, str], platforms: Mapping[str, Platform], *, keeps_state: bool = True
) -> Settings:
    """Reads the file at `path`, if any, and `environ` over it.

    What keeps no state may run where the folder of `state_file` is not, in a CronJob of its own: there that option does
    not count.

    Raises:
        ConfigError: something is wrong; its message has one line for each problem.
    """
    environ = environ if keeps_state else {**environ, "CHAT_USAGE_STATE_FILE": ""}
    file = yaml_file.read(path) if path else Document("the environment")
    variables = environment.read(environ, file.tree)
    tree, names = over(variables.tree, file.tree), variables.names
    first_run = environment.first_run(environ)
    counts = bool(first_run.tree) and not tree.get("sources")
    if counts:
        tree, names = over(first_run.tree, tree), {**names, **first_run.names}
    folder = path.parent if path else Path()
    around = Surroundings(platforms, _names(tree, "calendars", DEFAULT_CALENDAR), folder, _names(tree, "sources"))
    judged, wrong = _judged(tree, around)
    complaints = [*file.problems, *problems.lines(wrong, file, names), *variables.problems]
    if complaints or judged is None:
        raise ConfigError("\n".join(complaints))
    if not judged.options.sources:
        raise ConfigError(_nothing_to_poll(path))
    return replace(_settings(judged, platforms, _notes(bool(first_run.tree), counts)), digest=digest(tree))


class Judged(NamedTuple):
    """All options, and what each source's platform adds to them."""

    options: Options
    accounts: Mapping[str, Account]


def _judged(tree: Mapping[str, object], around: Surroundings) -> tuple[Judged | None, list[Problem]]:
    wrong = [problem for section in ("sources", "calendars") for problem in _misnamed(section, tree.get(section))]
    rest, own = platform_options.split(tree, around.platforms)
    accounts: dict[str, Account] = {}
    known: dict[Loc, Iterable[str]] = {}
    for name, given in own.items():
        platform = _platform(rest, name, around)
        if platform is not None:
            known["sources", name] = tuple(option.name for option in platform.options)
            accounts[name], found = _account(name, platform, given, around)
            wrong += found
    try:
        return Judged(Options.model_validate(rest, context=around), accounts), wrong
    except ValidationError as error:
        return None, [*wrong, *problems.found(error, known=known)]


def _platform(tree: Mapping[str, object], name: str, around: Surroundings) -> Platform | None:
    sources = tree.get("sources")
    options = sources.get(name) if isinstance(sources, dict) else None
    written = options.get("platform") if isinstance(options, dict) else None
    return around.platforms.get(str(written).strip())


def _account(
    name: str, platform: Platform, given: Mapping[str, object], around: Surroundings
) -> tuple[Account, list[Problem]]:
    """Judges what a platform adds to the options of a source."""
    group = platform_options.group(platform)
    try:
        judged = group.model_validate(given, context=around)
    except ValidationError as error:
        found = problems.found(error, group)
        return Account(name), [each._replace(loc=("sources", name, *each.loc)) for each in found]
    account = Account(name, dict(platform_options.values(judged)))
    try:
        for report in platform.reports:
            platform.configured(report, account=account)
    except ConfigError as error:
        return account, [Problem(("sources", name), str(error))]
    return account, []


def _misnamed(section: str, entries: object) -> Iterator[Problem]:
    """Yields names that cannot be told apart in the environment, or do not make a plain label."""
    folded: dict[str, str] = {}
    for name in entries if isinstance(entries, dict) else ():
        if not is_name(name):
            yield Problem(
                (section, name), 'a name is lower-case letters and digits with single "-" or "_" between them'
            )
        elif rival := folded.get(environment.fold(name)):
            yield Problem((section, name), f"has the same name as {rival} in environment variables; rename one of them")
        folded.setdefault(environment.fold(name), name)


def _names(tree: Mapping[str, object], section: str, *always: str) -> frozenset[str]:
    entries = tree.get(section)
    return frozenset((*always, *(entries if isinstance(entries, dict) else ())))


def _nothing_to_poll(path: Path | None) -> str:
    where = f'{path}: add one below "sources:"' if path else "name a file that has some with --config.file"
    return f"no sources to poll; {where}, or start with {environment.FIRST_KEY}=... chat-usage-exporter serve"


def _notes(given: bool, counts: bool) -> tuple[str, ...]:
    if counts:
        return (f'the source "paradigm" comes from {environment.FIRST_KEY}, since no sources are configured',)
    return (f"{environment.FIRST_KEY} is ignored, since sources are configured",) if given else ()


def _settings(judged: Judged, platforms: Mapping[str, Platform], notes: tuple[str, ...]) -> Settings:
    options = judged.options
    calendars = {DEFAULT_CALENDAR: Calendar()} | {name: _calendar(each) for name, each in options.calendars.items()}
    sources = {
        name: _source(each, platforms[each.platform], calendars, options, judged.accounts[name])
        for name, each in options.sources.items()
    }
    state_file = Path(options.state_file) if options.state_file else None
    limits = Limits(**dict(options.limits))
    return Settings(MappingProxyType(sources), MappingProxyType(calendars), limits, notes, state_file)


def _calendar(options: CalendarOptions) -> Calendar:
    return Calendar(options.weekend, options.holidays)


def _source(
    options: SourceOptions, platform: Platform, calendars: Mapping[str, Calendar], common: Options, account: Account
) -> Source:
    name = account.source
    return Source(
        name=name,
        platform=platform,
        base_url=options.base_url or "",
        key=_key(name, options),
        key_expires=options.api_key_expires,
        ca_file=Path(options.ca_file) if options.ca_file else None,
        proxy_url=options.proxy_url,
        zone=options.timezone,
        poll=Poll(**dict(options.poll)),
        reports=tuple(platform.reports) if options.reports is None else options.reports,
        required=frozenset(options.reports or ()),
        families=Families(**dict(options.families)),
        companies=Companies(**dict(options.companies)),
        overrides={report: each for report, given in options.overrides.items() if (each := override(given))},
        settle=options.settle,
        reread_days=options.reread_days,
        history_days=options.history_days,
        max_staleness=options.max_staleness,
        calendar=calendars[options.calendar],
        label_limits=_label_limits(common.label_limits, platform),
        min_group=common.privacy.min_group,
        account=account,
        thresholds=(
            built_in(measure for report in platform.reports.values() for measure in report.measures),
            *(each.threshold() for each in common.thresholds if holds_for(each, name)),
        ),
        company_calendars=tuple(
            CompanyCalendar(each.company, calendars[each.calendar])
            for each in common.company_calendars
            if holds_for(each, name)
        ),
        selectors={
            "thresholds": _of_alone(common.thresholds, name, common.sources),
            "company_calendars": _of_alone(common.company_calendars, name, common.sources),
        },
    )


def _of_alone(entries: Iterable[Selecting], name: str, sources: Iterable[str]) -> tuple[str, ...]:
    """Returns the selectors of companies in entries for one source: another's companies could be meant by the rest."""
    return tuple(
        each.company for each in entries if [source for source in sources if holds_for(each, source)] == [name]
    )


def _label_limits(options: LabelLimitsOptions, platform: Platform) -> LabelLimits:
    declared = {limit.name: limit.default for limit in platform.label_limits}
    return LabelLimits(declared | options.model_dump(exclude={"value_length"}), options.value_length)


def _key(name: str, options: SourceOptions) -> api_keys.WrittenKey | api_keys.KeyFile:
    if options.api_key:
        return api_keys.WrittenKey(options.api_key.get_secret_value())
    return api_keys.KeyFile(Path(options.api_key_file or ""), name)
