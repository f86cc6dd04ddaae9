"""ChatCaptain's reports of components: their requests, and how to read the answers.

All wanted components are requested together, and what the answer lacks is requested alone. A component that an
operator describes is read by the operator's expressions only, and never requested alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
from exporter.platforms.chatcaptain.read_component import Readable, Shape, UnreadableError, read, single, unwrapped
from exporter.platforms.reading_builder import ALL, ReadingBuilder, RowKey

DESCRIBED = "overrides"
"""The name of the request for the components that an operator describes."""
NOTHING = {
    Shape.COUNT: single((0.0, None)),
    Shape.TOTAL: single((0.0, None)),
    Shape.MEDIAN: single((None, None)),
    Shape.BREAKDOWN: Readable(()),
}
"""What a component without a value means on a day without use."""
DOCS = 'docs/development/platform-apis.md, "ChatCaptain"'


def newest_first(days: Days) -> Iterator[date]:
    """Yields the newest complete day, the running one, then older ones."""
    newest = sorted(days, reverse=True)
    yield from (*newest[1:2], newest[0], *newest[2:])


def statistics_path(chatbot_id: str, call: str) -> str:
    return f"/v1/chatbots/{quote(chatbot_id, safe='')}/statistics/{call}"


@dataclass(frozen=True, slots=True)
class StatisticsReport(ReportDefaults):
    """The common part of a chatbot's reports; an answer covers one day.

    The id of the chatbot is the company's, too; `path` is an operator's.
    """

    name: str
    day_bytes: int
    measures: tuple[Measure, ...]
    tail: str
    chatbot_id: str = "chatbot"
    company: str = ""
    path: str | None = None

    def equipped(self, account: Account) -> Self:
        """Returns the report of one chatbot; the company is named like the source by default."""
        chatbot_id, company = account.options.get("chatbot_id"), account.options.get("company")
        return replace(self, chatbot_id=str(chatbot_id or ""), company=str(company or account.source))

    @property
    def asks_by_day(self) -> bool:
        return True

    @property
    def invariants(self) -> tuple[str, ...]:
        """Those of Paradigm, always 0, because every release has served these series for every report."""
        return ("with_docs_gt_responses", "likes_dislikes_gt_responses", "active_gt_ever")

    @property
    def parts(self) -> Mapping[str, tuple[Column, ...]]:
        return {ALL: tuple(Column(measure.family) for measure in self.measures if not measure.labels)}

    def request(self, day: LocalDay, params: Mapping[str, str]) -> Request:
        since, until = day.limits
        path = self.path or statistics_path(self.chatbot_id, self.tail)
        return Request(self.name, path, {"from": since, "to": until, **params}, Days(day.day, day.day))

    def builder(self, request: Request, context: Context) -> tuple[ReadingBuilder, RowKey]:
        """Begins the reading of an answer, and returns the key of its row."""
        rows = ReadingBuilder(request.days, context)
        rows.names[self.chatbot_id] = json_values.label(self.company)
        return rows, RowKey(ALL, self.chatbot_id, request.days.first)

    def file(self, rows: ReadingBuilder, key: RowKey, figures: Mapping[Column, float]) -> None:
        if key.day > rows.context.today:
            rows.violate("future_date", key)
        else:
            rows.add(key, figures)


@dataclass(frozen=True, slots=True)
class ComponentReport(StatisticsReport):
    components: tuple[ReportComponent, ...] = ()

    def overridden(self, override: Override) -> "ComponentReport":
        known = {component.name: component for component in self.components}
        intervals = {each.interval_name: each for each in self.components if each.interval is not None}
        for name, where in override.components.items():
            if name not in known and name not in intervals:
                raise ConfigError(f"{self.name} has no component {name}; {remedy(name, (*known, *intervals))}")
            if name in intervals and intervals[name].name in override.components:
                raise ConfigError(f"{name} is asked for instead of {intervals[name].name}; keep one of the two")
            jmespath_component.refuse_misfit(name, where, None if name in intervals else known[name].figure)
        components = tuple(each.described_in(override.components) for each in self.components)
        return replace(self, components=components, path=override.path or self.path)

    def plan(self, days: Days, scope: Scope, discoveries: Discoveries = NO_DISCOVERIES) -> tuple[Request, ...]:
        return tuple(self.question(LocalDay(day, scope.zone), self.components) for day in newest_first(days))

    def question(self, day: LocalDay, wanted: Sequence[ReportComponent], channel: str = "") -> Request:
        """Returns the request for all components of a day (of a channel), and its parts."""
        described = [each for each in wanted if each.described]
        parts = {each.name: self._request(day, [each], channel) for each in wanted if each not in described}
        if described and parts:
            parts[DESCRIBED] = self._request(day, described, channel)
        return replace(self._request(day, wanted, channel), parts=parts if len(parts) > 1 else {})

    def _request(self, day: LocalDay, wanted: Sequence[ReportComponent], channel: str) -> Request:
        numbers = ",".join(str(each.number) for each in wanted)
        params = {"interval": f"{BUCKET.total_seconds():.0f}", "components": numbers}
        request = self.request(day, {**params, "channelId": channel} if channel else params)
        return replace(request, subject=channel, items=tuple(each.name for each in wanted))

    def decode(self, body: bytes, request: Request, context: Context) -> Reading | NeedsDiscovery:
        numbers = [int(number) for number in request.params["components"].split(",")]
        asked = [each for each in self.components if each.number in numbers]
        root = envelope(json_values.parse(body), may_be_null=len(asked) == 1)
        day = LocalDay(request.days.first, context.zone)
        found = {each: _read(each, root, numbers, day) for each in asked}
        readable = {each: what for each, what in found.items() if isinstance(what, Readable)}
        unread = {each: what for each, what in found.items() if isinstance(what, UnreadableError)}
        # Otherwise a missing component may be there under another name.
        may_be_left_out = bool(readable) or unwrapped(root) in ({}, [])
        absent = {
            each
            for each, why in unread.items()
            if why.is_absent or (isinstance(why, NoComponentError) and may_be_left_out)
        }
        values = [value for what in readable.values() for _, (value, _) in what.figures if value is not None]
        if context.quiet or (values and not any(values)):
            readable |= {each: NOTHING[each.figure] for each in absent}
        rows, key = self.builder(request, context)
        if readable:
            before = (json_values.label(request.params["channelId"]),) if "channelId" in request.params else ()
            figures = dict[Column, float]()
            for each, what in readable.items():
                figures |= _figures(each, what, before, rows, key)
            self.file(rows, key, figures)
        return replace(
            rows.reading(),
            unread=tuple(
                self._unread(each, why, root, context)._replace(is_absent=each in absent)
                for each, why in unread.items()
                if each not in readable
            ),
            guesses=frozenset(f"{each.name}: {what.guess}" for each, what in readable.items() if what.guess),
        )

    def _unread(self, component: ReportComponent, why: UnreadableError, root: object, context: Context) -> Unread:
        name = component.option
        place = f"sources.{context.source}.overrides.{self.name}.components.{name}"
        where = f"{context.source}/{self.name}: {name} cannot be read: {why}"
        message = f"{where}. {json_outline.keys(root)} Remedy: set {place} (see {DOCS})"
        return Unread(message, json_outline.outline(root), component.name, component.measure.family)


def _read(component: ReportComponent, root: object, asked: Sequence[int], day: LocalDay) -> Readable | UnreadableError:
    try:
        if component.described is not None:
            return jmespath_component.read(component.described, root, component.figure, day)
        return read(find(root, component, asked), component.figure, day)
    except UnreadableError as error:
        return error


def _figures(
    component: ReportComponent, found: Readable, before: tuple[str, ...], rows: ReadingBuilder, key: RowKey
) -> Mapping[Column, float]:
    """Returns the figures below the label values `before` them, with the read marker of a breakdown."""
    figures: dict[Column, float] = {}
    family = component.measure.family
    for label, number in found.figures:
        figure = rows.figure(number, component.name if label is None else f"{component.name}[]", key)
        if figure is not None:
            column = Column(family, before if label is None else (*before, label))
            figures[column] = figures.get(column, 0.0) + figure
    unread = [label for label, (value, _) in found.figures if value is None]
    if component.figure is Shape.BREAKDOWN and not any(unread):
        figures[Column(family, before)] = READ_IN_PART if unread else READ_COMPLETELY
    return figures
