"""Components of ChatCaptain's reports: what each feeds, and where it is in an answer of unknown shape.

In an answer about several components, a component is under its name, in any spelling, or its id; or it is an object in
a list, with the name or id. WRAPPERS may wrap it. An answer about one component needs no key.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace

from exporter.domain.errors import ConfigError
from exporter.domain.model import Measure
from exporter.platforms import json_outline, json_values
from exporter.platforms.api import Component, Expression
from exporter.platforms.chatcaptain import read_component
from exporter.platforms.chatcaptain.read_component import WRAPPERS, Readable, Shape, UnreadableError
from exporter.platforms.chatcaptain.statistics_report import LocalDay
from exporter.platforms.jmespath_fields import Search

FOR_CHANNEL = "_FOR_CHANNEL_ID"
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

    def described_in(self, components: Mapping[str, Component]) -> "ReportComponent":
        """Returns it with an operator's expressions; those for its interval replace it in requests."""
        if self.interval is not None and self.interval_name in components:
            return replace(self, number=self.interval, described=components[self.interval_name])
        return replace(self, described=components.get(self.name))

    @cached_property
    def spellings(self) -> frozenset[str]:
        """Its name with and without the suffix of channels, as `_plain` writes it."""
        return frozenset((_plain(self.name), _plain(self.name.removesuffix(FOR_CHANNEL))))


def read_in(root: object, component: ReportComponent, asked: Collection[int], day: LocalDay) -> Readable:
    """Reads a component in an answer about the ids `asked`; UnreadableError says why it cannot be read."""
    if component.described is None:
        return read_component.read(find(root, component, asked), component.figure, day)
    return _read_described(component.described, root, component.figure, day)


def find(root: object, component: ReportComponent, asked: Collection[int]) -> object:
    """Returns a component's value in an answer about the ids `asked`; UnreadableError if that is ambiguous."""
    for each in _holders(root, _DEEPEST):
        found = _under_key(each, component, asked) if isinstance(each, Mapping) else _in_list(each, component, asked)
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
    if isinstance(root, dict | list):
        yield root
    if isinstance(root, dict):
        for key, value in root.items():
            if depth and key in WRAPPERS:
                yield from _holders(value, depth - 1)


def _under_key(holder: Mapping[str, object], component: ReportComponent, asked: Collection[int]) -> Sequence[object]:
    """Returns what is under the name, else the id; numeric keys that were not all requested are positions or names."""
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


def refuse_misfit(name: str, where: Component, figure: Shape | None) -> None:
    """Raises ConfigError if expressions do not fit the component, which is a series if it has no `figure`."""
    if figure is None and not where.series:
        raise ConfigError(f"{name} is a series; set series, time and value")
    if figure is Shape.BREAKDOWN and not where.items:
        raise ConfigError(f"{name} is a breakdown; set items, label and value")
    if figure is not Shape.BREAKDOWN and where.items:
        raise ConfigError(f"{name} is not a breakdown; leave items and label out")
    if figure is Shape.MEDIAN and where.series:
        raise ConfigError(f"{name} is a median, and medians cannot be combined; set only value")


def _read_described(where: Component, root: object, figure: Shape, day: LocalDay) -> Readable:
    """Reads the whole answer by the expressions; an UnreadableError names one that finds nothing."""
    search = Search()
    if where.items and where.label:
        items = _list("items", where.items, root, search)
        labels = [_label(search.find(where.label, each)) for each in items]
        values = [search.find(where.value, each) for each in items]
        _refuse_nothing(f'label ("{where.label.text}") finds no name', labels)
        _refuse_nothing(f'value ("{where.value.text}") finds nothing', values)
        return read_component.labelled(labels, values)
    if where.series and where.time:
        entries = _list("series", where.series, root, search)
        times = [search.find(where.time, each) for each in entries]
        _refuse_nothing(f'time ("{where.time.text}") finds nothing', times)
        pairs = zip(times, (search.find(where.value, each) for each in entries), strict=True)
        return read_component.single(read_component.buckets(pairs, figure, day))
    found = search.find(where.value, root)
    if found is None and figure is Shape.MEDIAN:  # null on a quiet day, but counted as missing
        return read_component.single((None, "missing"))
    if found is None:
        raise UnreadableError(f'value ("{where.value.text}") finds nothing', is_absent=True)
    return read_component.single(read_component.one(found, figure))


def _list(option: str, expression: Expression, root: object, search: Search) -> list[object]:
    found = search.find(expression, root)
    if not isinstance(found, list):
        instead = "nothing" if found is None else f"{json_outline.outline(found, 1)} instead of a list"
        raise UnreadableError(f'{option} ("{expression.text}") finds {instead}', is_absent=found is None)
    return found


def _refuse_nothing(why: str, found: Sequence[object]) -> None:
    if found and all(each is None for each in found):
        raise UnreadableError(why)


def _label(found: object) -> str | None:
    return json_values.label(str(found)) if isinstance(found, str) or json_values.is_number(found) else None
