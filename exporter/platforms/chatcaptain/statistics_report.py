"""What ChatCaptain's reports share: URL, local days, the envelope of answers; and the simplest report, inbox."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from urllib.parse import quote
from zoneinfo import ZoneInfo

from exporter.domain import calendars
from exporter.domain.errors import ConfigError, PlatformError, SchemaError
from exporter.domain.model import Column, Days, Measure, Reading
from exporter.domain.scope import Scope
from exporter.domain.wording import one_line
from exporter.platforms import json_outline, json_values
from exporter.platforms.api import NO_DISCOVERIES, Context, Discoveries, Override, ReportDefaults, Request
from exporter.platforms.reading_builder import ALL, ReadingBuilder, RowKey

API = "/v1"
BUCKET = timedelta(days=1)  # even when clocks change: a day of 25 hours begins a second one
LONGEST_ERROR = 200
DOCS = 'docs/development/platform-apis.md, "ChatCaptain"'
ACCEPTED, JOIN_TIME, OPERATORS = "conversationAcceptedCount", "averageJoinTimeSeconds", "agentPerformance"
COUNTS = ("transferredToAgentCount", ACCEPTED, "conversationNotAcceptedCount")


class LocalDay(NamedTuple):
    """A local day as instants: the limits of requests, and the buckets of answers."""

    day: date
    zone: ZoneInfo

    @classmethod
    def newest_first(cls, days: Days, zone: ZoneInfo) -> "list[LocalDay]":
        """Returns the newest complete day, the running one, then older ones."""
        newest = [cls(day, zone) for day in sorted(days, reverse=True)]
        return [*newest[1:2], newest[0], *newest[2:]]

    @property
    def limits(self) -> tuple[str, str]:
        """The first and the last millisecond, in UTC; the end is inclusive, as in the documented samples.

        A day that a zone skipped has no millisecond of its own and is requested as one moment.
        """
        first = calendars.start(self.day, self.zone)
        return _written(first), _written(max(first, calendars.end(self.day, self.zone) - timedelta(milliseconds=1)))

    def begins(self, moment: datetime) -> bool:
        """Returns whether a bucket that starts then is one of this day, cut at its midnight."""
        start = calendars.start(self.day, self.zone)
        return start <= moment < calendars.end(self.day, self.zone) and not (moment - start) % BUCKET


def _written(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def statistics_path(chatbot_id: str, call: str) -> str:
    return f"{API}/chatbots/{quote(chatbot_id, safe='')}/statistics/{call}"


def envelope(root: object, *, may_be_null: bool = False) -> object:
    """Returns an answer without its `error`; null data is a failure, unless it `may_be_null`.

    Raises PlatformError (there is an error; other content is ignored) and SchemaError (no object, list or data).
    """
    if not isinstance(root, dict):
        if root is None or isinstance(root, str | bool):
            raise SchemaError(f"expected an object, got {json_outline.summary(root)}; compare with {DOCS}")
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
    line = one_line(": ".join(dict.fromkeys(words)))
    return line[:LONGEST_ERROR] + ("…" if len(line) > LONGEST_ERROR else "") or "(no text)"


@dataclass(frozen=True, slots=True)
class StatisticsReport(ReportDefaults):
    """What the reports of a chatbot share; its id is also the company's, and `path` is an operator's."""

    name: str
    day_bytes: int
    measures: tuple[Measure, ...]
    tail: str
    chatbot_id: str = "chatbot"
    company: str = ""
    path: str | None = None

    asks_by_day = True
    invariants = ("with_docs_gt_responses", "likes_dislikes_gt_responses", "active_gt_ever")
    """Those of Paradigm, always 0, because every release has served these series for every report."""

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
class InboxReport(StatisticsReport):
    """The documented report of the inbox: totals of conversations that were handed to people.

    {"data": {"transferredToAgentCount": 20, "conversationAcceptedCount": 17, "conversationNotAcceptedCount": 3,
    "averageJoinTimeSeconds": 42.5, "agentPerformance": [...]}}
    The operators in `agentPerformance` are people and are not read. Measures are in the order of these keys.
    """

    def overridden(self, override: Override) -> "InboxReport":
        if override.components:
            raise ConfigError("the shape of inbox is documented, so only path can be set; leave components out")
        return replace(self, path=override.path or self.path)

    def plan(self, days: Days, scope: Scope, discoveries: Discoveries = NO_DISCOVERIES) -> tuple[Request, ...]:
        """Requests one day at a time, because an answer is a total over its days."""
        return tuple(self.request(day, {}) for day in LocalDay.newest_first(days, scope.zone))

    def decode(self, body: bytes, request: Request, context: Context) -> Reading:
        root = envelope(json_values.parse(body))
        data = root.get("data") if isinstance(root, dict) else None
        if not isinstance(root, dict) or not isinstance(data, dict):
            raise SchemaError(f'expected an object with an object "data". {json_outline.keys(root)}')
        rows, key = self.builder(request, context)
        rows.expect(root, {"data", "error"}, "")
        rows.expect(data, {*COUNTS, JOIN_TIME, OPERATORS}, "data")
        counts = {name: json_values.count(data.get(name)) for name in COUNTS}
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
            rows.note_misfit(operators, f"data.{OPERATORS}")
        rows.listed += 1
        self.file(rows, key, figures)
        return rows.reading()
