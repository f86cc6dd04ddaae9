"""What panels show is what the simulated platforms know: worked out from their truth, not from our page."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta

import pytest

from exporter.domain.model import Days
from exporter.simulator.chatcaptain.truth import truth
from exporter.simulator.paradigm import figures
from exporter.simulator.paradigm.world import MODES, Figures, Mode
from tests.dashboards.conftest import Lived
from tests.dashboards.shipped import Object, targets, variables
from tests.dashboards.story import NOW
from tests.dashboards.test_answers import DOCUMENTS, answer, chosen

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


def rows(
    lived: Lived, day: date, at: datetime | None = None, mode: Mode | None = None
) -> Iterable[tuple[str, Figures]]:
    """Yields the names and figures of all companies on a day, as the platform knew them at a moment."""
    for company in lived.story.world.known():
        for each in MODES if mode is None else (mode,):
            found = lived.story.world.truth(company.id, day, each, at=at or seen_at(day))
            if found:
                yield company.name, found


def total(
    lived: Lived, what: str, days: Iterable[date], at: datetime | None = None, company: str | None = None
) -> float:
    """Adds up a figure of days."""
    return float(
        sum(getattr(found, what) for day in days for name, found in rows(lived, day, at) if company in (None, name))
    )


def opinions(lived: Lived, days: Iterable[date]) -> tuple[float, float]:
    """Returns likes and dislikes of days, as the platform knows them now."""
    given = [
        found
        for day in days
        for company in lived.story.world.known()
        if (view := lived.story.world.view(day, NOW)) and (found := figures.feedback(lived.story.world, company, view))
    ]
    return float(sum(each.likes for each in given)), float(sum(each.dislikes for each in given))


def users(lived: Lived, day: date) -> float:
    """Returns the active users of a day, of all companies."""
    view = lived.story.world.view(day, seen_at(day))
    assert view
    found = (figures.activity(lived.story.world, company, view) for company in lived.story.world.known())
    return float(sum(each.active_users for each in found if each))


def tool_uses(lived: Lived, company_name: str) -> dict[str, float]:
    """Returns the uses of tools over the month."""
    company = next(each for each in lived.story.world.known() if each.name == company_name)
    found: dict[str, float] = {}
    for day in MONTH:
        view = lived.story.world.view(day, NOW)
        for each in figures.tools(lived.story.world, company, view) if view else ():
            found[each.tool] = found.get(each.tool, 0.0) + each.uses
    return {tool: uses for tool, uses in found.items() if uses}


def of_bot(lived: Lived, report: str, what: str, days: Iterable[date]) -> float:
    """Adds up a figure of the chatbot."""
    bot = lived.story.bots.chatbots[0].id
    found = (truth(lived.story.bots, {"chatbot": bot, "day": day.isoformat(), "report": report}, NOW) for day in days)
    return float(sum(float(str(each[what])) for each in found))


def by_mode(lived: Lived, day: date) -> dict[str, float]:
    """Returns the queries of a day by mode."""
    return {mode: float(sum(found.user_queries for _, found in rows(lived, day, mode=mode))) for mode in MODES}


def by_company(lived: Lived, day: date) -> dict[str, float]:
    """Returns how much was asked on a day: queries of companies, conversations of the chatbot."""
    found = {company.name: 0.0 for company in lived.story.world.known()}
    for name, row in rows(lived, day):
        found[name] += row.user_queries
    return found


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
    "active users": ("overview", "Active users/A", TUESDAY, lambda it: {"": users(it, TUESDAY)}),
    "the last day of one company": ("company", "Last complete day/A", None, lambda it: {"": by_company(it, LAST)[ONE]}),
    "7 days of one company": ("company", "7 days/A", None, lambda it: {"": total(it, "user_queries", WEEK, NOW, ONE)}),
    "28 days of one company": (
        "company", "28 days/A", None, lambda it: {"": total(it, "user_queries", MONTH, NOW, ONE)},
    ),
    "tools of one company": ("company", "Tools, 28 days/A", None, lambda it: tool_uses(it, ONE)),
    "liked": (
        "overview", "Liked, 7 days/A", None, lambda it: {"": opinions(it, WEEK)[0] / sum(opinions(it, WEEK))},
    ),
    "disliked": ("quality", "Disliked/A", None, lambda it: {"": opinions(it, WEEK)[1] / sum(opinions(it, WEEK))}),
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
