"""Laws of what is said to the simulated chatbots, without HTTP."""

import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import jmespath
import pytest

from exporter.domain import calendars
from exporter.domain.errors import ConfigError
from exporter.simulator.chatcaptain.bots import Bots
from exporter.simulator.chatcaptain.components import (
    CHANNEL,
    COMPONENTS,
    OVERVIEW,
    Trend,
    answered,
    iso,
    odd,
    truth,
)
from exporter.simulator.chatcaptain.tally import Frame, StatisticsQuery, Tally, tally
from tests.simulator.chatcaptain.odd import ODD_OVERRIDES

LATER = datetime(2026, 11, 20, tzinfo=UTC)
ZONES = ["UTC", "Europe/Paris", "America/St_Johns", "Asia/Kolkata", "Pacific/Kiritimati"]


def flat(so_far: Tally) -> dict[str, int]:
    """Returns every number that adds up, the parts of breakdowns included."""
    return {f"{name}/{part}": count for name, parts in so_far.counts.items() for part, count in parts.items() if count}


def plus(first: dict[str, int], second: dict[str, int]) -> dict[str, int]:
    return {name: first.get(name, 0) + second.get(name, 0) for name in first.keys() | second.keys()}


def test_equal_seeds_make_equal_chatbots_and_another_seed_makes_others() -> None:
    assert Bots.from_seed(3, 2) == Bots.from_seed(3, 2)
    ids = {(bot.id, bot.key) for seed in (3, 4) for bot in Bots.from_seed(seed, 2).chatbots}
    assert len(ids) == 4
    assert all(bot_id.startswith("bot_") and key.startswith("CCSB-") for bot_id, key in ids)


@pytest.mark.parametrize("channels", [5, 12, 200])
def test_a_chatbot_has_as_many_channels_as_told_of_different_ids_and_several_types(channels: int) -> None:
    bot = Bots.from_seed(1, 1, channels).chatbots[0]
    assert len({channel.id for channel in bot.channels}) == channels
    assert {"web", "voice", "debug", "meta-whatsapp", "instagram"} <= {channel.type for channel in bot.channels}


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("change", [date(2026, 3, 8), date(2026, 3, 29), date(2026, 10, 25), date(2026, 11, 1)])
def test_adjoining_frames_add_up_over_a_clock_change(zone: str, change: date) -> None:
    """Days of 23 and 25 hours, and any cut through a day, leave nothing out and count nothing twice."""
    bots = Bots.from_seed(7, zone=ZoneInfo(zone))
    bot = bots.chatbots[0]

    def of(frame: Frame) -> dict[str, int]:
        return flat(tally(StatisticsQuery(bots, bot, bot.channels, frame, LATER)))

    start, end = (calendars.start(change + timedelta(days=n), bots.zone) for n in (-1, 2))
    cuts = [calendars.start(change, bots.zone), start + timedelta(hours=37.3), calendars.end(change, bots.zone), end]
    summed, first = dict[str, int](), start
    for cut in sorted(cuts):
        summed, first = plus(summed, of(Frame(first, cut))), cut
    assert of(Frame(start, end)) == {name: count for name, count in summed.items() if count}


def test_no_count_falls_in_a_day_and_none_changes_after_it() -> None:
    bots = Bots.from_seed(7, 1, 12, ZoneInfo("Europe/Paris"))
    bot, frame = bots.chatbots[0], Frame.of_day(date(2026, 3, 2), bots)
    before = dict[str, int]()
    for minutes in range(0, 24 * 60 + 1, 20):
        now = flat(tally(StatisticsQuery(bots, bot, bot.channels, frame, frame.first + timedelta(minutes=minutes))))
        assert all(now[name] >= count for name, count in before.items())
        before = now
    assert before == flat(tally(StatisticsQuery(bots, bot, bot.channels, frame, LATER)))
    assert before["conversations_by_channel_type/voice"]


def test_an_overview_is_the_sum_of_its_channels() -> None:
    bots = Bots.from_seed(7, 1, 12)
    bot, frame = bots.chatbots[0], Frame.of_day(date(2026, 3, 2), bots)
    summed = dict[str, int]()
    for channel in bot.channels:
        summed = plus(summed, flat(tally(StatisticsQuery(bots, bot, (channel,), frame, LATER))))
    whole = tally(StatisticsQuery(bots, bot, bot.channels, frame, LATER))
    assert flat(whole) == summed
    for part in ("conversations_by_language", "conversations_by_channel_type"):
        items = whole.figure(part)
        assert isinstance(items, dict)
        assert sum(items.values()) == whole.figure("conversations")


def test_the_past_is_two_years_long_and_weekends_are_quiet() -> None:
    bots = Bots.from_seed(7)
    bot = bots.chatbots[0]

    def conversations(first: date, days: int) -> int:
        frames = (Frame.of_day(first + timedelta(days=n), bots) for n in range(days))
        return sum(
            tally(StatisticsQuery(bots, bot, bot.channels, frame, LATER)).count("conversations") for frame in frames
        )

    assert conversations(date(2024, 11, 25), 5) > 100  # two years ago, Monday to Friday
    assert conversations(date(2026, 3, 7), 2) < conversations(date(2026, 3, 2), 2) / 2
    assert conversations(date(2023, 3, 6), 2) == 0  # no longer kept


def test_a_median_is_null_where_nothing_was_said() -> None:
    bots = Bots.from_seed(7)
    bot = bots.chatbots[0]
    night = calendars.start(date(2026, 3, 3), bots.zone)
    quiet = tally(StatisticsQuery(bots, bot, bot.channels[:1], Frame(night, night + timedelta(hours=1)), LATER))
    assert quiet.figure("conversation_messages_median") is None
    assert quiet.figure("conversations") == 0


def test_twelve_channels_of_a_day_are_answered_within_five_milliseconds() -> None:
    bots = Bots.from_seed(7, 1, 12)
    bot, frame = bots.chatbots[0], Frame.of_day(date(2026, 3, 2), bots)
    figures = tuple(number for number, name in enumerate(OVERVIEW) if not name.endswith(("INTERVAL", "TREND")))
    times = []
    for _ in range(20):
        began = time.perf_counter()
        answered(StatisticsQuery(bots, bot, bot.channels, frame, LATER, figures), "overview")
        times.append(time.perf_counter() - began)
    assert min(times) < 0.005


def test_the_reports_number_their_components_differently() -> None:
    assert (len(OVERVIEW), len(CHANNEL)) == (17, 23)
    assert OVERVIEW[3] == "CONVERSATION_LANGUAGES"
    assert CHANNEL[3] == "CONVERSATION_COUNT_PERIODIC_TREND_FOR_CHANNEL_ID"
    assert (OVERVIEW[14], CHANNEL[9]) == ("INTERACTION_COUNT", "INTERACTION_COUNT_FOR_CHANNEL_ID")
    assert (CHANNEL[16], CHANNEL[22]) == ("CALL_DURATION_TOTAL", "CALL_TRANSFER_TARGET")


WRONG = [
    pytest.param({"chatbot": "?", "report": "inbox"}, "chatbot '\\?' does not", id="chatbot"),
    pytest.param({"report": "x"}, "'x' does not exist; known: overview, ch", id="report"),
    pytest.param({"report": "channel"}, "channel '' does not exist; known: ", id="channel"),
]


@pytest.mark.parametrize(("query", "says"), WRONG)
def test_a_wrong_question_for_the_truth_is_told_what_there_is(query: dict[str, str], says: str) -> None:
    bots = Bots.from_seed(7)
    with pytest.raises(ConfigError, match=says):
        truth(bots, {"chatbot": bots.chatbots[0].id} | query, date(2026, 3, 2), LATER)


@pytest.mark.parametrize("report", COMPONENTS)
def test_every_component_of_the_odd_shape_can_be_read_by_its_expressions(report: str) -> None:
    bots = Bots.from_seed(7)
    bot, frame = bots.chatbots[0], Frame.of_day(date(2026, 3, 2), bots)
    voice = tuple(channel for channel in bot.channels if channel.type == "voice")
    names = COMPONENTS[report]
    said = answered(StatisticsQuery(bots, bot, voice, frame, LATER, tuple(range(len(names)))), report)
    found = odd(said)
    for component in said:
        written = ODD_OVERRIDES[report][component.name]
        match component.value:
            case list(points):
                read = jmespath.search(written["series"], found)
                pairs = [(each[written["time"]], each[written["value"]]) for each in read]
                assert pairs == [(iso(start), count) for start, count in points]
            case dict(items):
                read = jmespath.search(written["items"], found)
                assert {each[written["label"]]: each[written["value"]] for each in read} == items
            case Trend():
                assert jmespath.search(written["value"], found) == component.value._asdict()
            case figure:
                assert jmespath.search(written["value"], found) == figure
                assert figure
