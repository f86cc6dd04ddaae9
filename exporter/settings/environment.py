"""Reads environment variables into the tree that the file has too; knows sections, but no option.

`CHAT_USAGE_SOURCES__SUPPORT_BOT__POLL__INTERVAL` is sources → support-bot → poll → interval: `__` goes one level down,
case is folded, and `_` in the name of a source or calendar finds the one in the file whose name has `-` there.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from exporter.settings.layers import over
from exporter.settings.lists import Variable
from exporter.settings.words import Loc

PREFIX = "CHAT_USAGE_"
DOWN = "__"
FIRST_KEY = "PARADIGM_API_KEY"
FIRST_URL = "PARADIGM_BASE_URL"

_SERVICE_LINK = re.compile(r".*_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)")


@dataclass(frozen=True, slots=True)
class Environment:
    """The variables' tree, the variable of each value by its place, and the problems that are not of one value."""

    tree: Mapping[str, object]
    names: Mapping[Loc, str]
    problems: tuple[str, ...] = ()


def fold(name: str) -> str:
    """Returns the name as an environment variable would have it, in lower case."""
    return name.replace("-", "_").lower()


def read(environ: Mapping[str, str], file: Mapping[str, object]) -> Environment:
    """Reads the variables that are ours; `file` is the tree whose sources and calendars they may reach into."""
    tree: dict[str, object] = {}
    names: dict[Loc, str] = {}
    problems: list[str] = []
    for variable, value in sorted(environ.items(), key=lambda item: fold(item[0])):
        if not variable.upper().startswith(PREFIX) or _is_service_link(variable, value):
            continue
        loc = _place(variable, file)
        if rival := _rival(loc, names):
            problems.append(f"{variable}: says the same as {rival}, or what belongs inside it; keep one of the two")
            continue
        names[loc] = variable
        tree = over(_nested(loc, Variable(value)), tree)
    return Environment(tree, names, tuple(problems))


def first_run(environ: Mapping[str, str]) -> Environment:
    """Returns the one source that LightOn's own variables make; an empty key counts as not set."""
    given = {
        "platform": ("paradigm", FIRST_KEY),
        "api_key": (environ.get(FIRST_KEY, ""), FIRST_KEY),
        "base_url": (environ.get(FIRST_URL, ""), FIRST_URL),
    }
    if not given["api_key"][0].strip():
        return Environment({}, {})
    options = {option: Variable(value) for option, (value, _) in given.items()}
    names: dict[Loc, str] = {("sources", "paradigm", option): name for option, (_, name) in given.items()}
    return Environment({"sources": {"paradigm": options}}, names)


def _is_service_link(variable: str, value: str) -> bool:
    """Kubernetes sets these in every pod beside a Service whose name starts with `chat-usage`, as our chart's does."""
    if DOWN in variable:
        return False
    return bool(_SERVICE_LINK.fullmatch(variable)) or (variable.endswith("_PORT") and "://" in value)


def _place(variable: str, file: Mapping[str, object]) -> Loc:
    way: list[str] = []
    entries: object = file
    for part in variable[len(PREFIX) :].split(DOWN):
        way.append(_known_as(part.lower(), entries))
        entries = entries.get(way[-1]) if isinstance(entries, dict) else None
    return tuple(way)


def _known_as(name: str, entries: object) -> str:
    known = entries if isinstance(entries, dict) else {}
    return next((str(each) for each in known if fold(each) == fold(name)), fold(name))


def _rival(loc: Loc, names: Mapping[Loc, str]) -> str | None:
    return next((names[loc[:depth]] for depth in range(1, len(loc) + 1) if loc[:depth] in names), None)


def _nested(loc: Loc, value: Variable) -> dict[str, object]:
    *way, last = (str(part) for part in loc)
    branch: dict[str, object] = {last: value}
    for part in reversed(way):
        branch = {part: branch}
    return branch
