"""The report of ChatCaptain's channels: their list is requested once a day, then the figures of each channel."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from exporter.domain.errors import SchemaError
from exporter.domain.model import Days, Reading
from exporter.domain.scope import Scope
from exporter.domain.selectors import Selection
from exporter.platforms import json_outline, json_values
from exporter.platforms.api import NO_DISCOVERIES, Account, Context, Discoveries, Discovery, NeedsDiscovery, Request
from exporter.platforms.chatcaptain.component_report import ComponentReport, newest_first, statistics_path
from exporter.platforms.chatcaptain.day_bounds import LocalDay
from exporter.platforms.chatcaptain.find_component import ReportComponent, envelope

CHANNEL_INFO = "chatcaptain_channel_info"
"""The family of channels, and the topic of the discovery with id, name and type of wanted ones."""
CHANNELS = "channels"
"""The label `report` of the request for the list, and the topic of all channels: id and name."""
VOICE_TYPES = frozenset(("voice", "audiocodes"))
"""Types of channels with calls; a guess, undocumented (another call's enum has these two)."""


@dataclass(frozen=True, slots=True)
class ChannelReport(ComponentReport):
    """A component report with one request per wanted channel."""

    channels: Selection = field(default_factory=Selection)

    def equipped(self, account: Account) -> "ChannelReport":
        channels = account.options.get(CHANNELS)
        wanted = channels if isinstance(channels, Selection) else self.channels
        return replace(ComponentReport.equipped(self, account), channels=wanted)

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
            self.question(LocalDay(day, scope.zone), self._of(kind), channel)
            for day in newest_first(days)
            for channel, _, kind in known.rows
        )

    def decode(self, body: bytes, request: Request, context: Context) -> Reading | NeedsDiscovery:
        if request.discovery != CHANNEL_INFO:
            return ComponentReport.decode(self, body, request, context)
        channels = _listed(envelope(json_values.parse(body)))
        wanted = tuple(row for row in channels if self.channels.wants(row[0], row[1]))
        everything = tuple(row[:2] for row in channels)
        return NeedsDiscovery(
            {CHANNEL_INFO: Discovery(context.today, wanted), CHANNELS: Discovery(context.today, everything)}
        )

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
        raise SchemaError(
            f'none of {len(listed)} channels has a "channelId"; compare with docs/development/platform-apis.md'
        )
    return tuple(found.values())
