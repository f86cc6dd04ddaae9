"""ChatCaptain's reports of requested components: how to ask for and read them.

All wanted components are asked for together, and what the answer lacks is asked for alone. An operator's expressions
decide about a component, which then is never asked for alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Self
from urllib.parse import quote

from exporter.domain.errors import ConfigError
from exporter.domain.model import READ_COMPLETELY, READ_IN_PART, Column, Days, Measure, Reading, Unread
from exporter.domain.nearest import remedy
from exporter.domain.scope import Scope
from exporter.platforms import json_outline, json_values
from exporter.platforms.api import (
    NO_DISCOVERIES,
    Account,
    Component,
    Context,
    Discoveries,
    NeedsDiscovery,
    Override,
    ReportDefaults,
    Request,
)
from exporter.platforms.chatcaptain import jmespath_component
from exporter.platforms.chatcaptain.day_bounds import BUCKET, LocalDay
from exporter.platforms.chatcaptain.find_component import NoComponentError, ReportComponent, envelope, find
from exporter.platforms.chatcaptain.read_component import NO_MEDIAN, Readable, Shape, UnreadableError, read, unwrapped
from exporter.platforms.reading_builder import ReadingBuilder, RowKey

ALL = "all"
"""The only part of every report."""
DESCRIBED = "overrides"
"""The part of a request for all components that an operator describes."""
NOTHING = {
    Shape.COUNT: Readable(((None, (0.0, None)),)),
    Shape.TOTAL: Readable(((None, (0.0, None)),)),
    Shape.MEDIAN: NO_MEDIAN,
    Shape.BREAKDOWN: Readable(()),
}
"""The value of a component without one on a day without use."""
DOCS = 'docs/development/platform-apis.md, "ChatCaptain"'


def newest_first(days: Days) -> Iterator[date]:
    """Yields the newest complete day, the running one, then older ones."""
    newest = sorted(days, reverse=True)
    yield from (*newest[1:2], newest[0], *newest[2:])


@dataclass(frozen=True, slots=True)
class Chatbot:
    """The chatbot of a report: its id in paths is the company's id."""

    identity: str = "chatbot"
    company: str = ""

    def path(self, tail: str) -> str:
        return f"/v1/chatbots/{quote(self.identity, safe='')}/statistics/{tail}"


@dataclass(frozen=True, slots=True)
class StatisticsReport(ReportDefaults):
    """The common part of a chatbot's reports; an answer covers one day. `path` is an operator's."""

    name: str
    day_bytes: int
    measures: tuple[Measure, ...]
    tail: str
    chatbot: Chatbot = field(default_factory=Chatbot)
    path: str | None = None

    def equipped(self, account: Account) -> Self:
        """Returns the report of one chatbot; the company is named like the source by default."""
        identity, company = account.options.get("chatbot_id"), account.options.get("company")
        return replace(self, chatbot=Chatbot(str(identity or ""), str(company or account.source)))

    @property
    def asks_by_day(self) -> bool:
        return True

    @property
    def invariants(self) -> tuple[str, ...]:
        """Those of Paradigm, always 0: every release has served these series for every report."""
        return ("with_docs_gt_responses", "likes_dislikes_gt_responses", "active_gt_ever")

    @property
    def parts(self) -> Mapping[str, tuple[Column, ...]]:
        return {ALL: tuple(Column(measure.family) for measure in self.measures if not measure.labels)}

    def request(self, day: LocalDay, params: Mapping[str, str], subject: str = "") -> Request:
        since, until = day.limits
        limits = {"from": since, "to": until}
        path = self.path or self.chatbot.path(self.tail)
        return Request(self.name, path, {**limits, **params}, Days(day.day, day.day), subject=subject)

    def builder(self, request: Request, context: Context) -> tuple[ReadingBuilder, RowKey]:
        """Begins the reading of an answer, and returns the key of its row."""
        rows = ReadingBuilder(request.days, context)
        rows.names[self.chatbot.identity] = json_values.label(self.chatbot.company)
        return rows, RowKey(ALL, self.chatbot.identity, request.days.first)

    def file(self, rows: ReadingBuilder, key: RowKey, figures: Mapping[Column, float]) -> None:
        if key.day > rows.context.today:
            rows.violate("future_date", key)
        else:
            rows.add(key, figures)


@dataclass(frozen=True, slots=True)
class ComponentReport(StatisticsReport):
    """A report of components; `mapped` are an operator's expressions by component (or its interval's) name."""

    components: tuple[ReportComponent, ...] = ()
    mapped: Mapping[str, Component] = field(default_factory=dict)

    def overridden(self, override: Override) -> "ComponentReport":
        known = {component.name: component for component in self.components}
        intervals = {each.interval_name: each for each in self.components if each.interval is not None}
        for name, where in override.components.items():
            if name not in known and name not in intervals:
                raise ConfigError(f"{self.name} has no component {name}; {remedy(name, (*known, *intervals))}")
            if name in intervals and intervals[name].name in override.components:
                raise ConfigError(f"{name} is asked for instead of {intervals[name].name}; keep one of the two")
            jmespath_component.refuse_misfit(name, where, None if name in intervals else known[name].figure)
        return replace(self, mapped=override.components, path=override.path or self.path)

    def plan(self, days: Days, scope: Scope, discoveries: Discoveries = NO_DISCOVERIES) -> tuple[Request, ...]:
        return tuple(self.question(LocalDay(day, scope.zone), self.components) for day in newest_first(days))

    def question(self, day: LocalDay, wanted: Sequence[ReportComponent], channel: str = "") -> Request:
        """Asks about a day (of a channel) for all components at once, or in parts."""
        described = [each for each in wanted if self._mapping(each) is not None]
        parts = {each.name: self._request(day, [each], channel) for each in wanted if each not in described}
        if described and parts:
            parts[DESCRIBED] = self._request(day, described, channel)
        return replace(self._request(day, wanted, channel), parts=parts if len(parts) > 1 else {})

    def _request(self, day: LocalDay, wanted: Sequence[ReportComponent], channel: str) -> Request:
        params = {"interval": str(BUCKET), "components": ",".join(str(self._asked_as(each)) for each in wanted)}
        request = self.request(day, {**params, "channelId": channel} if channel else params, channel)
        return replace(request, items=tuple(each.name for each in wanted))

    def _asked_as(self, component: ReportComponent) -> int:
        by_interval = component.interval is not None and component.interval_name in self.mapped
        return component.interval if by_interval and component.interval is not None else component.number

    def _mapping(self, component: ReportComponent) -> tuple[str, Component] | None:
        """Returns an operator's expressions for a component, with its name in the configuration."""
        for name in (component.name, component.interval_name):
            if name in self.mapped:
                return name, self.mapped[name]
        return None

    def decode(self, body: bytes, request: Request, context: Context) -> Reading | NeedsDiscovery:
        numbers = [int(number) for number in request.params["components"].split(",")]
        asked = [each for each in self.components if self._asked_as(each) in numbers]
        root = envelope(json_values.parse(body), may_be_null=len(asked) == 1)
        found = {each: self._read(each, root, numbers, LocalDay(request.days.first, context.zone)) for each in asked}
        rows, key = self.builder(request, context)
        before = (json_values.label(request.params["channelId"]),) if "channelId" in request.params else ()
        figures, read = dict[Column, float](), list[float]()
        for each, what in found.items():
            if isinstance(what, Readable):
                read += _take(each, what, figures, (before, rows, key))
        absent = _absent(found, root)
        if context.quiet or (read and not any(read)):
            for each in absent:
                found[each] = NOTHING[each.figure]
                _take(each, NOTHING[each.figure], figures, (before, rows, key))
        unread = {each: what for each, what in found.items() if isinstance(what, UnreadableError)}
        if len(unread) < len(asked):
            self.file(rows, key, figures)
        complaints = [
            self._unread(*each, root, context)._replace(is_absent=each[0] in absent) for each in unread.items()
        ]
        guesses = {f"{each.name}: {f.guess}" for each, f in found.items() if isinstance(f, Readable) and f.guess}
        reading = rows.reading(frozenset({ALL}), ())
        return replace(reading, unread=tuple(complaints), guesses=frozenset(guesses))

    def _read(
        self, component: ReportComponent, root: object, asked: Sequence[int], day: LocalDay
    ) -> Readable | UnreadableError:
        described = self._mapping(component)
        try:
            if described is not None:
                return jmespath_component.read(described[1], root, component.figure, day)
            return read(find(root, component, asked), component.figure, day)
        except UnreadableError as error:
            return error

    def _unread(self, component: ReportComponent, why: UnreadableError, root: object, context: Context) -> Unread:
        described = self._mapping(component)
        name = described[0] if described else component.name
        place = f"sources.{context.source}.overrides.{self.name}.components.{name}"
        where = f"{context.source}/{self.name}: {name} cannot be read: {why}"
        message = f"{where}. {json_outline.keys(root)} Remedy: set {place} (see {DOCS})"
        return Unread(message, json_outline.outline(root), component.name, component.measure.family)


def _absent(found: Mapping[ReportComponent, Readable | UnreadableError], root: object) -> frozenset[ReportComponent]:
    """Returns the components without a value: missing, null or empty.

    A missing one has no value only if others are found, or the answer is empty; else it may have another name.
    """
    may_be_left_out = any(isinstance(each, Readable) for each in found.values()) or unwrapped(root) in ({}, [])
    return frozenset(
        each
        for each, what in found.items()
        if isinstance(what, UnreadableError)
        and (what.is_absent or (isinstance(what, NoComponentError) and may_be_left_out))
    )


def _take(
    component: ReportComponent,
    found: Readable,
    figures: dict[Column, float],
    place: tuple[tuple[str, ...], ReadingBuilder, RowKey],
) -> list[float]:
    """Adds figures to a row below the label values `before` them, and the read marker of a breakdown."""
    before, rows, key = place
    family, read = component.measure.family, list[float]()
    for label, number in found.figures:
        figure = rows.figure(number, component.name if label is None else f"{component.name}[]", key)
        column = Column(family, before if label is None else (*before, label))
        if figure is not None:
            figures[column] = figures.get(column, 0.0) + figure
            read.append(figure)
    unread = [label for label, (value, _) in found.figures if value is None]
    if component.figure is Shape.BREAKDOWN and not any(unread):
        figures[Column(family, before)] = READ_IN_PART if unread else READ_COMPLETELY
    return read
