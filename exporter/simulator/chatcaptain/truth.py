"""What ChatCaptain should report of a chatbot, for tests."""

from collections.abc import Mapping
from datetime import date, datetime

from exporter.domain.errors import ConfigError
from exporter.simulator.chatcaptain.bots import Bots, Channel, Chatbot
from exporter.simulator.chatcaptain.components import COMPONENTS, figure_of
from exporter.simulator.chatcaptain.tally import Frame, tally

PHONE_NUMBERS = {"calls_by_transfer_target"}
TRUTHS = {
    **{name: {figure_of(each) for each in of_report} - PHONE_NUMBERS for name, of_report in COMPONENTS.items()},
    "inbox": {"inbox_transfers", "inbox_accepted", "inbox_not_accepted", "inbox_join_time_average_seconds"},
}
"""The figures of each report, without phone numbers and single operators."""


def truth(bots: Bots, query: Mapping[str, str], at: datetime) -> Mapping[str, object]:
    """Returns the figures of `report` (and `channel`) of a `chatbot` on a `day` of the bots' zone, as known at `at`."""
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
    return {name: so_far.figure(name) for name in sorted(TRUTHS[report])}


def _channel(chatbot: Chatbot, channel_id: str) -> Channel:
    channel = chatbot.channel(channel_id)
    if channel is None:
        known = ", ".join(each.id for each in chatbot.channels)
        raise ConfigError(f"channel {channel_id!r} does not exist; known: {known}")
    return channel
