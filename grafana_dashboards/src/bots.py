"""For the owner of a ChatCaptain chatbot: how much people ask it, what about, over which channels, and who takes over."""

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
            frame.Row("Languages and intents", _subjects()),
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
            Card("In one line", "The newest complete day of any report of a chatbot; conversations on that day, and as a share of the baseline for that weekday; messages and interactions on that day; report overview.", width=16, height=4),
            Column(Query(f"1000 * (max({day_of(BOTS)} and on ({', '.join(BY_SOURCE)}) {BOTS.last_day(CONVERSATIONS)}) + {TO_ITS_DATE})", "day"), DATE),
            Column(Query(total(BOTS.last_day(CONVERSATIONS)), "conversations"), EXACT, 0),
            Column(Query(share(used, usual), "of the baseline"), SHARE, 0, steps=LOW_IS_BAD),
            Column(Query(total(BOTS.last_day(MESSAGES)), "messages"), EXACT, 0),
            Column(Query(total(BOTS.last_day(INTERACTIONS)), "interactions"), EXACT, 0),
        ),
        stat(Card("Handed over, 7 days", "Conversations handed over to people, as a share of all conversations, over 7 complete days; reports inbox and overview. If it rises, the bot has no answer to something new.", SHARE, 4, 4, 1), Query(share(handed, asked), "handed over")),
        stat(Card("Accepted, 7 days", "Hand-overs that somebody accepted, as a share of all hand-overs, over 7 complete days; report inbox. If it is low, nobody was there.", SHARE, 4, 4, 0, "none handed over", LOW_IS_BAD), Query(share(total(BOTS.sums(ACCEPTED, "7d")), handed), "accepted")),
    ]  # fmt: skip


def _trend() -> list[Panel]:
    usual = BOTS.days(activity('activity="conversations"'), "baseline")
    messages = BOTS.days(_measure("conversation_messages_median", "overview"))
    return [
        bars(Card("Conversations", "Conversations by day, and the baseline for the weekday; report overview.", width=12, nothing=NOTHING_YET), Query(total(BOTS.days(CONVERSATIONS)), "Conversations", Style.BARS), Query(total(usual), "baseline", Style.USUAL)),
        dots(Card("Messages and interactions", "Messages and interactions by day; report overview.", width=12, nothing=NOTHING_YET), Query(total(BOTS.days(MESSAGES)), "Messages"), Query(total(BOTS.days(INTERACTIONS)), "Interactions")),
        dots(Card("Messages per conversation, median", "Half of the conversations of a day have no more messages than this; report overview.", PLAIN, 12, 7, 1, NOTHING_YET), Query(f"max by (company) ({messages})", "{{company}}")),
        dots(Card("Score of recognised intents, median", "How sure the bot was of what people wanted; report overview. If it falls after a change to the bot, check what it says.", PLAIN, 12, 7, 2, NOTHING_YET), Query(f"max by (company) ({BOTS.days(_measure('intent_score_median', 'overview'))})", "{{company}}")),
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
        gauges(Card("Languages, 28 days", "Conversations by language over 28 complete days, the ten most frequent; report overview.", width=6, height=10, decimals=0), Query(f"topk(10, {total(BOTS.sums(LANGUAGES, '28d'), 'language')})", "{{language}}")),
        table(Card("Intents", "Hits by intent, the most frequent first; report overview. \"other\" adds up all intents beyond the label limit.", width=18, height=10, nothing="–"), Keys({"intent": "Intent", "company": "Company"}, widths={"company": 110}), columns, "Hits, 28 days"),
    ]  # fmt: skip


def _channels() -> list[Panel]:
    named = f"* on ({', '.join(ONE_CHANNEL)}) group_left (channel, channel_type) {NAMES}"
    by = ("company", "channel_id", "channel", "channel_type")
    columns = [
        Column(
            Query(total(f"{BOTS.sums(ON_CHANNELS, '28d')} {named}", *by), "Conversations, 28 days"),
            decimals=0,
            bar=True,
            width=230,
        ),
        Column(Query(total(f"{BOTS.last_day(ON_CHANNELS)} {named}", *by), "Last day"), decimals=0, width=90),
        Column(
            Query(total(f"{BOTS.sums(CALL_TIME, '28d')} {named}", *by), "Call time, 28 days"),
            decimals=0,
            width=150,
        ),
        Column(Query(total(f"{BOTS.days(ON_CHANNELS)} {named}", *by), "By day"), width=190, trend=True),
    ]
    keys = Keys({"channel": "Channel", "channel_type": "Kind"}, ("channel_id", "company"), widths={"channel_type": 140})
    return [
        table(Card("Channels", "A row for each channel; report channel. Call time is the sum over the calls of voice channels, as the platform reports it: its unit is not documented.", width=14, height=9, nothing="–"), keys, columns, "Conversations, 28 days"),
        gauges(Card("How calls ended, 28 days", "Calls on voice channels by the reason for their end, the ten most frequent; report channel.", width=5, height=9, decimals=0, nothing="no voice channel"), Query(f"topk(10, {total(BOTS.sums(ENDS, '28d'), 'reason')})", "{{reason}}")),
        gauges(Card("Where calls ended, 28 days", "The last step of calls on voice channels, the ten most frequent; report channel. Listen to calls that end at a step where many people hang up.", width=5, height=9, decimals=0, nothing="no voice channel"), Query(f"topk(10, {total(BOTS.sums(EXITS, '28d'), 'step')})", "{{step}}")),
    ]  # fmt: skip


def _inbox() -> list[Panel]:
    return [
        bars(Card("Hand-overs", "Hand-overs to people by day, accepted or not; report inbox. There are no figures about single operators.", width=12, nothing=NOTHING_YET), Query(total(BOTS.days(ACCEPTED)), "Accepted", Style.BARS), Query(total(BOTS.days(REFUSED)), "Not accepted", Style.BARS)),
        dots(Card("Until somebody joins", "Mean time until an operator joined, by day; report inbox. A day without an accepted hand-over has no figure.", SECONDS, 12, decimals=1, nothing=NOTHING_YET), Query(f"max by (company) ({BOTS.days(JOINING)})", "{{company}}")),
    ]  # fmt: skip
