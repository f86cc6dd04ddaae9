"""ChatCaptain (now Epic AI): its statistics calls, and the measures of their components.

Sources of all facts here: the OpenAPI document "ChatCaptain API" 1.0, page Statistics (docs.chatcaptain.com/api/api-
dokumentation/statistics), and the vendor's n8n package for the header. The answers of overview and channel are
undocumented: docs/development/platform-apis.md says how they are read, and what is a guess.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from exporter.domain.errors import ConfigError
from exporter.domain.model import Activity, Kind, Measure
from exporter.domain.selectors import Selection
from exporter.platforms.api import Account, LabelLimit, Option, OptionKind, Override, Platform, Report, base_url
from exporter.platforms.chatcaptain.component_report import CHANNEL_INFO, CHANNELS, ChannelReport, ComponentReport
from exporter.platforms.chatcaptain.find_component import ReportComponent
from exporter.platforms.chatcaptain.read_component import Shape
from exporter.platforms.chatcaptain.statistics_report import API, InboxReport, StatisticsReport


def _sum(name: str, text: str, *activities: Activity) -> Measure:
    return Measure(f"chatcaptain_{name}", text, Kind.SUM, activities=activities)


def _by(name: str, text: str, label: str, limit: str) -> Measure:
    """Returns a breakdown with a read marker, which distinguishes an empty one from an unreadable one."""
    family, per_subject = f"chatcaptain_{name}", limit == CHANNELS
    return Measure(family, text, Kind.SUM, (label,), False, (limit,), needs_read_marker=True, per_subject=per_subject)


def _average(name: str, text: str) -> Measure:
    return Measure(f"chatcaptain_{name}", text, Kind.AVERAGE)


CONVERSATIONS = _sum("conversations", "Conversations", Activity("conversations", usual_limits=True))
INTERACTIONS = _sum("interactions", "Interactions", Activity("interactions"))
BY_LANGUAGE = _by("conversations_by_language", "Conversations by language", "language", "languages")
# An open set of types: each is that of a channel, so there are never more of them than channels.
BY_CHANNEL_TYPE = _by("conversations_by_channel_type", "Conversations by channel type", "channel_type", CHANNELS)
INTENT_HITS = _by("intent_hits", "Hits by intent", "intent", "intents")
CONVERSATION_MESSAGES = _average("conversation_messages_median", "Median messages per conversation")
MESSAGE_LENGTH = _average("message_length_median", "Median message length")  # unit undocumented
INTENT_SCORE = _average("intent_score_median", "Median intent score")

# Names and ids are the vendor's; the ids of channel are others (docs/development/platform-apis.md has all of them).
_OVERVIEW = (
    ReportComponent("CONVERSATION_COUNT", 1, CONVERSATIONS, interval=2),
    ReportComponent("MESSAGE_COUNT", 7, _sum("messages", "Messages", Activity("messages")), interval=8),
    ReportComponent("INTERACTION_COUNT", 14, INTERACTIONS, interval=15),
    ReportComponent("STEP_EXEC_COUNT", 0, _sum("steps", "Executed steps")),
    ReportComponent("INTENT_COUNT", 13, _sum("intents", "Recognised intents")),
    ReportComponent("CONVERSATION_LANGUAGES", 3, BY_LANGUAGE, Shape.BREAKDOWN),
    ReportComponent("CONVERSATION_BY_CHANNEL_TYPE", 4, BY_CHANNEL_TYPE, Shape.BREAKDOWN),
    ReportComponent("INTENT_HITS", 11, INTENT_HITS, Shape.BREAKDOWN),
    ReportComponent("CONVERSATION_MESSAGE_COUNT_MEDIAN", 6, CONVERSATION_MESSAGES, Shape.MEDIAN),
    ReportComponent("MESSAGE_LENGTH_MEDIAN", 10, MESSAGE_LENGTH, Shape.MEDIAN),
    ReportComponent("INTENT_SCORE_MEDIAN", 12, INTENT_SCORE, Shape.MEDIAN),
)
OVERVIEW = ComponentReport(
    name="overview",
    day_bytes=1500,
    measures=tuple(each.measure for each in _OVERVIEW),
    tail="reports/overview",
    components=_OVERVIEW,
)


def _channel(name: str, text: str, kind: Kind = Kind.SUM, by: tuple[str, str] | None = None) -> Measure:
    """Returns a figure per channel, or broken down further; each answer is about one channel."""
    labels, limits = (("channel_id", by[0]), (CHANNELS, by[1])) if by else (("channel_id",), (CHANNELS,))
    family = f"chatcaptain_channel_{name}"
    return Measure(family, text, kind, labels, not by, limits, needs_read_marker=True, per_subject=True)


INFO = Measure(
    CHANNEL_INFO,
    "Always 1; name and type of a channel",
    Kind.INFO,
    ("channel_id", "channel", "channel_type"),
    limits=(CHANNELS, "", ""),
    per_subject=True,
)
CONVERSATIONS_OVER = _channel("conversations", "Conversations by channel")
MESSAGES_OVER = _channel("messages", "Messages by channel")
INTERACTIONS_OVER = _channel("interactions", "Interactions by channel")
CALL_DURATION = _channel("call_duration", "Total call duration by channel")  # unit undocumented
BY_END_REASON = _channel("calls_by_end_reason", "Calls by end reason", by=("reason", "reasons"))
BY_EXIT_STEP = _channel("calls_by_exit_step", "Calls by the step they ended in", by=("step", "steps"))
CALL_INPUTS = _channel("call_user_inputs_median", "Median user inputs per call", Kind.AVERAGE)
_OF_CALLS = (CALL_DURATION, BY_END_REASON, BY_EXIT_STEP, CALL_INPUTS)

_CHANNEL = (
    ReportComponent("CONVERSATION_COUNT_FOR_CHANNEL_ID", 1, CONVERSATIONS_OVER, interval=2),
    ReportComponent("MESSAGE_COUNT_FOR_CHANNEL_ID", 12, MESSAGES_OVER, interval=13),
    ReportComponent("INTERACTION_COUNT_FOR_CHANNEL_ID", 9, INTERACTIONS_OVER, interval=10),
    ReportComponent("CALL_DURATION_TOTAL", 16, CALL_DURATION, Shape.TOTAL, voice=True),
    ReportComponent("CALL_EXIT_STEP", 19, BY_EXIT_STEP, Shape.BREAKDOWN, voice=True),
    ReportComponent("CALL_USER_INPUTS_MEDIAN", 20, CALL_INPUTS, Shape.MEDIAN, voice=True),
    ReportComponent("CALL_END_REASON", 21, BY_END_REASON, Shape.BREAKDOWN, voice=True),
)
CHANNEL = ChannelReport(
    name="channel",
    day_bytes=3000,  # a dozen channels
    measures=(INFO, CONVERSATIONS_OVER, MESSAGES_OVER, INTERACTIONS_OVER, *_OF_CALLS),
    tail="reports/channel",
    components=_CHANNEL,
)

TRANSFERS = _sum("inbox_transfers", "Conversations handed to people", Activity("inbox_transfers"))
ACCEPTED_SHARE = Activity("accepted_share", share_of=((TRANSFERS.family, ""),), min_volume=30)
INBOX = InboxReport(
    name="inbox",
    day_bytes=600,
    measures=(
        TRANSFERS,
        _sum("inbox_accepted", "Conversations people accepted", ACCEPTED_SHARE),
        _sum("inbox_not_accepted", "Conversations nobody accepted"),
        _average("inbox_join_time_average_seconds", "Mean time until a person joined"),
    ),
    tail="inbox",
)
REPORTS: Mapping[str, ComponentReport | InboxReport] = {each.name: each for each in (OVERVIEW, CHANNEL, INBOX)}


def overridden(name: str, override: Override) -> Report:
    if override.fields is not None:
        raise ConfigError(f"{name} has no fields; set path, or components of overview and channel")
    return REPORTS[name].overridden(override)


def equipped(report: Report, account: Account) -> Report:
    """Returns the report of one chatbot; the company is named like the source by default."""
    chatbot_id, company, channels = (account.options.get(name) for name in ("chatbot_id", "company", CHANNELS))
    if isinstance(report, ChannelReport) and isinstance(channels, Selection):
        report = replace(report, channels=channels)
    if isinstance(report, StatisticsReport):
        report = replace(report, chatbot_id=str(chatbot_id or ""), company=str(company or account.source))
    return report


_CHATBOT_ID = "The chatbot's id, which is also its company_id; one key opens one chatbot."
_COMPANY = "Name of the chatbot's company, for the label company; by default the source's name."
_THE_BOT = "one key opens one chatbot: check that chatbot_id is its id"
PLATFORM = Platform(
    name="chatcaptain",
    title="ChatCaptain",
    default_base_url="https://api.chatcaptain.com",
    base_url=partial(base_url, api=API),
    headers=lambda key: {"x-chatcaptain-key": key},  # the key of a chatbot, no Bearer token
    reports=REPORTS,
    overridden=overridden,
    options=(
        Option("chatbot_id", OptionKind.TEXT, _CHATBOT_ID, "5f1c0a", required=True),
        Option("company", OptionKind.TEXT, _COMPANY, "ACME", identifies=False),
        Option(CHANNELS, OptionKind.SELECTION, "Its channels to poll; by default all.", "*"),
    ),
    equipped=equipped,
    label_limits=(
        LabelLimit("languages", 30, "Maximum number of languages per chatbot; the rest adds up as other."),
        LabelLimit("intents", 50, "Maximum number of intents per chatbot; the rest adds up as other."),
        LabelLimit("steps", 30, "Maximum number of steps that calls end in, per channel; the rest adds up as other."),
        LabelLimit("reasons", 20, "Maximum number of reasons why calls end, per channel; the rest adds up as other."),
        LabelLimit(CHANNELS, 50, "Maximum number of channels per chatbot; the rest adds up as other."),
    ),
    version=2,
    one_company=True,
    remedies={
        401: f"keys are in its dashboard under Settings, API; {_THE_BOT}",
        403: "it needs the permission chatbots.statistics.get, for exports chatbots.statistics.export; " + _THE_BOT,
        404: "check chatbot_id, which may be another chatbot's",
    },
)
