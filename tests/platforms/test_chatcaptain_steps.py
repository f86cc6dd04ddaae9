"""ChatCaptain is asked in steps: the channels, all components at once, then one by one what was not understood."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from exporter.domain.errors import HttpStatusError
from exporter.domain.model import Column, Days
from exporter.domain.scope import Scope
from exporter.domain.threads import Worker
from exporter.exposition.text import write
from exporter.http import RetryBudget
from exporter.ledger.ledger import Ledger
from exporter.metrics.report_health import families
from exporter.metrics.report_view import view
from exporter.metrics.target import Health, ReportState, Target
from exporter.platforms.api import NO_DISCOVERIES, Account, Component, Discoveries, Override, Request
from exporter.platforms.chatcaptain.find_component import ReportComponent as Asked
from exporter.platforms.chatcaptain.platform import CHANNEL, OVERVIEW, PLATFORM
from exporter.platforms.chatcaptain.read_component import Shape
from exporter.platforms.jmespath_fields import expression
from exporter.polling.answers import Answers, EarlierAnswers
from exporter.polling.ask import Transport, ask
from exporter.polling.poll_result import fold_answers
from tests.pipeline.pipeline import RULES, target_with, utc

pytestmark = pytest.mark.anyio

TODAY, YESTERDAY, NOW = date(2026, 3, 3), date(2026, 3, 2), utc(2026, 3, 3, 12)
BOTH = Days(YESTERDAY, TODAY)
ACCOUNT = Account("support", {"chatbot_id": "b1"})
SCOPE = Scope(zone=ZoneInfo("UTC"))
NAMES = {report.name: {each.number: each for each in report.components} for report in (OVERVIEW, CHANNEL)}
CHANNELS = (("w1", "Website", "web"), ("v1", "Hotline", "audiocodes"))


@dataclass
class ChatCaptain:
    """Answers together what it may; a component in `apart` only where it is the only one, in `never` not at all."""

    apart: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset()
    broken: frozenset[str] = frozenset()
    asked: list[str] = field(default_factory=list)

    async def get(self, request: Request, retry_budget: RetryBudget) -> bytes:
        tail = request.path.rpartition("/")[2]
        about = request.subject if len(request.items) != 1 else f"{request.subject}/{request.items[0]}"
        self.asked.append(" ".join((tail, about, str(request.days.first.day))))
        if tail in self.broken or request.params.get("channelId") in self.broken:
            raise HttpStatusError("500")
        if tail == "channels":
            keys = ("channelId", "channelName", "channelType")
            return msgspec.json.encode({"channels": [dict(zip(keys, row, strict=True)) for row in CHANNELS]})
        wanted = [NAMES[tail][int(number)] for number in request.params["components"].split(",")]
        return msgspec.json.encode(self._answer(wanted))

    def _answer(self, wanted: list[Asked]) -> Mapping[str, object]:
        if len(wanted) == 1:
            return {"data": "?" if wanted[0].name in self.never else value(wanted[0])}
        hidden = self.apart | self.never
        return {"data": {each.name: value(each) for each in wanted if each.name not in hidden}, "secret": {"x": 7}}


def value(component: Asked) -> object:
    return {"a": component.number} if component.figure is Shape.BREAKDOWN else {"value": component.number}


async def ask_all(
    platform: ChatCaptain, name: str, discoveries: Discoveries = NO_DISCOVERIES, override: Override | None = None
) -> Answers:
    worker, report = Worker("ask"), PLATFORM.configured(name, override, ACCOUNT)
    target: Target = target_with(RULES, reports=(report,))
    try:
        return await ask(
            target, report, BOTH, EarlierAnswers(discoveries), Transport(platform, RetryBudget(60), worker), NOW
        )
    finally:
        worker.close()


def whole(name: str, asked: Answers, channel: tuple[str, ...] = ()) -> set[str]:
    """Returns the names of the components whose figures came, right, of yesterday."""
    figures = {
        column: n
        for answer in asked.answers
        for row in answer.reading.rows
        if row.day == YESTERDAY
        for column, n in row.figures.items()
    }
    return {
        each.name
        for each in NAMES[name].values()
        if figures.get(Column(each.measure.family, (*channel, "a") if each.figure is Shape.BREAKDOWN else channel))
        == float(each.number)
    }


async def test_what_is_understood_at_once_is_asked_at_once() -> None:
    """A day is a question."""
    platform = ChatCaptain()
    asked = await ask_all(platform, "overview")

    assert platform.asked == ["overview  2", "overview  3"]
    assert (asked.discoveries, asked.failures) == ({}, [])
    assert whole("overview", asked) == {each.name for each in OVERVIEW.components}


async def test_what_is_not_understood_together_is_asked_alone() -> None:
    """Of each day; the rest of the first answer counts."""
    platform = ChatCaptain(apart=frozenset(("MESSAGE_COUNT", "INTENT_HITS")))
    asked = await ask_all(platform, "overview")

    of_a_day = ["overview ", "overview /MESSAGE_COUNT", "overview /INTENT_HITS"]
    assert platform.asked == [f"{each} {day}" for day in (2, 3) for each in of_a_day]
    assert not asked.failures
    assert whole("overview", asked) == {each.name for each in OVERVIEW.components}


async def test_what_is_not_understood_at_all_is_told_and_the_rest_is_served() -> None:
    """It is asked for alone of each day: what fails for Sunday may be there on Monday."""
    platform = ChatCaptain(never=frozenset(("MESSAGE_COUNT",)))
    asked = await ask_all(platform, "overview")

    assert platform.asked == [f"overview {each} {day}" for day in (2, 3) for each in ("", "/MESSAGE_COUNT")]
    assert [(each.items, each.error.outcome) for each in asked.failures] == [(("MESSAGE_COUNT",), "schema")] * 2
    assert "MESSAGE_COUNT cannot be read" in str(asked.failures[0].error)
    assert whole("overview", asked) == {each.name for each in OVERVIEW.components} - platform.never


async def test_an_unseen_shape_gives_no_figure_and_a_mapping_makes_it_work() -> None:
    """One question for all, one for each; with the operator's expressions one for all again."""
    names = frozenset(each.name for each in OVERVIEW.components)
    platform = ChatCaptain(never=names)
    asked = await ask_all(platform, "overview")

    assert len(platform.asked) == 2 * (1 + len(names))
    assert not asked.answers
    assert {item for each in asked.failures for item in each.items} == names

    where = Override(
        components={
            each.name: Component(expression("secret.x"))
            if each.figure is not Shape.BREAKDOWN
            else Component(expression("n"), expression("[{n: secret.x}]"), expression("'a'"))
            for each in OVERVIEW.components
        }
    )
    told = ChatCaptain(never=names)
    asked = await ask_all(told, "overview", override=where)
    assert (told.asked, asked.failures) == (["overview  2", "overview  3"], [])
    assert {row.figures[Column("chatcaptain_messages")] for answer in asked.answers for row in answer.reading.rows} == {
        7
    }


async def test_channels_are_learned_then_each_is_asked() -> None:
    """Calls of voice channels only; a day's rows of several channels are one company's."""
    platform = ChatCaptain()
    asked = await ask_all(platform, "channel")

    assert platform.asked == ["channels  3", "channel w1 2", "channel v1 2", "channel w1 3", "channel v1 3"]
    assert not asked.failures
    assert whole("channel", asked, ("w1",)) == {each.name for each in CHANNEL.components if not each.voice}
    assert whole("channel", asked, ("v1",)) == {each.name for each in CHANNEL.components}

    await ask_all(again := ChatCaptain(), "channel", asked.discoveries)
    assert again.asked == platform.asked[1:]


async def test_channels_of_a_day_are_served_side_by_side() -> None:
    """Several answers about one company and day are laid over each other, none takes anything from another."""
    asked = await ask_all(ChatCaptain(), "channel")
    report = PLATFORM.configured("channel", None, ACCOUNT)
    target: Target = target_with(RULES, reports=(report,))
    health = Health(timedelta(hours=1), last_success=NOW, read_at=NOW)
    ledger = fold_answers(target, report, ReportState(Ledger(), health), asked.answers, NOW).state.ledger

    seen = families(view(target, report, ReportState(ledger, health, discoveries=asked.discoveries), NOW))
    shown = (family for family in seen if family.name.endswith(("_last_day", "_channel_info")))
    lines = "".join(write(family).piece.plain.decode() for family in shown)

    company = 'source="s",company_id="b1",company="support"'
    assert [line for line in lines.splitlines() if line.startswith("chatcaptain")] == [
        f"chatcaptain_{name} {n}"
        for name, n in (
            (f'channel_info{{{company},channel_id="w1",channel="Website",channel_type="web"}}', 1.0),
            (f'channel_info{{{company},channel_id="v1",channel="Hotline",channel_type="audiocodes"}}', 1.0),
            (f'channel_conversations_last_day{{{company},channel_id="v1"}}', 1.0),
            (f'channel_conversations_last_day{{{company},channel_id="w1"}}', 1.0),
            (f'channel_messages_last_day{{{company},channel_id="v1"}}', 12.0),
            (f'channel_messages_last_day{{{company},channel_id="w1"}}', 12.0),
            (f'channel_interactions_last_day{{{company},channel_id="v1"}}', 9.0),
            (f'channel_interactions_last_day{{{company},channel_id="w1"}}', 9.0),
            (f'channel_call_duration_last_day{{{company},channel_id="v1"}}', 16.0),
            (f'channel_calls_by_end_reason_last_day{{{company},channel_id="v1",reason="a"}}', 21.0),
            (f'channel_calls_by_exit_step_last_day{{{company},channel_id="v1",step="a"}}', 19.0),
            (f'channel_call_user_inputs_median_last_day{{{company},channel_id="v1"}}', 20.0),
        )
    ]


async def test_what_is_not_understood_of_a_channel_is_asked_alone_of_it() -> None:
    """Of each channel and day."""
    platform = ChatCaptain(apart=frozenset(("MESSAGE_COUNT_FOR_CHANNEL_ID", "CALL_END_REASON")))
    asked = await ask_all(platform, "channel")

    of_a_day = [
        *("channel w1", "channel w1/MESSAGE_COUNT_FOR_CHANNEL_ID"),
        *("channel v1", "channel v1/MESSAGE_COUNT_FOR_CHANNEL_ID", "channel v1/CALL_END_REASON"),
    ]
    assert platform.asked == ["channels  3", *(f"{each} {day}" for day in (2, 3) for each in of_a_day)]
    assert not asked.failures
    assert whole("channel", asked, ("v1",)) == {each.name for each in CHANNEL.components}


async def test_one_broken_channel_leaves_the_others() -> None:
    """Once it is asked in parts, since one of them may break it; then the channel is given up."""
    platform = ChatCaptain(broken=frozenset(("w1",)))
    asked = await ask_all(platform, "channel")

    assert [each for each in platform.asked if "v1" in each] == ["channel v1 2", "channel v1 3"]
    assert len([each for each in platform.asked if "w1" in each]) == 2 * 3
    assert {each.items for each in asked.failures} == {("w1",)}
    assert whole("channel", asked, ("v1",)) == {each.name for each in CHANNEL.components}


@pytest.mark.parametrize("status", [400, 422, 500])
async def test_a_refusal_of_several_components_is_tried_one_by_one(status: int) -> None:
    """Then the one that the platform cannot give is the only one that is missing."""

    class Refusing(ChatCaptain):
        async def get(self, request: Request, retry_budget: RetryBudget) -> bytes:
            body = await ChatCaptain.get(self, request, retry_budget)
            if len(request.items) > 1 or request.items == ("INTENT_COUNT",):
                raise HttpStatusError(str(status))
            return body

    asked = await ask_all(Refusing(), "overview")

    assert whole("overview", asked) == {each.name for each in OVERVIEW.components} - {"INTENT_COUNT"}
    assert {each.items for each in asked.failures} == {("INTENT_COUNT",)}


async def test_a_list_that_cannot_be_refreshed_serves_once_more() -> None:
    """500 on the list of channels, which is documented, stops no channel that is known."""
    asked = await ask_all(ChatCaptain(), "channel")
    old = {topic: discovery._replace(day=TODAY - timedelta(days=1)) for topic, discovery in asked.discoveries.items()}

    platform = ChatCaptain(broken=frozenset(("channels",)))
    asked = await ask_all(platform, "channel", old)

    assert platform.asked == ["channels  3", "channel w1 2", "channel v1 2", "channel w1 3", "channel v1 3"]
    assert [each.request.report for each in asked.failures] == ["channels"]
    assert len(asked.answers) == 4
