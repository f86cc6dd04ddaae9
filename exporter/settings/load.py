"""Reads file and environment, validates them, and returns plain values, or reports everything that is wrong."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from inspect import signature
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from msgspec.structs import replace

from exporter.domain.calendars import Calendar
from exporter.domain.errors import ConfigError
from exporter.domain.selectors import Companies, Entry, Selection
from exporter.domain.threads import file_stamp
from exporter.exposition.series_limit import SeriesLimits
from exporter.ledger.day_status import DayRules
from exporter.metrics.label_limits import LabelLimits
from exporter.metrics.limits import CompanyCalendar, CompanyLimits, built_in
from exporter.metrics.target import Target
from exporter.platforms.api import Platform
from exporter.settings import environment, thresholds, yaml_file
from exporter.settings.option_groups import Group, ValidationContext, located, validated
from exporter.settings.options import Options, account_of, options_of
from exporter.settings.overrides import override
from exporter.settings.settings import Settings, Source
from exporter.settings.source_options import DECLARED
from exporter.settings.thresholds import Selecting
from exporter.settings.yaml_file import Document

T = TypeVar("T")
DEFAULT_CALENDAR = "default"
_CREDENTIALS = re.compile(r"(?<=//).*@")


def load(
    path: Path | None, environ: Mapping[str, str], installed: Mapping[str, Platform], *, keeps_state: bool = True
) -> Settings:
    """Reads the file at `path`, if any, and `environ` over it; ConfigError has one line per problem.

    Commands that keep no state ignore `state_file`: they may run where its folder does not exist.
    """
    file = yaml_file.read(path, "--config.file") if path else Document("the environment")
    environ = environ if keeps_state else {**environ, "CHAT_USAGE_STATE_FILE": ""}
    given = environment.first_run(environment.over(file, environ), environ, installed.values())
    folder = path.parent if path else Path()
    given, platforms = _with_declared(given, installed, folder)
    calendars = (DEFAULT_CALENDAR, *_names(given.tree, "calendars"))
    context = ValidationContext(platforms, calendars, _names(given.tree, "sources"), folder)
    problems: list[str] = []
    try:
        options = validated(options_of(platforms), given, context)
    except ConfigError as error:
        problems.append(str(error))
    try:
        limits = thresholds.read(given.tree.get("thresholds_file"), context)
    except (ConfigError, TimeoutError) as error:
        problems.append(str(error))
    if problems:
        raise ConfigError("\n".join(problems))
    if not options.sources:
        raise ConfigError(_nothing_to_poll(path, platforms))
    declared = {name: each.version for name, each in platforms.items() if name not in installed}
    options = options.model_copy(update={"thresholds": (*options.thresholds, *limits.entries)})
    beside = {"definitions": declared, "thresholds_file": limits.tree}
    written = {**given.tree, **{name: content for name, content in beside.items() if content}}
    return _settings(options, platforms, notes=given.notes, digest=digest(written), thresholds_stamp=limits.stamp)


def digest(tree: Mapping[str, object]) -> int:
    """Returns a 48-bit number (of SHA-256) by which two configurations can be compared.

    Layout, order of keys, comments and the folder do not count, nor do API keys and proxy credentials: so nobody
    can guess secrets from it, and a new key is no other configuration.
    """
    written = json.dumps(_public(tree), sort_keys=True, ensure_ascii=False).encode()
    return int.from_bytes(hashlib.sha256(written).digest()[:6])  # a gauge is a double, which holds 48 bits exactly


def _public(value: object, key: str = "") -> object:
    if isinstance(value, Mapping):
        return {name: _public(each, str(name)) for name, each in value.items() if name != "api_key"}
    return _CREDENTIALS.sub("", value) if key == "proxy_url" and isinstance(value, str) else value


def _with_declared(
    document: Document, platforms: Mapping[str, Platform], folder: Path
) -> tuple[Document, Mapping[str, Platform]]:
    """Replaces `platform: declared` by what the definition describes, also in the platforms; raises ConfigError."""
    given = document.tree.get("sources")
    sources = dict(given) if isinstance(given, dict) else {}
    known, files, problems = dict(platforms), dict[str, Path](), [*document.problems]
    for name, options in sources.items():
        if not isinstance(options, dict):
            continue
        file, is_declared = options.get("definition"), str(options.get("platform")).strip() == DECLARED
        if is_declared != bool(file):
            option, other = ("platform", "definition") if is_declared else ("definition", f"platform: {DECLARED}")
            problems.append(located(document, ("sources", name, option), f"needs {other}; set both, or neither"))
        elif is_declared and isinstance(file, str):
            from exporter.settings import definitions  # noqa: PLC0415  11 ms of a start, and few sources have one

            path = (folder / file.strip()).resolve()
            declared = definitions.read(path)
            if _has_a_name_of(declared, [each for each in known.values() if files.get(each.name) != path]):
                message = f"its prefix {declared.name} belongs to another platform; choose another one in {path.name}"
                problems.append(located(document, ("sources", name, "definition"), message))
            else:
                known[declared.name], files[declared.name] = declared, path
                sources[name] = {**options, "platform": declared.name}
    tree = {**document.tree, "sources": sources or given}
    return dataclasses.replace(document, tree=tree, problems=tuple(problems)), known


def _has_a_name_of(platform: Platform, others: Iterable[Platform]) -> bool:
    families = {measure.family for measure in platform.measures}
    return any(each.name == platform.name or families & {one.family for one in each.measures} for each in others)


def _names(tree: Mapping[str, object], section: str) -> tuple[str, ...]:
    entries = tree.get(section)
    return tuple(entries) if isinstance(entries, dict) else ()


def _nothing_to_poll(path: Path | None, platforms: Mapping[str, Platform]) -> str:
    where = f'{path}: add one below "sources:"' if path else "name a file that has some with --config.file"
    variables = [platform.key_variable for platform in platforms.values() if platform.key_variable]
    start = f", or start with {variables[0]}=... chat-usage-exporter serve" if variables else ""
    return f"no sources to poll; {where}{start}"


def _settings(options: Options, platforms: Mapping[str, Platform], **others: object) -> Settings:
    calendars = {DEFAULT_CALENDAR: Calendar(), **{name: each.calendar() for name, each in options.calendars.items()}}
    sources = {name: _source(name, options, platforms, calendars) for name in options.sources}
    limits = SeriesLimits(options.limits.max_series, options.limits.max_size)
    frozen = {"sources": MappingProxyType(sources), "calendars": MappingProxyType(calendars)}
    return _of_options(Settings, options, limits=limits, **frozen, **others)


def _source(name: str, common: Options, platforms: Mapping[str, Platform], calendars: Mapping[str, Calendar]) -> Source:
    options = common.sources[name]
    platform = platforms[options.platform]
    account = account_of(name, platform, options)
    overrides = {report: each for report, given in options.overrides.items() if (each := override(given, platform))}
    names = tuple(platform.reports) if options.reports is None else options.reports
    companies, limits = _of_options(Companies, options.companies), dict(common.label_limits)
    own_calendars = [each for each in common.company_calendars if each.selects(name)]
    target = _of_options(
        Target,
        options,
        options.poll,
        common.privacy,
        source=name,
        platform=platform.name,
        reports=tuple(platform.configured(report, overrides.get(report), account) for report in names),
        scope=replace(companies.scope, zone=options.timezone),
        rules=_of_options(
            DayRules,
            options,
            zone=options.timezone,
            keep_days=options.history_days,
            calendar=calendars[options.calendar],
            company_calendars=tuple(calendars[each.calendar] for each in own_calendars),
        ),
        one_company=platform.one_company,
        companies=companies,
        required=frozenset(options.reports or ()),
        limits=LabelLimits(limits, limits.pop("value_length")),
        excluded=options.families.exclude,
        selections={name: value for name, value in account.options.items() if isinstance(value, Selection)},
        company_limits=CompanyLimits(
            (built_in(platform.measures), *(each.threshold() for each in common.thresholds if each.selects(name))),
            tuple(CompanyCalendar(each.company, calendars[each.calendar]) for each in own_calendars),
        ),
        selectors={
            **companies.entries(name, "companies"),
            **{option: _entries(option, name, common) for option in ("thresholds", "company_calendars")},
        },
    )
    return _of_options(
        Source,
        options,
        name=name,
        platform=platform,
        base_url=options.base_url or "",
        api_key=options.api_key or options.api_key_file,
        ca_stamp=None if options.ca_file is None else file_stamp(options.ca_file),
        overrides=overrides,
        account=account,
        target=target,
    )


def _of_options(kind: Callable[..., T], *groups: Group, **others: object) -> T:
    """Makes a value of the options that have the names of its fields, and of `others`."""
    wanted = signature(kind).parameters.keys() - others.keys()
    return kind(**{name: value for group in groups for name, value in group if name in wanted}, **others)


def _entries(option: str, name: str, common: Options) -> tuple[Entry, ...]:
    """Returns the company selectors of a source, by its name, or by the glob that also matches other sources."""
    given: tuple[Selecting, ...] = getattr(common, option)
    found: dict[Entry, None] = {}
    for each in given:
        held_for = [source for source in common.sources if each.selects(source)]
        if name in held_for:
            found[Entry(name if len(held_for) == 1 else each.source, option, each.company)] = None
    return tuple(found)
