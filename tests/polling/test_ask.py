"""What is asked of a report in steps: discoveries change the requests, and failures do not affect the others."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import msgspec
import pytest

from exporter.domain.errors import (
    AuthError,
    ConnectionLostError,
    HttpStatusError,
    NotJsonError,
    PlatformError,
    RateLimitedError,
    ReportError,
    TimedOutError,
    UnavailableError,
)
from exporter.domain.model import Column, Days, Kind, Measure, Reading, Row, Unread
from exporter.domain.scope import Scope
from exporter.domain.threads import Worker
from exporter.http import RetryBudget
from exporter.platforms.api import (
    NO_DISCOVERIES,
    Context,
    Discoveries,
    Discovery,
    NeedsDiscovery,
    ReportDefaults,
    Request,
)
from exporter.polling.answers import Answers, EarlierAnswers, given_up
from exporter.polling.ask import Transport, ask
from tests.pipeline.pipeline import RULES, target_with, utc

pytestmark = pytest.mark.anyio

TODAY, YESTERDAY = date(2026, 3, 3), date(2026, 3, 2)
DAYS = Days(YESTERDAY, TODAY)
NOW = utc(2026, 3, 3, 12)
SHOPS = "shops"
VISITS = Measure("visits", "Visits", Kind.SUM, ("shop",), limits=("channels",), needs_read_marker=True)
KNOWN: Discoveries = {SHOPS: Discovery(TODAY, (("a",), ("b",)))}
OLD: Discoveries = {SHOPS: Discovery(YESTERDAY, (("a",), ("b",)))}


@dataclass(frozen=True, slots=True)
class Shops(ReportDefaults):
    """A report about shops, which it lists, that asks each of them for each day, yesterday first."""

    name: str = "visits"
    day_bytes: int = 10
    asks_by_day: bool = True
    measures: tuple[Measure, ...] = (VISITS,)
    parts: Mapping[str, tuple[Column, ...]] = field(default_factory=lambda: {"all": ()})

    def plan(self, days: Days, scope: Scope, discoveries: Discoveries = NO_DISCOVERIES) -> tuple[Request, ...]:
        shops = discoveries.get(SHOPS)
        if shops is None or shops.day < days.last:
            return (Request(SHOPS, SHOPS, {}, Days(days.last, days.last), discovery=SHOPS),)
        return tuple(
            Request(self.name, f"{shop}/{day.day}", {}, Days(day, day), subject=shop)
            for day in days
            for (shop,) in shops.rows
        )

    def assumed_discoveries(self, day: date, subjects: int, *, at_worst: bool = False) -> Discoveries:
        return {SHOPS: Discovery(day, tuple((str(n),) for n in range(subjects)))}

    def decode(self, body: bytes, request: Request, context: Context) -> Reading | NeedsDiscovery:
        found = msgspec.json.decode(body)
        if request.discovery:
            return NeedsDiscovery({SHOPS: Discovery(context.today, tuple((shop,) for shop in found))})
        if not isinstance(found, int):
            return Reading({}, frozenset({"all"}), (), unread=(Unread("no number; set an override", "string"),))
        row = Row("all", request.days.first, "17", {Column(VISITS.family, (request.subject,)): float(found)})
        return Reading({"17": "Northwind"}, frozenset({"all"}), (row,))


@dataclass
class Platform:
    """Answers by path, 1 where nothing else is said; notes what was asked."""

    answers: Mapping[str, object]
    asked: list[str] = field(default_factory=list)

    async def get(self, request: Request, retry_budget: RetryBudget) -> bytes:
        self.asked.append(request.path)
        answer = self.answers.get(request.path, ["a", "b"] if request.discovery else 1)
        if isinstance(answer, Exception):
            raise answer
        return msgspec.json.encode(answer)


async def ask_all(
    platform: Platform, discoveries: Discoveries, report: Shops | None = None, days: Days = DAYS
) -> Answers:
    worker, report = Worker("ask"), report or Shops()
    try:
        transport = Transport(platform, RetryBudget(60), worker)
        return await ask(
            target_with(RULES, reports=(report,)), report, days, EarlierAnswers(discoveries), transport, NOW
        )
    finally:
        worker.close()


def error_of(asked: Answers) -> ReportError | None:
    """Returns the first failure."""
    return next((each.error for each in asked.failures), None)


async def test_what_is_missing_is_learned_first() -> None:
    """The list of shops, then each shop; the next time the list is known."""
    platform = Platform({})
    asked = await ask_all(platform, NO_DISCOVERIES)

    assert platform.asked == [SHOPS, "a/2", "b/2", "a/3", "b/3"]
    assert (asked.discoveries, error_of(asked)) == (KNOWN, None)

    again = Platform({})
    await ask_all(again, asked.discoveries)
    assert again.asked == ["a/2", "b/2", "a/3", "b/3"]


async def test_a_list_that_cannot_be_refreshed_serves_once_more() -> None:
    """The poll is a failure, and the next one asks for the list again."""
    broken = HttpStatusError("500")
    platform = Platform({SHOPS: broken})
    asked = await ask_all(platform, OLD)

    assert platform.asked == [SHOPS, "a/2", "b/2", "a/3", "b/3"]
    assert (asked.discoveries, error_of(asked), len(asked.answers)) == (OLD, broken, 4)


async def test_without_any_list_nothing_can_be_asked() -> None:
    platform = Platform({SHOPS: HttpStatusError("500")})
    asked = await ask_all(platform, NO_DISCOVERIES)

    assert (platform.asked, asked.answers, asked.discoveries) == ([SHOPS], [], {})


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(HttpStatusError("500"), id="http"),
        pytest.param(PlatformError("an error in a 200"), id="error-in-200"),
    ],
)
async def test_one_broken_day_of_a_subject_leaves_its_other_days(trouble: ReportError) -> None:
    """They come last, so that the other subjects do not wait for it."""
    platform = Platform({"a/2": trouble})
    asked = await ask_all(platform, KNOWN)

    assert platform.asked == ["a/2", "b/2", "b/3", "a/3"]
    assert [each.error for each in asked.failures] == [trouble]
    assert [answer.request.path for answer in asked.answers] == ["b/2", "b/3", "a/3"]


EACH = [
    pytest.param(AuthError("403", 403), id="auth"),
    pytest.param(RateLimitedError("429"), id="rate-limited"),
    pytest.param(TimedOutError("60 s"), id="timeout"),
    pytest.param(ConnectionLostError("refused"), id="connection"),
    pytest.param(UnavailableError("503"), id="unavailable"),
    pytest.param(HttpStatusError("500"), id="http"),
    pytest.param(NotJsonError("html"), id="not-json"),
]


@pytest.mark.parametrize("trouble", EACH)
@pytest.mark.parametrize("subject", ["a", "b", "c", "d"])
async def test_a_subject_that_fails_whatever_it_is_asked_leaves_the_others(trouble: ReportError, subject: str) -> None:
    """It is asked twice, last, and then given up, in this poll and for the past."""
    known = {SHOPS: Discovery(TODAY, (("a",), ("b",), ("c",), ("d",)))}
    platform = Platform({f"{subject}/{day}": trouble for day in (1, 2, 3)})
    asked = await ask_all(platform, known, days=Days(date(2026, 3, 1), TODAY))

    assert len([path for path in platform.asked if path.startswith(subject)]) == 2
    assert {answer.request.path for answer in asked.answers} == {
        f"{each}/{day}" for each in "abcd" if each != subject for day in (1, 2, 3)
    }
    assert given_up(asked.failure_counts) == {subject}
    assert (asked.stopped_early, len(asked.failures)) == (False, 3)


@pytest.mark.parametrize("trouble", EACH[:5])
async def test_two_subjects_in_a_row_are_evidence_that_the_others_fail_alike(trouble: ReportError) -> None:
    """Of the key or the host; unless one that answered before answers still."""
    known = {SHOPS: Discovery(TODAY, (("a",), ("b",), ("c",), ("d",)))}
    everything = Platform({f"{shop}/{day}": trouble for shop in "abcd" for day in (2, 3)})
    asked = await ask_all(everything, known)
    assert (everything.asked, asked.stopped_early) == (["a/2", "b/2"], True)

    later = Platform({f"{shop}/{day}": trouble for shop in "abcd" for day in (2, 3) if (shop, day) != ("a", 2)})
    asked = await ask_all(later, known)
    assert (later.asked, asked.stopped_early, len(asked.answers)) == (["a/2", "b/2", "c/2", "a/3"], True, 1)

    two = Platform({f"{shop}/{day}": trouble for shop in "bc" for day in (2, 3)})
    asked = await ask_all(two, known)
    assert two.asked == ["a/2", "b/2", "c/2", "a/3", "d/2", "d/3", "b/3", "c/3"]
    assert (asked.stopped_early, len(asked.answers)) == (False, 4)


async def test_what_cannot_be_read_on_one_day_is_asked_for_the_others() -> None:
    platform = Platform({"a/2": "many"})
    asked = await ask_all(platform, KNOWN)

    assert platform.asked == ["a/2", "b/2", "a/3", "b/3"]
    [failure] = asked.failures
    assert (failure.error.outcome, str(failure.error), failure.items) == (
        "schema",
        "no number; set an override",
        ("a",),
    )


async def test_what_is_answered_is_not_asked_again_after_a_discovery() -> None:
    """Discoveries may come in the middle of a poll: from a platform that cannot answer about all things together."""

    class Late(Shops):
        def decode(self, body: bytes, request: Request, context: Context) -> Reading | NeedsDiscovery:
            if body == b'"more"':
                return NeedsDiscovery({SHOPS: Discovery(TODAY, (("a",), ("c",)))})
            return Shops.decode(self, body, request, context)

    platform = Platform({"b/2": "more"})
    asked = await ask_all(platform, KNOWN, Late())

    assert platform.asked == ["a/2", "b/2", "c/2", "a/3", "c/3"]
    assert not asked.failures


async def test_a_discovery_of_nothing_new_ends_in_a_failure() -> None:
    """Not in an endless round."""

    class Circle(Shops):
        def decode(self, body: bytes, request: Request, context: Context) -> Reading | NeedsDiscovery:
            return NeedsDiscovery(KNOWN)

    platform = Platform({})
    asked = await ask_all(platform, KNOWN, Circle())

    assert platform.asked == ["a/2", "b/2", "a/3", "b/3"]
    assert "leads nowhere" in str(error_of(asked))
