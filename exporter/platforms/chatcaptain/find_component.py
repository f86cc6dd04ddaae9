"""Components of ChatCaptain's reports: what each feeds, and where it is in an answer of unknown shape.

In an answer about several components, a component is under its name, in any spelling, or its id; or it is an object in
a list, with the name or id. `data`, `report`, `components` or `result` may wrap it. An answer about one component
needs no key.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace

from exporter.domain.errors import PlatformError, SchemaError
from exporter.domain.model import Measure
from exporter.domain.text import printable
from exporter.platforms import json_outline, json_values
from exporter.platforms.api import Component
from exporter.platforms.chatcaptain.read_component import WRAPPERS, Shape, UnreadableError

FOR_CHANNEL = "_FOR_CHANNEL_ID"
LONGEST_ERROR = 200
_DEEPEST = 4
_ID_FIELDS = frozenset(("id", "component", "componentid", "key", "name", "type"))
_ID = re.compile(r"[0-9]{1,2}", re.ASCII)
_NOT_A_LETTER = re.compile(r"[^a-z0-9]+")


class NoComponentError(UnreadableError):
    """The answer does not name a component."""


class ReportComponent(Struct, frozen=True, dict=True):
    """A component: its name and id in its report, its measure and shape, and whether only `voice` channels have it.

    `interval` is the id of the component with the same figure per interval. `described` are an operator's expressions.
    """

    name: str
    number: int
    measure: Measure
    figure: Shape = Shape.COUNT
    voice: bool = False
    interval: int | None = None
    described: Component | None = None

    @property
    def interval_name(self) -> str:
        stem = self.name.removesuffix(FOR_CHANNEL)
        return f"{stem}_INTERVAL{self.name[len(stem) :]}"

    @property
    def option(self) -> str:
        """The name that an operator describes it under."""
        return self.interval_name if self.number == self.interval else self.name

    def described_in(self, components: Mapping[str, Component]) -> "ReportComponent":
        """Returns it with an operator's expressions; those for its interval replace it in requests."""
        if self.interval is not None and self.interval_name in components:
            return replace(self, number=self.interval, described=components[self.interval_name])
        return replace(self, described=components.get(self.name))

    @cached_property
    def spellings(self) -> frozenset[str]:
        """Its name with and without the suffix of channels, as `_plain` writes it."""
        return frozenset((_plain(self.name), _plain(self.name.removesuffix(FOR_CHANNEL))))


def envelope(root: object, *, may_be_null: bool = False) -> object:
    """Returns an answer without its `error`; null data is a failure, unless it `may_be_null`.

    Raises PlatformError (there is an error; other content is ignored) and SchemaError (no object, list or data).
    """
    if not isinstance(root, dict):
        if root is None or isinstance(root, str | bool):
            raise SchemaError(
                f"expected an object, got {json_outline.summary(root)}; compare with docs/development/platform-apis.md"
            )
        return root
    error = root.get("error")
    if isinstance(error, dict | list | str | bool) and error and not (isinstance(error, str) and error.isspace()):
        raise PlatformError(f"the platform answers with an error: {_said(error, root.get('message'))}")
    if root.get("data", root) is None and not may_be_null:
        raise SchemaError('"data" is null, without an error; ask the operator of the platform why')
    return {key: value for key, value in root.items() if key != "error" or json_values.is_number(value)}


def _said(error: object, message: object) -> str:
    """Returns an error's text in one printable line, without names and figures."""
    said = error.get("message", error.get("code")) if isinstance(error, dict) else error
    words = [text for text in (said, message) if isinstance(text, str) and text.strip()]
    line = printable(" ".join(": ".join(dict.fromkeys(words)).split()))
    return line[:LONGEST_ERROR] + ("…" if len(line) > LONGEST_ERROR else "") or "(no text)"


def find(root: object, component: ReportComponent, asked: Collection[int]) -> object:
    """Returns a component's value in an answer about the ids `asked`; UnreadableError if that is ambiguous."""
    for holder in _holders(root, _DEEPEST):
        if isinstance(holder, Mapping):
            found = _under_key(holder, component, asked)
        else:
            found = _in_list(holder, component, asked)
        if len(found) == 1:
            return found[0]
        if found and len(asked) > 1:
            raise UnreadableError("it occurs more than once")
        if found:
            break
    if len(asked) == 1:
        return root
    raise NoComponentError("neither its name nor its id is in the answer")


def _holders(root: object, depth: int) -> Iterator[Mapping[str, object] | Sequence[object]]:
    if isinstance(root, list):
        yield root
    elif isinstance(root, dict):
        yield root
        for key, value in root.items():
            if depth and key in WRAPPERS:
                yield from _holders(value, depth - 1)


def _under_key(holder: Mapping[str, object], component: ReportComponent, asked: Collection[int]) -> Sequence[object]:
    """Returns what is under the name, else under the id.

    Numeric keys are ids only if each of them was requested; else they may be positions or names.
    """
    named = [value for key, value in holder.items() if _plain(key) in component.spellings]
    number, ids = str(component.number), {key for key in holder if key.isdecimal()}
    if named or number not in holder or not ids <= {str(each) for each in asked}:
        return named
    may_be_a_name = component.figure is Shape.BREAKDOWN and json_values.is_number(holder[number])
    return [] if may_be_a_name else [holder[number]]


def _in_list(holder: Sequence[object], component: ReportComponent, asked: Collection[int]) -> Sequence[object]:
    """Returns the objects with the name, else those with the id, without the identifying field."""
    items = [each for each in holder if isinstance(each, dict)]
    named = [each for each in items if any(_is_named(value, component) for value in each.values())]
    if not named:
        ids = [_id_of(each) for each in items]
        if len(set(ids)) == len(holder) and set(ids) <= set(asked):
            named = [each for each, number in zip(items, ids, strict=True) if number == component.number]
    return [{key: value for key, value in each.items() if not _tells(key, value, component)} for each in named]


def _is_named(value: object, component: ReportComponent) -> bool:
    return isinstance(value, str) and _plain(value) in component.spellings


def _id_of(item: Mapping[str, object]) -> int | None:
    found = {_as_id(value) for key, value in item.items() if _plain(key) in _ID_FIELDS} - {None}
    return found.pop() if len(found) == 1 else None


def _as_id(value: object) -> int | None:
    if isinstance(value, str) and _ID.fullmatch(value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _tells(key: str, value: object, component: ReportComponent) -> bool:
    is_id = _plain(key) in _ID_FIELDS and _as_id(value) == component.number
    return _is_named(value, component) or is_id


def _plain(text: str) -> str:
    """Normalises a name: CONVERSATION_COUNT, conversationCount and conversation-count become equal."""
    return _NOT_A_LETTER.sub("", text.casefold())
