"""For the owner of a ChatCaptain chatbot: how much is it asked, what about, over which channels, and who takes over."""

from grafana_foundation_sdk.models.dashboard import Panel

from grafana_dashboards.src import frame
from grafana_dashboards.src.language import (
    DATE,
    EXACT,
    LOW_IS_BAD,
    NOTHING_YET,
    PLAIN,
    SECONDS,
    SHARE,
    Card,
    Query,
    Style,
)
from grafana_dashboards.src.panels import bars, dots, gauges, stat
from grafana_dashboards.src.queries import (
    BY_SOURCE,
    OF_SOURCES,
    RELEASE_CHOSEN,
    TO_ITS_DATE,
    Measure,
    Scope,
    activity,
    day_of,
    share,
    total,
)
from grafana_dashboards.src.tables import Column, Keys, band, table

BOTS = Scope(OF_SOURCES, ('company=~"$company"',))
INFO = 'chat_usage_company_info{platform="chatcaptain", ' + ", ".join(RELEASE_CHOSEN)
CHANNEL = ("channel_id",)


def _measure(name: str, report: str, *labels: str) -> Measure:
    return Measure(f"chatcaptain_{name}", report, labels)


CONVERSATIONS, MESSAGES, INTERACTIONS = (
    _measure(name, "overview") for name in ("conversations", "messages", "interactions")
)
LANGUAGES = _measure("conversations_by_language", "overview", "language")
INTENTS = _measure("intent_hits", "overview", "intent")
TRANSFERS, ACCEPTED, REFUSED = (
    _measure(f"inbox_{name}", "inbox") for name in ("transfers", "accepted", "not_accepted")
)
ON_CHANNELS = _measure("channel_conversations", "channel", *CHANNEL)
ENDS = _measure("channel_calls_by_end_reason", "channel", *CHANNEL, "reason")
EXITS = _measure("channel_calls_by_exit_step", "channel", *CHANNEL, "step")
CALL_TIME = _measure("channel_call_duration", "channel", *CHANNEL)
JOINING = _measure("inbox_join_time_average_seconds", "inbox")
ONE_CHANNEL = (*BY_SOURCE, "company_id", "channel_id")
NAMES = f"max by ({', '.join(ONE_CHANNEL)}, channel, channel_type) (last_over_time({BOTS.selected('chatcaptain_channel_info')}[1h]))"


def draft() -> frame.Draft:
    """Returns the dashboard."""
    return frame.Draft(
        name="bots",
        title="Bots",
        text="Chatbots on ChatCaptain: conversations, languages, intents, channels, calls, and hand-overs to people.",
        variables=[
            frame.data_source(),
            *frame.releases(),
            frame.chosen("source", "Source", f"label_values({INFO}}}, source)"),
            frame.chosen("company", "Company", f'label_values({INFO}, source=~"$source"}}, company)'),
            frame.history(),
        ],
        annotations=[frame.built_in(), *frame.alerts(), frame.restarts()],
        rows=[
            frame.Row("Last complete day", _headlines()),
            frame.Row("Trend", _trend()),
            frame.Row("Who talks, and about what", _subjects()),
            frame.Row("Channels and calls", _channels()),
            frame.Row("Hand-over to people", _inbox()),
        ],
    )


def _headlines() -> list[Panel]:
    judged = activity('activity="conversations"')
    used, usual = total(BOTS.last_day(judged)), total(BOTS.now("chat_usage_activity_baseline", judged))
    asked, handed = total(BOTS.sums(CONVERSATIONS, "7d")), total(BOTS.sums(TRANSFERS, "7d"))
    return [
        band(
            Card("In one line", "The newest complete day of any report of a chatbot; conversations on it, as a share of what is usual for that weekday, messages and interactions on it; report overview.", width=16, height=4),
            Column(Query(f"1000 * (max({day_of(BOTS)} and on ({', '.join(BY_SOURCE)}) {BOTS.last_day(CONVERSATIONS)}) + {TO_ITS_DATE})", "day"), DATE),
            Column(Query(total(BOTS.last_day(CONVERSATIONS)), "conversations"), EXACT, 0),
            Column(Query(share(used, usual), "of the usual"), SHARE, 0, steps=LOW_IS_BAD),
            Column(Query(total(BOTS.last_day(MESSAGES)), "messages"), EXACT, 0),
            Column(Query(total(BOTS.last_day(INTERACTIONS)), "interactions"), EXACT, 0),
        ),
        stat(Card("Handed over, 7 days", "Conversations that were handed over to people, as a share of all, over 7 complete days; reports inbox and overview. Rising: the bot has no answer to something new.", SHARE, 4, 4, 1), Query(share(handed, asked), "handed over")),
        stat(Card("Hand-overs accepted, 7 days", "Hand-overs that somebody took, as a share of all, over 7 complete days; report inbox. Low: nobody was there.", SHARE, 4, 4, 0, "none handed over", LOW_IS_BAD), Query(share(total(BOTS.sums(ACCEPTED, "7d")), handed), "accepted")),
    ]  # fmt: skip


def _trend() -> list[Panel]:
    usual = BOTS.days(activity('activity="conversations"'), "baseline")
    messages = BOTS.days(_measure("conversation_messages_median", "overview"))
    return [
        bars(Card("Conversations", "Conversations a day, each bar on its own day, with what is usual for the weekday; report overview.", width=12, nothing=NOTHING_YET), Query(total(BOTS.days(CONVERSATIONS)), "Conversations", Style.BARS), Query(total(usual), "usual for the weekday", Style.USUAL)),
        dots(Card("Messages and interactions", "Messages and interactions a day; report overview.", width=12, nothing=NOTHING_YET), Query(total(BOTS.days(MESSAGES)), "Messages"), Query(total(BOTS.days(INTERACTIONS)), "Interactions")),
        dots(Card("Messages of a conversation, median", "Half of the conversations of a day have no more messages than this; report overview.", PLAIN, 12, 7, 1, NOTHING_YET), Query(f"max by (company) ({messages})", "{{company}}")),
        dots(Card("Score of recognised intents, median", "How sure the bot was of what people want; report overview. A fall after a change of the bot: look at what it says.", PLAIN, 12, 7, 2, NOTHING_YET), Query(f"max by (company) ({BOTS.days(_measure('intent_score_median', 'overview'))})", "{{company}}")),
    ]  # fmt: skip


def _subjects() -> list[Panel]:
    hits = total(BOTS.sums(INTENTS, "28d"), "company", "intent")
    columns = [
        Column(Query(hits, "Hits, 28 days"), decimals=0, bar=True, width=200),
        Column(Query(total(BOTS.sums(INTENTS, "7d"), "company", "intent"), "7 days"), decimals=0, width=80),
        Column(Query(total(BOTS.last_day(INTENTS), "company", "intent"), "Last day"), decimals=0, width=85),
        Column(Query(total(BOTS.days(INTENTS), "company", "intent"), "By day"), width=190, trend=True),
    ]
    return [
        gauges(Card("Languages, 28 days", "Conversations by language over 28 complete days, the ten largest; report overview.", width=6, height=10, decimals=0), Query(f"topk(10, {total(BOTS.sums(LANGUAGES, '28d'), 'language')})", "{{language}}")),
        table(Card("What it is asked", "Hits of intents, the most frequent first; report overview. \"other\" are all beyond the label limit.", width=18, height=10, nothing="–"), Keys({"intent": "Intent", "company": "Company"}, widths={"company": 110}), columns, "Hits, 28 days"),
    ]  # fmt: skip


def _channels() -> list[Panel]:
    named = f"* on ({', '.join(ONE_CHANNEL)}) group_left (channel, channel_type) {NAMES}"
    by = ("company", "channel_id", "channel", "channel_type")
    columns = [
        Column(
            Query(total(f"{BOTS.sums(ON_CHANNELS, '28d')} {named}", *by), "Conversations, 28 days"),
            decimals=0,
            bar=True,
            width=260,
        ),
        Column(Query(total(f"{BOTS.last_day(ON_CHANNELS)} {named}", *by), "Last day"), decimals=0, width=90),
        Column(
            Query(total(f"{BOTS.sums(CALL_TIME, '28d')} {named}", *by), "Call time as reported, 28 days"),
            decimals=0,
            width=220,
        ),
        Column(Query(total(f"{BOTS.days(ON_CHANNELS)} {named}", *by), "By day"), width=190, trend=True),
    ]
    keys = Keys({"channel": "Channel", "channel_type": "Kind"}, ("channel_id", "company"), widths={"channel_type": 140})
    return [
        table(Card("Channels", "A row per channel; report channel. Call time is added up over the calls of voice channels, in the unit of the platform, which does not say which one that is.", width=14, height=9, nothing="–"), keys, columns, "Conversations, 28 days"),
        gauges(Card("How calls ended, 28 days", "Calls of voice channels by the reason of their end, the ten largest; report channel.", width=5, height=9, decimals=0, nothing="no voice channel"), Query(f"topk(10, {total(BOTS.sums(ENDS, '28d'), 'reason')})", "{{reason}}")),
        gauges(Card("Where calls ended, 28 days", "The last step of calls of voice channels, the ten most frequent; report channel. A step where many leave is worth listening to.", width=5, height=9, decimals=0, nothing="no voice channel"), Query(f"topk(10, {total(BOTS.sums(EXITS, '28d'), 'step')})", "{{step}}")),
    ]  # fmt: skip


def _inbox() -> list[Panel]:
    return [
        bars(Card("Hand-overs", "Hand-overs to people a day, accepted or not; report inbox. Nothing is told of single operators.", width=12, nothing=NOTHING_YET), Query(total(BOTS.days(ACCEPTED)), "Accepted", Style.BARS), Query(total(BOTS.days(REFUSED)), "Not accepted", Style.BARS)),
        dots(Card("Until somebody joins", "Mean time until an operator joined, a day; report inbox. A day without one that was accepted has none.", SECONDS, 12, decimals=1, nothing=NOTHING_YET), Query(f"max by (company) ({BOTS.days(JOINING)})", "{{company}}")),
    ]  # fmt: skip
