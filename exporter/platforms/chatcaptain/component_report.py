"""The reports of ChatCaptain whose answers depend on the components that are asked for: how to ask and read them.

All wanted components are asked for together; what the answer does not yield is asked for alone, for the rest of the
day. An operator's expressions are the last word for a component, which then is never asked for alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from difflib import get_close_matches
from urllib.parse import quote

from exporter.domain.errors import ConfigError
from exporter.domain.model import Column, Days, Measure, Reading, Unread
from exporter.domain.scope import Scope
from exporter.platforms import json_outline, json_values
from exporter.platforms.api import (
    NO_DISCOVERIES,
    Account,
    Component,
    Context,
    Discoveries,
    Discovery,
    NeedsDiscovery,
    Override,
    ReportDefaults,
    Request,
)
from exporter.platforms.chatcaptain import jmespath_component
from exporter.platforms.chatcaptain.day_bounds import BUCKET, LocalDay
from exporter.platforms.chatcaptain.find_component import ReportComponent, envelope, find
from exporter.platforms.chatcaptain.read_component import Found, Shape, Unreadable, read
from exporter.platforms.reading_builder import ReadingBuilder, RowKey

ALL = "all"
"""The only part of every report."""
ALONE, VOICE_ALONE = "alone", "voice-alone"
"""The topics of what was discovered to need a question of its own: of every channel, and of voice channels only."""
DOCS = 'docs/platform-apis.md, "ChatCaptain"'


def newest_first(days: Days) -> Iterator[date]:
    """Yields the newest complete day, the running one, then the older ones, as far back as they go."""
    newest = sorted(days, reverse=True)
    yield from (*newest[1:2], newest[0], *newest[2:])


@dataclass(frozen=True, slots=True)
class Chatbot:
    """Whose figures a report has: the id in the paths, which is the company's id, and the company's name."""

    identity: str = "chatbot"
    company: str = ""

    def path(self, tail: str) -> str:
        """Returns the path of one of its statistics."""
        return f"/v1/chatbots/{quote(self.identity, safe='')}/statistics/{tail}"


@dataclass(frozen=True, slots=True)
class StatisticsReport(ReportDefaults):
    """What all reports of a chatbot share; the answer about one day has no days of its own.

    `path` is an operator's.
    """

    name: str
    day_bytes: int
    measures: tuple[Measure, ...]
    tail: str
    chatbot: Chatbot = field(default_factory=Chatbot)
    path: str | None = None

    @property
    def asks_by_day(self) -> bool:
        """One request asks for one day."""
        return True

    @property
    def invariants(self) -> tuple[str, ...]:
        """Those of Paradigm, which are always 0 here: every release has served these series of every report."""
        return ("with_docs_gt_responses", "likes_dislikes_gt_responses", "active_gt_ever")

    @property
    def parts(self) -> Mapping[str, tuple[Column, ...]]:
        """One part, with the columns that have no label."""
        return {ALL: tuple(Column(measure.family) for measure in self.measures if not measure.labels)}

    def request(self, day: LocalDay, params: Mapping[str, str], subject: str = "") -> Request:
        """Asks for one day."""
        since, until = day.limits
        limits = {"from": since, "to": until}
        path = self.path or self.chatbot.path(self.tail)
        return Request(self.name, path, {**limits, **params}, Days(day.day, day.day), subject=subject)

    def builder(self, request: Request, context: Context) -> tuple[ReadingBuilder, RowKey]:
        """Begins the reading of an answer, and returns what its row is filed under."""
        rows = ReadingBuilder(request.days, context)
        rows.names[self.chatbot.identity] = json_values.label(self.chatbot.company)
        return rows, RowKey(ALL, self.chatbot.identity, request.days.first)

    def file(self, rows: ReadingBuilder, key: RowKey, figures: Mapping[Column, float]) -> None:
        """Files the one row of an answer."""
        if key.day > rows.context.today:
            rows.violate("future_date", key)
        else:
            rows.add(key, figures)


@dataclass(frozen=True, slots=True)
class ComponentReport(StatisticsReport):
    """A report of components; `mapped` are an operator's expressions by the component's name, or its interval's."""

    components: tuple[ReportComponent, ...] = ()
    mapped: Mapping[str, Component] = field(default_factory=dict)

    def overridden(self, override: Override) -> "ComponentReport":
        """Returns the report as an operator describes it.

        Raises:
            ConfigError: an expression is for no component of the report, or does not fit it.
        """
        known = {component.name: component for component in self.components}
        intervals = {each.interval_name: each for each in self.components if each.interval is not None}
        for name, where in override.components.items():
            if name not in known and name not in intervals:
                near = get_close_matches(name.upper(), (*known, *intervals), 1, 0.0)[0]
                raise ConfigError(f"{self.name} reads no component {name}; did you mean {near}?")
            if name in intervals and intervals[name].name in override.components:
                raise ConfigError(f"{name} is asked for instead of {intervals[name].name}; keep one of the two")
            jmespath_component.refuse_misfit(name, where, None if name in intervals else known[name].figure)
        return replace(self, mapped=override.components, path=override.path or self.path)

    def equipped(self, account: Account) -> "ComponentReport":
        """Returns the report of one chatbot."""
        return replace(self, chatbot=chatbot_of(account))

    def assumed_discoveries(self, day: date, subjects: int, *, at_worst: bool = False) -> Discoveries:
        """At worst each component has to be asked for alone."""
        return self._discoveries(day, self._free()) if at_worst else {}

    def plan(self, days: Days, scope: Scope, discoveries: Discoveries = NO_DISCOVERIES) -> tuple[Request, ...]:
        """Asks for each day, for all components at once but those that it has to ask for alone."""
        alone = self.alone(days, discoveries)
        local = (LocalDay(day, scope.zone) for day in newest_first(days))
        return tuple(request for day in local for request in self.questions(day, self.components, alone))

    def alone(self, days: Days, discoveries: Discoveries) -> frozenset[str]:
        """Returns the names of what is asked for alone; what was discovered on an earlier day counts no more."""
        found = (discoveries.get(topic) for topic in (ALONE, VOICE_ALONE))
        return frozenset(
            row[0] for discovery in found if discovery and discovery.day >= days.last for row in discovery.rows
        )

    def questions(
        self, day: LocalDay, wanted: Sequence[ReportComponent], alone: frozenset[str], channel: str = ""
    ) -> Iterator[Request]:
        """Yields the questions about a day, of a channel if one is given."""
        apart = [each for each in wanted if each.name in alone and self._mapping(each) is None]
        together = [each for each in wanted if each not in apart]
        if together:
            yield self._question(day, together, channel, channel)
        for each in apart:
            yield self._question(day, [each], channel, f"{channel}/{each.name}" if channel else each.name)

    def _question(self, day: LocalDay, wanted: Sequence[ReportComponent], channel: str, subject: str) -> Request:
        params = {"interval": str(BUCKET), "components": ",".join(str(self._asked_as(each)) for each in wanted)}
        return self.request(day, {**params, "channelId": channel} if channel else params, subject)

    def _asked_as(self, component: ReportComponent) -> int:
        by_interval = component.interval is not None and component.interval_name in self.mapped
        return component.interval if by_interval and component.interval is not None else component.number

    def _mapping(self, component: ReportComponent) -> tuple[str, Component] | None:
        """Returns an operator's expressions for a component, with the name that they have in the configuration."""
        for name in (component.name, component.interval_name):
            if name in self.mapped:
                return name, self.mapped[name]
        return None

    def _free(self) -> tuple[ReportComponent, ...]:
        """Returns the components that no operator describes."""
        return tuple(each for each in self.components if self._mapping(each) is None)

    def _discoveries(self, day: date, alone: Sequence[ReportComponent]) -> Discoveries:
        topics = {topic: [c for c in alone if c.voice == (topic == VOICE_ALONE)] for topic in (ALONE, VOICE_ALONE)}
        return {
            topic: Discovery(day, tuple((each.name,) for each in names)) for topic, names in topics.items() if names
        }

    def decode(self, body: bytes, request: Request, context: Context) -> Reading | NeedsDiscovery:
        """Reads one answer; see `exporter.platforms.api.Report.decode`."""
        numbers = [int(number) for number in request.params["components"].split(",")]
        asked = [each for each in self.components if self._asked_as(each) in numbers]
        is_median = [each.figure for each in asked] == [Shape.MEDIAN]
        root = envelope(json_values.parse(body), may_be_null=is_median)
        day = LocalDay(request.days.first, context.zone)
        found = {each: self._read(each, root, numbers, day) for each in asked}
        unread = {each: found[each] for each in asked if isinstance(found[each], Unreadable)}
        lost = [each for each in unread if self._mapping(each) is None]
        if lost and len(asked) > 1:
            return NeedsDiscovery(self._discoveries(context.today, self._to_ask_alone(lost, asked)))
        rows, key = self.builder(request, context)
        before = (json_values.label(request.params["channelId"]),) if "channelId" in request.params else ()
        figures: dict[Column, float] = {}
        for each, what in found.items():
            if isinstance(what, Found):
                _take(each, what, figures, (before, rows, key))
        if len(unread) < len(asked):
            self.file(rows, key, figures)
        complaints = tuple(self._unread(each, unreadable, root, context) for each, unreadable in unread.items())
        return replace(rows.reading(frozenset({ALL}), ()), unread=complaints)

    def _to_ask_alone(
        self, lost: Sequence[ReportComponent], asked: Sequence[ReportComponent]
    ) -> tuple[ReportComponent, ...]:
        """Returns what was asked for alone before and what is lost now; of voice components if one of them is lost."""
        kinds = {each.voice for each in lost}
        return tuple(each for each in self._free() if each.voice in kinds and (each in lost or each not in asked))

    def _read(
        self, component: ReportComponent, root: object, asked: Sequence[int], day: LocalDay
    ) -> Found | Unreadable:
        described = self._mapping(component)
        if described is not None:
            return jmespath_component.read(described[1], root, component.figure, day)
        value = find(root, component, asked)
        if isinstance(value, Unreadable) and len(asked) == 1:
            value = root
        return value if isinstance(value, Unreadable) else read(value, component.figure, day)

    def _unread(
        self, component: ReportComponent, unreadable: Found | Unreadable, root: object, context: Context
    ) -> Unread:
        described = self._mapping(component)
        name = described[0] if described else component.name
        place = f"sources.{context.source}.overrides.{self.name}.components.{name}"
        why = unreadable.why if isinstance(unreadable, Unreadable) else ""
        where = f"{context.source}/{self.name}: {name} cannot be read: {why}"
        return Unread(
            f"{where}. {json_outline.keys(root)} Remedy: set {place} (see {DOCS})", json_outline.outline(root), name
        )


def chatbot_of(account: Account) -> Chatbot:
    """Returns whose figures a source's reports have; the company is called as the source is, if nothing is said."""
    return Chatbot(str(account.options.get("chatbot_id") or ""), str(account.options.get("company") or account.source))


def _take(
    component: ReportComponent,
    found: Found,
    figures: dict[Column, float],
    place: tuple[tuple[str, ...], ReadingBuilder, RowKey],
) -> None:
    """Adds figures to a row, under the label values `before` them, and notes that a break-down was read at all."""
    before, rows, key = place
    for label, number in found.figures:
        figure = rows.figure(number, component.name if label is None else f"{component.name}[]", key)
        column = Column(component.family, before if label is None else (*before, label))
        if figure is not None:
            figures[column] = figures.get(column, 0.0) + figure
    if component.figure is Shape.BREAKDOWN and all(label is not None for label, _ in found.figures):
        figures[Column(component.family, before)] = 1.0  # what the row lacks counts 0: Measure.needs_read_marker
