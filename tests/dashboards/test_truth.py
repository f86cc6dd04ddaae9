"""What panels show is what the simulated platforms know: worked out from their truth, not from our page."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta

import pytest

from exporter.domain.model import Days
from exporter.simulator.chatcaptain.truth import truth
from exporter.simulator.paradigm.world import MODES
from tests.dashboards.conftest import Lived
from tests.dashboards.shipped import Object, targets, variables
from tests.dashboards.story import NOW
from tests.dashboards.test_answers import DOCUMENTS, answer, chosen
from tests.truth import FACTS, Fact

pytestmark = [pytest.mark.e2e, pytest.mark.once]

LAST = date(2026, 11, 19)
WEEK, MONTH = Days(date(2026, 11, 13), LAST), Days(date(2026, 10, 23), LAST)
TUESDAY = date(2026, 11, 17)
UNSEEN = date(2026, 11, 10)
"""The day that was not served in time, as the platform was out of order."""


def shown(lived: Lived, name: str, place: str, one: Mapping[str, str], day: date | None = None) -> dict[str, float]:
    """Returns what a panel's question shows, by the legend's label: of a day where one is given, else of now.

    `one` are the variables that are not at all.
    """
    document = DOCUMENTS[f"chat-usage-{name}"]
    target = next(each for panel, each in targets(document) if f"{panel['title']}/{each['refId']}" == place)
    given = {key: each for key, each in variables(document).items() if each["type"] != "datasource"}
    values = {key: chosen(each, one.get(key)) for key, each in given.items()}
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() if day else None
    found = {}
    for curve in answer(lived.past, target, values):
        points = dict(curve.values)
        if midnight is None or midnight in points:
            found[label(target, curve.metric)] = curve.last if midnight is None else float(points[midnight])
    return found


def label(target: Object, labels: Mapping[str, str]) -> str:
    """Returns the value of the one label in the legend, `""` for none; of a table's row the company."""
    named = (value for name, value in labels.items() if f"{{{{{name}}}}}" in str(target["legendFormat"]))
    return next(named, labels.get("company", ""))


def seen_at(day: date) -> datetime:
    """Returns the last poll before the moment at which a day is read for its bar: 23:00 of the next day."""
    return min(NOW, datetime(day.year, day.month, day.day, 21, tzinfo=UTC) + timedelta(days=1))


def facts(lived: Lived, day: date, at: datetime | None = None) -> Iterator[tuple[str, Fact]]:
    """Yields the facts of all companies on a day, as the platform knew them at a moment, with the company's name."""
    world = lived.story.world
    view = world.view(day, at or seen_at(day))
    assert view
    for company in world.known():
        for of_report in FACTS.values():
            yield from ((company.name, fact) for fact in of_report(world, company, view))


def total(
    lived: Lived,
    what: str,
    days: Iterable[date],
    at: datetime | None = None,
    company: str | None = None,
    label: tuple[str, str] | None = None,
) -> float:
    """Adds up a figure of days, of one company or label where one is given."""
    return float(
        sum(
            fact.value
            for day in days
            for name, fact in facts(lived, day, at)
            if fact.family == f"paradigm_{what}" and company in (None, name) and label in (None, *fact.labels)
        )
    )


def share_of_opinions(lived: Lived, kind: str) -> float:
    """Returns how many of the likes and dislikes of the week are of a kind, as the platform knows them now."""
    likes, dislikes, asked = (
        total(lived, "feedbacks", WEEK, NOW, label=("feedback", each)) for each in ("like", "dislike", kind)
    )
    return asked / (likes + dislikes)


def tool_uses(lived: Lived, company: str) -> dict[str, float]:
    """Returns the uses of tools over the month."""
    found = defaultdict[str, float](float)
    for name, fact in (each for day in MONTH for each in facts(lived, day, NOW)):
        if name == company and fact.family == "paradigm_tool_uses":
            found[dict(fact.labels)["tool"]] += fact.value
    return found


def of_bot(lived: Lived, report: str, what: str, days: Iterable[date]) -> float:
    """Adds up a figure of the chatbot."""
    bot = lived.story.bots.chatbots[0].id
    found = (truth(lived.story.bots, {"chatbot": bot, "day": day.isoformat(), "report": report}, NOW) for day in days)
    return float(sum(float(str(each[what])) for each in found))


def by_mode(lived: Lived, day: date) -> dict[str, float]:
    """Returns the queries of a day by mode."""
    return {mode: total(lived, "user_queries", [day], label=("mode", mode)) for mode in MODES}


def by_company(lived: Lived, day: date) -> dict[str, float]:
    """Returns the queries of a day by company."""
    return {each.name: total(lived, "user_queries", [day], company=each.name) for each in lived.story.world.known()}


Case = tuple[str, str, date | None, Callable[[Lived], Mapping[str, float]]]
ONE = "Müller & Söhne GmbH"
CASES: Mapping[str, Case] = {
    "queries of the last day": (
        "overview", "Queries/A", None, lambda it: {"": total(it, "user_queries", [LAST])},
    ),
    "answered": (
        "overview", "Answered/A", None,
        lambda it: {"": total(it, "model_responses", [LAST]) / total(it, "user_queries", [LAST])},
    ),
    "grounded": (
        "overview", "Grounded/A", None,
        lambda it: {"": total(it, "model_responses_with_docs", [LAST]) / total(it, "model_responses", [LAST])},
    ),
    "a dot of grounded answers": (
        "overview", "Answers, and those grounded in documents/B", TUESDAY,
        lambda it: {"": total(it, "model_responses_with_docs", [TUESDAY])},
    ),
    "a bar stands on its day": ("overview", "Queries by mode/A", TUESDAY, lambda it: by_mode(it, TUESDAY)),
    "a day that was not served has no bar": ("overview", "Queries by mode/A", UNSEEN, lambda _: {}),
    "active users": ("overview", "Active users/A", TUESDAY, lambda it: {"": total(it, "active_users", [TUESDAY])}),
    "the last day of one company": ("company", "Last complete day/A", None, lambda it: {"": by_company(it, LAST)[ONE]}),
    "7 days of one company": ("company", "7 days/A", None, lambda it: {"": total(it, "user_queries", WEEK, NOW, ONE)}),
    "28 days of one company": (
        "company", "28 days/A", None, lambda it: {"": total(it, "user_queries", MONTH, NOW, ONE)},
    ),
    "tools of one company": ("company", "Tools, 28 days/A", None, lambda it: tool_uses(it, ONE)),
    "liked": ("overview", "Liked, 7 days/A", None, lambda it: {"": share_of_opinions(it, "like")}),
    "disliked": ("quality", "Disliked/A", None, lambda it: {"": share_of_opinions(it, "dislike")}),
    "conversations of the chatbot": (
        "bots", "Conversations/A", None, lambda it: {"": of_bot(it, "overview", "conversations", [LAST])},
    ),
    "hand-overs accepted": (
        "bots", "Hand-overs accepted, 7 days/A", None,
        lambda it: {"": of_bot(it, "inbox", "inbox_accepted", WEEK) / of_bot(it, "inbox", "inbox_transfers", WEEK)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_panel_shows_the_truth(name: str, lived: Lived) -> None:
    """The number equals what the platform knew when it was asked."""
    dashboard, place, day, expected = CASES[name]
    assert shown(lived, dashboard, place, {"company": ONE} if dashboard == "company" else {}, day) == pytest.approx(
        expected(lived)
    )


def test_the_table_of_companies_shows_the_truth(lived: Lived) -> None:
    """A row per company: queries of the last day, of a chatbot conversations."""
    bot = lived.story.bots.chatbots[0].habits.name
    table = shown(lived, "overview", "Who uses it/A", {"source": "demo"})
    assert table == by_company(lived, LAST)
    assert shown(lived, "overview", "Who uses it/A", {"source": "demo_bot"}) == {
        bot: of_bot(lived, "overview", "conversations", [LAST])
    }
