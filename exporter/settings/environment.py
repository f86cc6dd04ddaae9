"""Lays environment variables over the tree of the file; knows no option.

`CHAT_USAGE_SOURCES__SUPPORT_BOT__POLL__INTERVAL` is sources → support-bot → poll → interval: `__` goes one level
down, case is folded, and `_` in the name of a source or calendar also matches `-`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from exporter.platforms.api import Platform
from exporter.settings.readers import Loc, Variable
from exporter.settings.yaml_file import Document, Problem

PREFIX = "CHAT_USAGE_"
DOWN = "__"
GROUPS = ("sources_", "calendars_", "limits_", "label_limits_", "privacy_")
EXAMPLE = "CHAT_USAGE_SOURCES__NAME__POLL__INTERVAL"
_NAME = re.compile(r"(?=.{1,63}$)[a-z0-9]+(?:[-_][a-z0-9]+)*")
_SERVICE_LINK = re.compile(r".*_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)")


def is_name(word: str) -> bool:
    """Returns whether `word` can name a source or a calendar, as a label and in a variable."""
    return bool(_NAME.fullmatch(word))


def fold(name: str) -> str:
    return name.replace("-", "_").lower()


def over(file: Document, environ: Mapping[str, str]) -> Document:
    """Returns the file with our variables over it."""
    given: dict[Loc, tuple[str, str]] = {}
    problems: list[Problem] = []
    for variable, value in sorted(environ.items(), key=lambda item: fold(item[0])):
        if not variable.upper().startswith(PREFIX) or _is_service_link(variable, value):
            continue
        loc = _location(variable, file.tree)
        if len(loc) == 1 and loc[0].startswith(GROUPS):
            problems.append((variable, f'names a group of options; write "__" between levels: {EXAMPLE}'))
        elif rivals := [given[loc[:depth]] for depth in range(1, len(loc) + 1) if loc[:depth] in given]:
            problems.append((variable, f"sets the same as {rivals[0][0]}, or something inside it; keep one of the two"))
        else:
            given[loc] = variable, value
    return _laid_over(replace(file, problems=(*file.problems, *problems)), given)


def first_run(given: Document, environ: Mapping[str, str], platforms: Iterable[Platform]) -> Document:
    """Adds the source that a platform's own variables define, if no sources are configured; notes what happened."""
    for platform in platforms:
        name, key, url = platform.name, platform.key_variable, platform.url_variable
        if not environ.get(key, "").strip():
            continue  # an empty key counts as not set
        if given.tree.get("sources"):
            return replace(given, notes=(f"{key} is ignored, because sources are configured",))
        options = {"platform": (key, name), "api_key": (key, environ[key]), "base_url": (url, environ.get(url, ""))}
        found = _laid_over(given, {("sources", name, option): each for option, each in options.items()})
        return replace(found, notes=(f'the source "{name}" comes from {key}, because no sources are configured',))
    return given


def _is_service_link(variable: str, value: str) -> bool:
    """Kubernetes sets these in every pod beside a Service whose name starts with `chat-usage`, as our chart's does."""
    if DOWN in variable:
        return False
    return bool(_SERVICE_LINK.fullmatch(variable)) or (variable.endswith("_PORT") and "://" in value)


def _location(variable: str, file: Mapping[str, object]) -> tuple[str, ...]:
    found: list[str] = []
    options: object = file
    for part in variable[len(PREFIX) :].split(DOWN):
        known = options if isinstance(options, dict) else {}
        found.append(next((str(each) for each in known if fold(each) == fold(part)), fold(part)))
        options = known.get(found[-1])
    return tuple(found)


def _laid_over(document: Document, given: Mapping[Loc, tuple[str, str]]) -> Document:
    """Returns the document with values, each given as variable and text, in place of its own."""
    if not given:
        return document
    import pydantic_settings as layers  # noqa: PLC0415  30 modules, and most configurations set no variables

    class Layers(layers.BaseSettings):
        tree: dict[str, object] = {}

        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[layers.BaseSettings], *_: object, **__: object
        ) -> tuple[layers.PydanticBaseSettingsSource, ...]:
            """Returns the sources, of which the first one that sets an option counts."""
            trees = (*(_tree(loc, text) for loc, (_, text) in given.items()), document.tree)
            return tuple(layers.InitSettingsSource(settings_cls, {"tree": tree}) for tree in trees)

    places = {loc: variable for loc, (variable, _) in given.items()}
    return replace(document, tree=Layers().tree, places={**document.places, **places})


def _tree(loc: Loc, text: str) -> object:
    tree: object = Variable(text)
    for name in reversed(loc):
        tree = {name: tree}
    return tree
