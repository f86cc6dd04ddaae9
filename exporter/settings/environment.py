"""Lays environment variables over the tree of the file; knows no option.

`CHAT_USAGE_SOURCES__SUPPORT_BOT__POLL__INTERVAL` is sources → support-bot → poll → interval: `__` goes one level
down, case is folded, and `_` in the name of a source or calendar also matches `-`.
"""

import re
from collections.abc import Iterable, Mapping

from exporter.platforms.api import Platform
from exporter.settings.readers import Loc, Variable
from exporter.settings.yaml_file import Document, Place

PREFIX = "CHAT_USAGE_"
DOWN = "__"
GROUPS = ("sources_", "calendars_", "limits_", "label_limits_", "privacy_")
EXAMPLE = "CHAT_USAGE_SOURCES__NAME__POLL__INTERVAL"
_NAME = re.compile(r"(?=.{1,63}$)[a-z0-9]+(?:[-_][a-z0-9]+)*")
_SERVICE_LINK = re.compile(r".*_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)")
_AFTER_THE_FILE = 2**31


def is_name(word: str) -> bool:
    """Returns whether `word` can name a source or a calendar, as a label and in a variable."""
    return bool(_NAME.fullmatch(word))


def fold(name: str) -> str:
    return name.replace("-", "_").lower()


def over(file: Document, environ: Mapping[str, str]) -> Document:
    """Returns the file with our variables over it."""
    given: dict[Loc, tuple[str, str]] = {}
    problems: list[tuple[Place, str]] = []
    for variable, value in sorted(environ.items(), key=lambda item: fold(item[0])):
        if not variable.upper().startswith(PREFIX) or _is_service_link(variable, value):
            continue
        loc, place = _location(variable, file.tree), Place(_AFTER_THE_FILE, variable)
        if len(loc) == 1 and loc[0].startswith(GROUPS):
            problems.append((place, f'names a group of options; write "__" between levels: {EXAMPLE}'))
        elif rivals := [given[loc[:depth]] for depth in range(1, len(loc) + 1) if loc[:depth] in given]:
            problems.append((place, f"sets the same as {rivals[0][0]}, or something inside it; keep one of the two"))
        else:
            given[loc] = variable, value
    return _laid_over(file, given, problems)


def first_run(
    given: Document, environ: Mapping[str, str], platforms: Iterable[Platform]
) -> tuple[Document, tuple[str, ...]]:
    """Adds the source that a platform's own variables define, if no sources are configured; also returns notes.

    An empty key counts as not set.
    """
    for platform in platforms:
        key, url = platform.key_variable, platform.url_variable
        if not environ.get(key, "").strip():
            continue
        if given.tree.get("sources"):
            return given, (f"{key} is ignored, because sources are configured",)
        options = {
            "platform": (key, platform.name),
            "api_key": (key, environ[key]),
            "base_url": (url, environ.get(url, "")),
        }
        found = _laid_over(given, {("sources", platform.name, name): each for name, each in options.items()})
        return found, (f'the source "{platform.name}" comes from {key}, because no sources are configured',)
    return given, ()


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


def _laid_over(
    document: Document, given: Mapping[Loc, tuple[str, str]], problems: Iterable[tuple[Place, str]] = ()
) -> Document:
    """Returns the document with values, each given as variable and text, in place of its own."""
    variables: Mapping[str, object] = {}
    for loc, (_, text) in given.items():
        variables = _with(variables, loc, Variable(text))
    places = {loc: Place(_AFTER_THE_FILE, variable) for loc, (variable, _) in given.items()}
    tree = _merged(variables, document.tree) if given else document.tree
    return Document(document.name, tree, {**document.places, **places}, (*document.problems, *problems))


def _with(tree: Mapping[str, object], loc: Loc, value: object) -> Mapping[str, object]:
    """Returns the tree with a value at `loc`."""
    name, *rest = map(str, loc)
    if rest:
        inner = tree.get(name)
        value = _with(inner if isinstance(inner, dict) else {}, tuple(rest), value)
    return {**tree, name: value}


def _merged(upper: Mapping[str, object], lower: Mapping[str, object]) -> Mapping[str, object]:
    """Merges two trees; where both set an option, the upper one's counts."""
    from pydantic_settings import (  # noqa: PLC0415  30 modules, and most configurations set no variables
        BaseSettings,
        InitSettingsSource,
        PydanticBaseSettingsSource,
    )

    class Layers(BaseSettings):
        tree: dict[str, object] = {}

        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], *_: PydanticBaseSettingsSource, **__: PydanticBaseSettingsSource
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return tuple(InitSettingsSource(settings_cls, {"tree": tree}) for tree in (upper, lower))

    return Layers().tree
