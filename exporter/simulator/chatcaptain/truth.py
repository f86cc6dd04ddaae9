"""What ChatCaptain should say of a chatbot, by names of our own; for those who check what was read of it."""

from collections.abc import Mapping
from datetime import date, datetime

from exporter.domain.errors import ConfigError
from exporter.simulator.chatcaptain.bots import Bots, Channel, Chatbot
from exporter.simulator.chatcaptain.tally import Frame, Tally, tally

TRUTHS = ("overview", "channel", "inbox")
"""The reports; phone numbers of transfers and what single operators did are no part of any truth."""
_LEVELS = ("conversation_messages_median", "message_length_median", "intent_score_median")


def truth(bots: Bots, query: Mapping[str, str], at: datetime) -> Mapping[str, object]:
    """Returns the figures of `report` (and `channel`) of a `chatbot` on a `day` of the bots' zone, as known at `at`.

    Raises:
        ConfigError: something is missing, unreadable or unknown; the message says what there is.
    """
    try:
        day, report = date.fromisoformat(query["day"]), query["report"]
    except (KeyError, ValueError) as error:
        raise ConfigError(f"/truth needs chatbot, day (YYYY-MM-DD) and report: {error}") from error
    chatbot = bots.chatbot(query["chatbot"])
    if chatbot is None:
        known = ", ".join(each.id for each in bots.chatbots[:3])
        raise ConfigError(f"chatbot {query['chatbot']!r} does not exist; the first ones: {known}")
    if report not in TRUTHS:
        raise ConfigError(f"report {report!r} does not exist; known: {', '.join(TRUTHS)}")
    channels = (_channel(chatbot, query.get("channel", "")),) if report == "channel" else chatbot.channels
    so_far = tally(bots, chatbot, channels, Frame.of_day(day, bots), at)
    return {"overview": overview_truth, "channel": channel_truth, "inbox": inbox_truth}[report](so_far)


def _channel(chatbot: Chatbot, channel_id: str) -> Channel:
    channel = chatbot.channel(channel_id)
    if channel is None:
        known = ", ".join(each.id for each in chatbot.channels)
        raise ConfigError(f"channel {channel_id!r} does not exist; known: {known}")
    return channel


def overview_truth(so_far: Tally) -> Mapping[str, object]:
    """Returns the figures of the report overview."""
    return {
        "conversations": so_far.total("language"),
        "messages": so_far.counts["messages"],
        "interactions": so_far.counts["interactions"],
        "steps": so_far.counts["steps"],
        "intents": so_far.total("intent"),
        "conversations_by_language": so_far.part("language"),
        "conversations_by_channel_type": so_far.part("channel_type"),
        "intent_hits": so_far.part("intent"),
        **{name: so_far.level(name) for name in _LEVELS},
    }


def channel_truth(so_far: Tally) -> Mapping[str, object]:
    """Returns the figures of the report channel; what is of calls is 0, empty or null where there are none."""
    written = {name: value for name, value in overview_truth(so_far).items() if "channel_type" not in name}
    return written | {
        "call_duration": so_far.counts["call_duration"],
        "call_duration_median": so_far.level("call_duration_median"),
        "call_user_inputs_median": so_far.level("call_user_inputs_median"),
        "calls_by_end_reason": so_far.part("end_reason"),
        "calls_by_exit_step": so_far.part("exit_step"),
    }


def inbox_truth(so_far: Tally) -> Mapping[str, object]:
    """Returns the figures of the inbox; the mean is null on a day on which nobody accepted."""
    return {
        "inbox_transfers": so_far.counts["inbox_transfers"],
        "inbox_accepted": so_far.total("operator"),
        "inbox_not_accepted": so_far.counts["inbox_not_accepted"],
        "inbox_join_time_average_seconds": so_far.level("inbox_join_time_average_seconds"),
    }
