"""ChatCaptain's reports of components, of the chatbot or of its channels: requests, and how to read the answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from exporter.domain.errors import ConfigError, SchemaError
from exporter.domain.model import READ_COMPLETELY, READ_IN_PART, Column, Days, Reading, Unread
from exporter.domain.scope import Scope
from exporter.domain.selectors import Selection
from exporter.domain.wording import remedy
from exporter.platforms import json_outline, json_values
from exporter.platforms.api import NO_DISCOVERIES, Context, Discoveries, Discovery, NeedsDiscovery, Override, Request
from exporter.platforms.chatcaptain.find_component import NoComponentError, ReportComponent, read_in, refuse_misfit
from exporter.platforms.chatcaptain.read_component import Readable, Shape, UnreadableError, single, unwrapped
from exporter.platforms.chatcaptain.statistics_report import DOCS, LocalDay, StatisticsReport, envelope, statistics_path
from exporter.platforms.reading_builder import ReadingBuilder, RowKey

CHANNEL_INFO = "chatcaptain_channel_info"
"""The family of channels, and the topic of the discovery with id, name and type of wanted ones."""
CHANNELS = "channels"
"""The label `report` of the request for the list, and the topic of all channels: id and name."""
VOICE_TYPES = frozenset(("voice", "audiocodes"))
"""Types of channels with calls; a guess, undocumented (another call's enum has these two)."""
DESCRIBED = "overrides"  # the name of the request for the components that an operator describes
NOTHING = {
    Shape.COUNT: single((0.0, None)),
    Shape.TOTAL: single((0.0, None)),
    Shape.MEDIAN: single((None, None)),
    Shape.BREAKDOWN: Readable(()),
}
"""What a component without a value means on a day without use."""


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
            refuse_misfit(name, where, None if name in intervals else known[name].figure)
        components = tuple(each.described_in(override.components) for each in self.components)
        return replace(self, components=components, path=override.path or self.path)

    def plan(self, days: Days, scope: Scope, discoveries: Discoveries = NO_DISCOVERIES) -> tuple[Request, ...]:
        return tuple(self.question(day, self.components) for day in LocalDay.newest_first(days, scope.zone))

    def question(self, day: LocalDay, wanted: Sequence[ReportComponent], channel: str = "") -> Request:
        """Returns the request for all components of a day (of a channel), and its parts."""
        described = [each for each in wanted if each.described]
        parts = {each.name: self._request(day, [each], channel) for each in wanted if not each.described}
        if described and parts:
            parts[DESCRIBED] = self._request(day, described, channel)
        return replace(self._request(day, wanted, channel), parts=parts if len(parts) > 1 else {})

    def _request(self, day: LocalDay, wanted: Sequence[ReportComponent], channel: str) -> Request:
        numbers = ",".join(str(each.number) for each in wanted)
        params = {"interval": "86400", "components": numbers}  # seconds of a BUCKET
        request = self.request(day, {**params, "channelId": channel} if channel else params)
        return replace(request, subject=channel, items=tuple(each.name for each in wanted))

    def decode(self, body: bytes, request: Request, context: Context) -> Reading | NeedsDiscovery:
        asked = [each for each in self.components if each.name in request.items]
        numbers = [each.number for each in asked]
        root = envelope(json_values.parse(body), may_be_null=len(asked) == 1)
        day = LocalDay(request.days.first, context.zone)
        readable, unread = dict[ReportComponent, Readable](), dict[ReportComponent, UnreadableError]()
        for each in asked:
            try:
                readable[each] = read_in(root, each, numbers, day)
            except UnreadableError as error:
                unread[each] = error
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
            before = (json_values.label(request.subject),) if request.subject else ()
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
        name = component.interval_name if component.number == component.interval else component.name
        place = f"sources.{context.source}.overrides.{self.name}.components.{name}"
        where = f"{context.source}/{self.name}: {name} cannot be read: {why}"
        message = f"{where}. {json_outline.keys(root)} Remedy: set {place} (see {DOCS})"
        return Unread(message, json_outline.outline(root), component.name, component.measure.family)


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


@dataclass(frozen=True, slots=True)
class ChannelReport(ComponentReport):
    """A component report with one request per wanted channel."""

    channels: Selection = field(default_factory=Selection)

    def assumed_discoveries(self, day: date, subjects: int, *, at_worst: bool = False) -> Discoveries:
        """Returns that many web channels; at worst voice channels."""
        rows = tuple((str(number), "", "voice" if at_worst else "web") for number in range(subjects))
        return {CHANNEL_INFO: Discovery(day, rows)}

    def plan(self, days: Days, scope: Scope, discoveries: Discoveries = NO_DISCOVERIES) -> tuple[Request, ...]:
        """Requests the list of channels unless it is known for the last day, then each channel's days."""
        known = discoveries.get(CHANNEL_INFO)
        if known is None or known.day < days.last:
            path, last = statistics_path(self.chatbot_id, CHANNELS), Days(days.last, days.last)
            return (Request(CHANNELS, path, {}, last, discovery=CHANNEL_INFO),)
        return tuple(
            self.question(day, self._of(kind), channel)
            for day in LocalDay.newest_first(days, scope.zone)
            for channel, _, kind in known.rows
        )

    def decode(self, body: bytes, request: Request, context: Context) -> Reading | NeedsDiscovery:
        if request.discovery != CHANNEL_INFO:
            return ComponentReport.decode(self, body, request, context)
        channels = _listed(envelope(json_values.parse(body)))
        wanted = tuple(row for row in channels if self.channels.wants(row[0], row[1]))
        found = {CHANNEL_INFO: wanted, CHANNELS: tuple(row[:2] for row in channels)}
        return NeedsDiscovery({topic: Discovery(context.today, rows) for topic, rows in found.items()})

    def _of(self, kind: str) -> Sequence[ReportComponent]:
        has_calls = kind.casefold() in VOICE_TYPES
        return [each for each in self.components if has_calls or not each.voice]


def _listed(root: object) -> tuple[tuple[str, str, str], ...]:
    """Reads the documented list of channels; the last one of an id counts."""
    listed = root.get("channels") if isinstance(root, dict) else None
    if not isinstance(listed, list):
        raise SchemaError(f'expected an object with a list "channels". {json_outline.keys(root)}')
    found: dict[str, tuple[str, str, str]] = {}
    for each in listed:
        identity = json_values.identity(each.get("channelId"))[0] if isinstance(each, dict) else None
        if identity is not None:
            name, kind = (json_values.name(each.get(key))[0] for key in ("channelName", "channelType"))
            found[identity] = identity, name, kind
    if listed and not found:
        raise SchemaError(f'none of {len(listed)} channels has a "channelId"; compare with {DOCS}')
    return tuple(found.values())
