"""`make docs`: prints config/exporter.example.yml, with each option's description from the option classes.

usage: VENV/bin/python -m tools.options
"""

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import pairwise
from typing import get_origin

from pydantic.fields import FieldInfo

from exporter.platforms.api import Platform
from exporter.platforms.registry import platforms as installed
from exporter.settings.option_groups import Group, group_of, is_listed
from exporter.settings.options import options_of, own_options

_NAMES = {
    "sources": "production",
    "overrides": "tools",
    "calendars": "default",
    "components": "CONVERSATION_COUNT",
}
"""Name of the example's only entry in each group with names."""
_OFF = ("components",)
"""Groups that the platform of the example's first source does not have."""
_SECOND = "support-bot"
_WIDTH = 100
_HEAD = """\
Every option of chat-usage-exporter, with its meaning and its default. Options that are commented out are not set by \
default. Environment variables override this file: \
CHAT_USAGE_SOURCES__PRODUCTION__POLL__INTERVAL=30m sets sources.production.poll.interval.
This file is generated: make docs."""


def example(platforms: Mapping[str, Platform]) -> str:
    return "\n".join([*_comment(_HEAD), *_written(options_of(platforms), tuple(_others(platforms)))]) + "\n"


def is_named(field: FieldInfo) -> bool:
    """Returns whether the option holds entries by name."""
    return get_origin(field.annotation) is dict and group_of(field) is not None


def walk(group: type[Group], way: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], FieldInfo, str]]:
    """Yields every option with its path and its meaning, groups before their options.

    In a path, `NAME` stands for the name of an entry, `N` for its index in a list.
    """
    described = meanings(group)
    for name, field in group.model_fields.items():
        yield (*way, name), field, described[name]
        if inner := group_of(field):
            entry = ["NAME"] if is_named(field) else ["N"] if is_listed(field) else []
            yield from walk(inner, (*way, name, *entry))


def meanings(group: type[Group]) -> dict[str, str]:
    """Returns the docstrings below the options, or the descriptions of options that are generated from data.

    pydantic can read docstrings too, but would do so at each start, which would then take a third longer.
    """
    found = {name: field.description or "" for name, field in group.model_fields.items()}
    for each in (each for each in group.__mro__ if issubclass(each, Group)):  # pydantic's are long, without options
        with suppress(OSError, TypeError):  # a generated class has no source code
            body = ast.parse(inspect.getsource(each)).body[0].body  # type: ignore[attr-defined]  # a class definition
            for declared, text in pairwise(body):
                if isinstance(declared, ast.AnnAssign) and isinstance(text, ast.Expr):
                    found[ast.unparse(declared.target)] = " ".join(ast.literal_eval(text.value).split())
    return found


def _with_own(platforms: Mapping[str, Platform]) -> Iterator[Platform]:
    return (platform for platform in platforms.values() if platform.options)


def _others(platforms: Mapping[str, Platform]) -> Iterator[str]:
    """Yields another source for each platform with its own options: these, and required ones."""
    for number, platform in enumerate(_with_own(platforms)):
        yield from _comment(f"{platform.title} has its own options; all others are as above.")
        yield f"{_SECOND}{f'-{number + 1}' if number else ''}:"
        yield f"  platform: {platform.name}"
        yield f"  api_key_file: /run/secrets/{platform.name}"
        yield from _indented(_written(own_options(platform.options)))


def _written(group: type[Group], others: tuple[str, ...] = ()) -> Iterator[str]:
    described = meanings(group)
    for name, field in group.model_fields.items():
        if others:
            yield ""
        yield from _comment(described[name])
        inner = group_of(field)
        if inner is None:
            yield f"{'# ' if _is_off(name, field) else ''}{name}: {_value(field)}"
            continue
        lines = [f"{name}:", *_indented(_entries(name, field, inner))]
        yield from (f"# {line}" for line in lines) if is_listed(field) or name in _OFF else lines
        if name == "sources":
            yield from _indented(list(others))


def _entries(name: str, field: FieldInfo, inner: type[Group]) -> Iterator[str]:
    if is_named(field):
        yield f"{_NAMES[name]}:"
        yield from _indented(_written(inner))
    elif is_listed(field):
        yield "-"
        yield from _indented(_written(inner))
    else:
        yield from _written(inner)


def _indented(lines: Iterator[str] | list[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)


def _comment(text: str) -> Iterator[str]:
    for paragraph in text.split("\n"):
        yield from textwrap.wrap(paragraph, _WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)


def _is_off(name: str, field: FieldInfo) -> bool:
    """Options without a default are commented out, except one of the two ways to set the key."""
    return field.default is None and name != "api_key_file"


def _value(field: FieldInfo) -> str:
    value = field.examples[0] if field.examples else field.default
    if isinstance(value, list):
        return "[" + ", ".join(item if item.isalnum() else f'"{item}"' for item in value) + "]"
    return f'"{value}"' if value == "*" else str(value)


if __name__ == "__main__":
    sys.stdout.write(example(installed()))
