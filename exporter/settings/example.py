"""Writes what the option classes say of themselves: the example file and the table of the manual."""

import textwrap
from collections.abc import Iterator

from pydantic.fields import FieldInfo

from exporter.settings.groups import Group
from exporter.settings.options import Options, group_of, is_named, walk

_NAMES = {"sources": "production", "overrides": "tools", "calendars": "default"}
"""What the one entry of each group with names is called in the example."""
_WIDTH = 100
_HEAD = """\
Every option of chat-usage-exporter, with its meaning and its default. Lines that are commented out are not set by \
default. Each option can be set in the environment as well, which goes before this file: \
CHAT_USAGE_SOURCES__PRODUCTION__POLL__INTERVAL=30m sets sources.production.poll.interval.
This file is generated: make docs."""


def example() -> str:
    """Returns a configuration file with every option."""
    return "\n".join([*_comment(_HEAD), *_written(Options)]) + "\n"


def table() -> str:
    """Returns every option as a Markdown table."""
    rows = [f"| `{'.'.join(way)}` | {_cell(field)} | {field.description} |" for way, field in walk()]
    return "\n".join(["| Option | Default | Meaning |", "|---|---|---|", *rows]) + "\n"


def _written(group: type[Group]) -> Iterator[str]:
    for name, field in group.model_fields.items():
        if group is Options:
            yield ""
        yield from _comment(field.description or "")
        inner = group_of(field)
        if inner is None:
            yield f"{'# ' if _is_off(name, field) else ''}{name}: {_value(field)}"
            continue
        yield f"{name}:"
        below = [f"{_NAMES[name]}:", *_indented(_written(inner))] if is_named(field) else _written(inner)
        yield from _indented(below)


def _indented(lines: Iterator[str] | list[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)


def _comment(text: str) -> Iterator[str]:
    for paragraph in text.split("\n"):
        yield from textwrap.wrap(paragraph, _WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)


def _is_off(name: str, field: FieldInfo) -> bool:
    """Options without a default are commented out, but one of the two ways to give the key is needed."""
    return field.default is None and name != "api_key_file"


def _value(field: FieldInfo) -> str:
    value = field.examples[0] if field.examples else field.default
    if isinstance(value, list):
        return "[" + ", ".join(item if item.isalnum() else f'"{item}"' for item in value) + "]"
    return str(value)


def _cell(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default is None or group_of(field):
        return ""
    return f"`{_value(field)}`"
