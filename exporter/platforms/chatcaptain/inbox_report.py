"""ChatCaptain's documented inbox report: totals of one day of conversations that were handed to people.

{"data": {"transferredToAgentCount": 20, "conversationAcceptedCount": 17, "conversationNotAcceptedCount": 3,
"averageJoinTimeSeconds": 42.5, "agentPerformance": [...]}}
The operators in `agentPerformance` are people and are not read.
"""

from dataclasses import dataclass, replace

from exporter.domain.errors import ConfigError, SchemaError
from exporter.domain.model import Column, Days, Reading
from exporter.domain.scope import Scope
from exporter.platforms import json_outline, json_values
from exporter.platforms.api import NO_DISCOVERIES, Context, Discoveries, Override, Request
from exporter.platforms.chatcaptain.component_report import StatisticsReport, newest_first
from exporter.platforms.chatcaptain.day_bounds import LocalDay
from exporter.platforms.chatcaptain.find_component import envelope

TRANSFERS = "transferredToAgentCount"
ACCEPTED = "conversationAcceptedCount"
NOT_ACCEPTED = "conversationNotAcceptedCount"
JOIN_TIME = "averageJoinTimeSeconds"
OPERATORS = "agentPerformance"


@dataclass(frozen=True, slots=True)
class InboxReport(StatisticsReport):
    """Its measures are transfers, accepted, not accepted, and the mean time to join, in this order."""

    def overridden(self, override: Override) -> "InboxReport":
        if override.components:
            raise ConfigError("the shape of inbox is documented, so only path can be set; leave components out")
        return replace(self, path=override.path or self.path)

    def plan(self, days: Days, scope: Scope, discoveries: Discoveries = NO_DISCOVERIES) -> tuple[Request, ...]:
        """Requests one day at a time, because an answer is a total over its days."""
        return tuple(self.request(LocalDay(day, scope.zone), {}) for day in newest_first(days))

    def decode(self, body: bytes, request: Request, context: Context) -> Reading:
        root = envelope(json_values.parse(body))
        data = root.get("data") if isinstance(root, dict) else None
        if not isinstance(root, dict) or not isinstance(data, dict):
            raise SchemaError(f'expected an object with an object "data". {json_outline.keys(root)}')
        rows, key = self.builder(request, context)
        rows.expect(root, {"data", "error"}, "")
        rows.expect(data, {TRANSFERS, ACCEPTED, NOT_ACCEPTED, JOIN_TIME, OPERATORS}, "data")
        counts = {name: json_values.count(data.get(name)) for name in (TRANSFERS, ACCEPTED, NOT_ACCEPTED)}
        accepted, time = counts[ACCEPTED][0], json_values.number(data.get(JOIN_TIME))
        is_nobody = accepted == 0 or (accepted is None and time[0] == 0)  # who joined: there is no mean time then
        numbers = {**counts, JOIN_TIME: (None, None) if is_nobody else time}
        figures: dict[Column, float] = {}
        for measure, (name, number) in zip(self.measures, numbers.items(), strict=True):
            figure = rows.figure(number, f"data.{name}", key)
            if figure is not None:
                figures[Column(measure.family)] = figure
        operators = data.get(OPERATORS)
        if not isinstance(operators, list):
            rows.note("missing" if operators is None else "retyped", f"data.{OPERATORS}")
        rows.listed += 1
        self.file(rows, key, figures)
        return rows.reading()
