"""Reads environment variables into the tree of the file, and merges the two; knows no option.

`CHAT_USAGE_SOURCES__SUPPORT_BOT__POLL__INTERVAL` is sources → support-bot → poll → interval: `__` goes one level
down, case is folded, and `_` in the name of a source or calendar also matches `-`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource

from exporter.platforms.api import Platform
from exporter.settings.readers import Loc, Variable

PREFIX = "CHAT_USAGE_"
DOWN = "__"
GROUPS = ("sources_", "calendars_", "limits_", "label_limits_", "privacy_")
EXAMPLE = "CHAT_USAGE_SOURCES__NAME__POLL__INTERVAL"
_NAME = re.compile(r"(?=.{1,63}$)[a-z0-9]+(?:[-_][a-z0-9]+)*")
_SERVICE_LINK = re.compile(r".*_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)")


@dataclass(frozen=True, slots=True)
class Environment:
    """The variables' tree, the variable of each value by its location, and problems of no single value."""

    tree: Mapping[str, object]
    names: Mapping[Loc, str]
    problems: tuple[str, ...] = ()


def is_name(word: str) -> bool:
    """Returns whether `word` can name a source or a calendar, as a label and in a variable."""
    return bool(_NAME.fullmatch(word))


def fold(name: str) -> str:
    return name.replace("-", "_").lower()


def over(upper: Mapping[str, object], lower: Mapping[str, object]) -> dict[str, object]:
    """Merges two trees; where both set an option, the upper one's counts."""

    class Layers(BaseSettings):
        tree: dict[str, object] = {}

        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], *_: PydanticBaseSettingsSource, **__: PydanticBaseSettingsSource
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return tuple(InitSettingsSource(settings_cls, {"tree": tree}) for tree in (upper, lower))

    return Layers().tree


def read(environ: Mapping[str, str], file: Mapping[str, object]) -> Environment:
    """Reads our variables; `file` is the tree whose sources and calendars they may change."""
    tree: dict[str, object] = {}
    names: dict[Loc, str] = {}
    problems: list[str] = []
    for variable, value in sorted(environ.items(), key=lambda item: fold(item[0])):
        if not variable.upper().startswith(PREFIX) or _is_service_link(variable, value):
            continue
        loc = _place(variable, file)
        if len(loc) == 1 and loc[0].startswith(GROUPS):
            problems.append(f'{variable}: names a group of options; write "__" between levels: {EXAMPLE}')
            continue
        if rival := next((names[loc[:depth]] for depth in range(1, len(loc) + 1) if loc[:depth] in names), None):
            problems.append(f"{variable}: sets the same as {rival}, or something inside it; keep one of the two")
            continue
        names[loc] = variable
        _set(tree, loc, Variable(value))
    return Environment(tree, names, tuple(problems))


def first_run(environ: Mapping[str, str], platforms: Iterable[Platform]) -> Environment:
    """Returns the source that a platform's own variables define; an empty key counts as not set."""
    for platform in platforms:
        key, url = platform.key_variable, platform.url_variable
        if environ.get(key, "").strip():
            options = {"platform": platform.name, "api_key": environ[key], "base_url": environ.get(url, "")}
            places = {"platform": key, "api_key": key, "base_url": url}
            return Environment(
                {"sources": {platform.name: {option: Variable(value) for option, value in options.items()}}},
                {("sources", platform.name, option): variable for option, variable in places.items()},
            )
    return Environment({}, {})


def _is_service_link(variable: str, value: str) -> bool:
    """Kubernetes sets these in every pod beside a Service whose name starts with `chat-usage`, as our chart's does."""
    if DOWN in variable:
        return False
    return bool(_SERVICE_LINK.fullmatch(variable)) or (variable.endswith("_PORT") and "://" in value)


def _place(variable: str, file: Mapping[str, object]) -> tuple[str, ...]:
    way: list[str] = []
    entries: object = file
    for part in variable[len(PREFIX) :].split(DOWN):
        known = entries if isinstance(entries, dict) else {}
        way.append(next((str(each) for each in known if fold(each) == fold(part)), fold(part)))
        entries = known.get(way[-1])
    return tuple(way)


def _set(tree: dict[str, object], way: tuple[str, ...], value: Variable) -> None:
    group: object = tree
    for part in way[:-1]:
        group = group.setdefault(part, {}) if isinstance(group, dict) else None
    if isinstance(group, dict):
        group[way[-1]] = value
