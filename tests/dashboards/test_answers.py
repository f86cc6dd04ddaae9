"""Every query of every panel returns correct results from a real Prometheus, for any selection.

Expected figures are computed from the simulated platforms' data. One file, because simulating the days takes half a
minute.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from exporter.domain.model import Days
from exporter.simulator.chatcaptain.components import truth
from exporter.simulator.paradigm.world import MODES
from grafana_dashboards.src.firing import OF_FLEET, longest
from tests.dashboards.conftest import Simulation
from tests.dashboards.prometheus import Curve, Prometheus
from tests.dashboards.scenario import NOW
from tests.dashboards.shipped import (
    FILES,
    Object,
    an_object,
    annotations,
    filled,
    objects,
    panels,
    read,
    targets,
    variables,
)
from tests.platform_data import FACTS, Fact

pytestmark = [pytest.mark.e2e, pytest.mark.once]

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
INTERVALS = {"__rate_interval": "4h", "__interval": "1h", "__range": "12d"}
"""As in Grafana with an hourly scrape interval."""
ONE_COMPANY = frozenset({"one company", "one of each"})
MAY_BE_EMPTY: Mapping[tuple[str, str], tuple[frozenset[str] | None, str]] = {
    ("chat-usage-exporter", "Series by source/B"): (None, "nothing is dropped below limits.max_series"),
    ("chat-usage-exporter", "Fields that are not as documented/A"): (None, "all fields are"),
    ("chat-usage-exporter", "Figures that cannot be true/A"): (None, "all can"),
    ("chat-usage-exporter", "Withdrawn companies/A"): (None, "none was"),
    ("chat-usage-overview", "When alerts fired/B"): (None, "all are shown"),
    ("chat-usage-company", "${activity:text} by day/D"): (None, "no upper limit is within sight of the days"),
    ("chat-usage-alert-tuning", "${activity:text}, baseline, limits/C"): (None, "limits are drawn of one company"),
    ("chat-usage-alert-tuning", "${activity:text}, baseline, limits/D"): (None, "limits are drawn of one company"),
    ("chat-usage-alert-tuning", "By company/C"): (ONE_COMPANY, "it fell, and never rose"),
    ("chat-usage-alert-tuning", "Companies without a lower limit/A"): (ONE_COMPANY, "it has one"),
}
"""Queries that may return nothing: for which selections (None is any), and why."""
DOCUMENTS = {path.stem: read(path) for path in FILES}
every_dashboard = pytest.mark.parametrize("name", DOCUMENTS)


def chosen(variable: Object, value: str | None) -> str:
    """Returns Grafana's text for a variable: one value, all, or the default."""
    if value is None and variable["includeAll"]:
        return str(variable["allValue"])
    if value is None:
        return str(an_object(variable["current"])["value"])
    if variable["multi"]:
        return re.sub(r"[\\^$.*+?()[\]{}|\-/]", lambda found: f"\\\\{found[0]}", value).replace('"', '\\"')
    return value.replace("\\", "\\\\").replace('"', '\\"')


def offered(prometheus: Prometheus, query: str, values: Mapping[str, str]) -> Sequence[str]:
    """Returns the values of a `label_values(selector, label)`, sorted, or the activities of a `query_result`."""
    asked = filled(query, values)
    if inner := re.fullmatch(r"query_result\((.+)\)", asked):
        if "activity" not in query:
            return sorted(each.metric["company"] for each in prometheus.query(inner[1]))
        found_words = {each.metric["activity"]: each.metric["words"] for each in prometheus.query(inner[1])}
        assert found_words["user_queries"] == "User queries"
        return sorted(found_words)
    found = re.fullmatch(r"label_values\((.+), (\w+)\)", asked)
    assert found
    name = found[2]
    return sorted(
        each.metric[name] for each in prometheus.query(f"count by ({name}) ({found[1]})") if name in each.metric
    )


def some(name: str, simulation: Simulation) -> Mapping[str, str]:
    """Returns a value for each variable, of companies with events."""
    bot = simulation.scenario.bots.chatbots[0].habits.name
    dropped = simulation.scenario.world.companies[simulation.scenario.roles.dropped - 1].name
    is_of_bots = name == "chat-usage-bots"
    return {
        "source": "demo_bot" if is_of_bots else "demo",
        "company": bot if is_of_bots else dropped,
        "mode": "agent",
        "cluster": "",
        "namespace": "production",
        "activity": "user_queries",
        "job": "chat-usage-exporter",
        "instance": "localhost:9854",
        "drop": "0.5",
        "spike": "3",
        "baseline": "20",
        "history": ".+",
        "recorded": ".+",
        "only": dropped,
    }


def choices(name: str, simulation: Simulation) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yields selections: everything, one value of each variable, and one value of all variables."""
    given = {key: each for key, each in variables(DOCUMENTS[name]).items() if each["type"] != "datasource"}
    values = some(name, simulation)
    alls = {key: each for key, each in given.items() if each["includeAll"]}
    everything = {key: chosen(each, None if key in alls else values[key]) for key, each in given.items()}
    yield "everything", everything
    for key, each in alls.items():
        yield f"one {key}", {**everything, key: chosen(each, values[key])}
    yield "one of each", {key: chosen(each, values[key]) for key, each in given.items()}


def answer(prometheus: Prometheus, target: Object, values: Mapping[str, str]) -> Sequence[Curve]:
    """Queries as Grafana does: instant, or a range with steps of an hour or of a day from midnight."""
    expression = filled(str(target["expr"]), {**values, **INTERVALS})
    if target["instant"]:
        return prometheus.query(expression)
    return prometheus.query_range(expression, DAY if target.get("interval") == "1d" else HOUR)


@every_dashboard
def test_every_query_returns_a_result(name: str, simulation: Simulation) -> None:
    """For every selection: no error, and at least one series, unless the panel says why there is none."""
    silent = []
    for words, values in choices(name, simulation):
        for panel, target in targets(DOCUMENTS[name]):
            place = f"{panel['title']}/{target['refId']}"
            if not answer(simulation.prometheus, target, values) and (name, place) not in MAY_BE_EMPTY:
                silent.append(f"{words}: {place}")
    assert silent == [], "\n".join(silent)


@every_dashboard
def test_every_variable_has_values(name: str, simulation: Simulation) -> None:
    """Including those that the tests select."""
    values = some(name, simulation)
    everything = next(iter(choices(name, simulation)))[1]
    for key, variable in variables(DOCUMENTS[name]).items():
        if variable["type"] == "query" and key not in ("cluster", "only"):  # a plain Prometheus has none
            assert values[key] in offered(simulation.prometheus, str(variable["definition"]), everything), key


def test_limits_are_drawn_only_for_a_single_company(simulation: Simulation) -> None:
    """With several or all companies Prometheus reads no limits."""
    name, values = "chat-usage-alert-tuning", some("chat-usage-alert-tuning", simulation)
    definition = str(variables(DOCUMENTS[name])["only"]["definition"])
    every = next(iter(choices(name, simulation)))[1]
    two = f"({values['company']}|{ONE})"
    found = [
        offered(simulation.prometheus, definition, {**every, "company": each})
        for each in (".+", two, values["company"])
    ]
    assert found == [[], [], [values["company"]]]


@every_dashboard
def test_every_annotation_query_works(name: str, simulation: Simulation) -> None:
    """Alerts and restarts are marked; without a restart there is no mark and no error."""
    everything = next(iter(choices(name, simulation)))[1]
    for note in annotations(DOCUMENTS[name]):
        if "expr" in note:
            found = simulation.prometheus.query_range(filled(str(note["expr"]), everything), HOUR)
            assert found or note["name"] == "Exporter restarted"
            for curve in found:
                moments = [at for at, _ in curve.values]
                assert all(later - one > HOUR.total_seconds() for one, later in pairwise(moments)), "an area"


@pytest.mark.parametrize("name", ["chat-usage-overview", "chat-usage-company"])
def test_all_panels_show_the_same_number_of_alerts(name: str, simulation: Simulation) -> None:
    """For every selection: the figure at the top, the list, and the companies' column without outages."""
    for words, values in choices(name, simulation):
        shown = {
            (str(panel["title"]), str(target["legendFormat"])): answer(simulation.prometheus, target, values)
            for panel, target in targets(DOCUMENTS[name])
        }
        listed = shown["Firing now", "Severity"]
        (counted,) = shown["In one line", "alerts firing"]
        assert counted.last == len(listed), words
        if name == "chat-usage-overview":
            of_companies = [each for each in listed if "company" in each.metric]
            assert sum(each.last for each in shown["Who uses it", "Alerts"]) == len(of_companies), words


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("chat-usage-overview", "Queries/A"),
        ("chat-usage-overview", "Queries by mode/A"),
        ("chat-usage-company", "${activity:text} by day/A"),
        ("chat-usage-company", "Queries, answers, grounded answers/A"),
        ("chat-usage-quality", "Answered, by mode/A"),
    ],
)
def test_the_first_day_has_a_bar(name: str, place: str, simulation: Simulation) -> None:
    """Three hours after the first scrape the last day is drawn, although it was not scraped at its own midnight."""
    first = replace(
        simulation.prometheus, begin=simulation.prometheus.begin - 2 * DAY, now=simulation.prometheus.begin + 3 * HOUR
    )
    target = next(each for panel, each in targets(DOCUMENTS[name]) if f"{panel['title']}/{each['refId']}" == place)
    values = {**next(iter(choices(name, simulation)))[1], "activity": "user_queries"}
    found = answer(first, target, values)
    assert found
    assert all(curve.values[0][0] == first.begin.timestamp() for curve in found)


def test_alerts_beyond_the_rows_are_counted(simulation: Simulation) -> None:
    """The rows are the same over the time range, outages first; another row has the number of the others."""
    values = {**next(iter(choices("chat-usage-overview", simulation)))[1], **INTERVALS}

    def found(most: int) -> tuple[Sequence[Curve], Sequence[Curve]]:
        shown, left_out = (
            simulation.prometheus.query_range(filled(each, values), HOUR) for each in longest(most, *OF_FLEET)
        )
        return shown, left_out

    (every, none_left), (two, others) = found(1000), found(2)
    assert len(every) > 3
    assert none_left == []
    assert {each.metric.get("company") for each in two} == {None}
    assert [each.metric for each in others] == [{"left_out": str(len(every) - 2)}]


NOTHING_WRONG = {"Firing now": "none", "When alerts fired": "none in this time range"}


@pytest.mark.parametrize("name", ["chat-usage-overview", "chat-usage-company", "chat-usage-quality"])
def test_on_the_first_day_no_panel_is_empty_without_a_reason(name: str, simulation: Simulation) -> None:
    """Three hours after the first scrape every panel has data, or says that there are no alerts."""
    first = replace(
        simulation.prometheus, begin=simulation.prometheus.begin - 2 * DAY, now=simulation.prometheus.begin + 3 * HOUR
    )
    values = {**next(iter(choices(name, simulation)))[1], "activity": "user_queries"}
    empty = {}
    for panel in panels(DOCUMENTS[name]):
        if not any(answer(first, target, values) for target in objects(panel["targets"])):
            empty[str(panel["title"])] = an_object(an_object(panel["fieldConfig"])["defaults"])["noValue"]
    assert empty == {title: NOTHING_WRONG[title] for title in empty}


def test_shares_are_in_percent(simulation: Simulation) -> None:
    """Charts use the unit, which names select; tables multiply."""
    values = {**some("chat-usage-company", simulation), "mode": ".+", "activity": "answered_share"}
    document = DOCUMENTS["chat-usage-company"]
    shown = {
        f"{panel['title']}/{target['refId']}": answer(simulation.prometheus, target, values)
        for panel, target in targets(document)
    }
    day, usual, limit = (shown[f"${{activity:text}} by day/{letter}"] for letter in "ABC")
    assert 0.5 < day[0].last < 1
    assert [each.metric.get("of") for each in (*day, *usual, *limit)] == [" share"] * 3
    limits = {each.metric["activity"]: each.last for each in shown["Limits in force/C"]}
    assert limits["answered_share"] == pytest.approx(50)
    assert limits["user_queries"] > 1
    found = {each.metric["activity"]: each.last for each in shown["Limits in force/B"]}
    assert found["answered_share"] == pytest.approx(100 * day[0].last)


def test_the_company_dashboard_works_for_chatbots(simulation: Simulation) -> None:
    """Alerts of both platforms link to it."""
    values = {**some("chat-usage-bots", simulation), "activity": "conversations", "mode": ".+"}
    document = DOCUMENTS["chat-usage-company"]
    shown = {
        f"{panel['title']}/{target['refId']}": answer(simulation.prometheus, target, values)
        for panel, target in targets(document)
    }
    line = [f"In one line/{letter}" for letter in "ABCDE"]
    for place in (*line, "7 days/A", "28 days/A", "${activity:text} by day/A", "Limits in force/A"):
        assert shown[place], place


def test_the_exceptions_exist() -> None:
    """Each is for an existing query."""
    asked = {
        (name, f"{panel['title']}/{target['refId']}")
        for name, document in DOCUMENTS.items()
        for panel, target in targets(document)
    }
    assert MAY_BE_EMPTY.keys() <= asked


# The truth


LAST = date(2026, 11, 19)
WEEK, MONTH = Days(date(2026, 11, 13), LAST), Days(date(2026, 10, 23), LAST)
TUESDAY = date(2026, 11, 17)
UNSEEN = date(2026, 11, 10)
"""The day that was served too late because of the outage."""


def shown(
    simulation: Simulation, name: str, place: str, one: Mapping[str, str], day: date | None = None
) -> dict[str, float]:
    """Returns the result of a panel's query by legend label, for a day or for now.

    `one` are the variables that are not at all.
    """
    document = DOCUMENTS[f"chat-usage-{name}"]
    target = next(each for panel, each in targets(document) if f"{panel['title']}/{each['refId']}" == place)
    given = {key: each for key, each in variables(document).items() if each["type"] != "datasource"}
    values = {key: chosen(each, {"namespace": "production", **one}.get(key)) for key, each in given.items()}
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() if day else None
    found = {}
    for curve in answer(simulation.prometheus, target, values):
        points = dict(curve.values)
        if midnight is None or midnight in points:
            found[label(target, curve.metric)] = curve.last if midnight is None else float(points[midnight])
    return found


def label(target: Object, labels: Mapping[str, str]) -> str:
    """Returns the value of the legend's label, `""` if there is none; for a table the company."""
    named = (value for name, value in labels.items() if f"{{{{{name}}}}}" in str(target["legendFormat"]))
    return next(named, labels.get("company", ""))


def seen_at(day: date) -> datetime:
    """Returns the last poll before the time at which a day's bar is read: 23:00 of the next day."""
    return min(NOW, datetime(day.year, day.month, day.day, 21, tzinfo=UTC) + timedelta(days=1))


def facts(simulation: Simulation, day: date, at: datetime | None = None) -> Iterator[tuple[str, Fact]]:
    """Yields the facts of all companies on a day as known at a moment, with company names."""
    world = simulation.scenario.world
    view = world.view(day, at or seen_at(day))
    assert view
    for company in world.companies:
        for of_report in FACTS.values():
            yield from ((company.name, fact) for fact in of_report(world, company, view))


def total(
    simulation: Simulation,
    what: str,
    days: Iterable[date],
    at: datetime | None = None,
    company: str | None = None,
    label: tuple[str, str] | None = None,
) -> float:
    """Adds up a figure over days, for all or one company or label."""
    return float(
        sum(
            fact.value
            for day in days
            for name, fact in facts(simulation, day, at)
            if fact.family == f"paradigm_{what}" and company in (None, name) and label in (None, *fact.labels)
        )
    )


def share_of_opinions(simulation: Simulation, kind: str) -> float:
    """Returns the number of likes or dislikes of the week as known now."""
    likes, dislikes, asked = (
        total(simulation, "feedbacks", WEEK, NOW, label=("feedback", each)) for each in ("like", "dislike", kind)
    )
    return asked / (likes + dislikes)


def tool_uses(simulation: Simulation, company: str) -> dict[str, float]:
    """Returns the tool uses of the month."""
    found = defaultdict[str, float](float)
    for name, fact in (each for day in MONTH for each in facts(simulation, day, NOW)):
        if name == company and fact.family == "paradigm_tool_uses":
            found[dict(fact.labels)["tool"]] += fact.value
    return found


def of_bot(simulation: Simulation, report: str, what: str, days: Iterable[date]) -> float:
    """Adds up a figure of the chatbot."""
    bot = simulation.scenario.bots.chatbots[0].id
    found = (truth(simulation.scenario.bots, {"chatbot": bot, "report": report}, day, NOW) for day in days)
    return float(sum(float(str(each[what])) for each in found))


def by_mode(simulation: Simulation, day: date) -> dict[str, float]:
    """Returns a day's queries by mode."""
    return {mode: total(simulation, "user_queries", [day], label=("mode", mode)) for mode in MODES}


def by_company(simulation: Simulation, day: date) -> dict[str, float]:
    """Returns a day's queries by company."""
    return {
        each.name: total(simulation, "user_queries", [day], company=each.name)
        for each in simulation.scenario.world.companies
    }


Case = tuple[str, str, date | None, Callable[[Simulation], Mapping[str, float]]]
ONE = "Müller & Söhne GmbH"
CASES: Mapping[str, Case] = {
    "queries of the last day": (
        "overview", "In one line/B", None, lambda it: {"": total(it, "user_queries", [LAST])},
    ),
    "answered": (
        "overview", "Answered/A", LAST,
        lambda it: {"": total(it, "model_responses", [LAST]) / total(it, "user_queries", [LAST])},
    ),
    "grounded": (
        "overview", "Grounded/A", LAST,
        lambda it: {"": total(it, "model_responses_with_docs", [LAST]) / total(it, "model_responses", [LAST])},
    ),
    "a dot of grounded answers": (
        "overview", "Answers, and those grounded in documents/B", TUESDAY,
        lambda it: {"": total(it, "model_responses_with_docs", [TUESDAY])},
    ),
    "a bar stands on its day": ("overview", "Queries by mode/A", TUESDAY, lambda it: by_mode(it, TUESDAY)),
    "a day that was not served has no bar": ("overview", "Queries by mode/A", UNSEEN, lambda _: {}),
    "active users": ("overview", "Active users/A", TUESDAY, lambda it: {"": total(it, "active_users", [TUESDAY])}),
    "the last day of one company": ("company", "In one line/B", None, lambda it: {"": by_company(it, LAST)[ONE]}),
    "7 days of one company": ("company", "7 days/A", None, lambda it: {"": total(it, "user_queries", WEEK, NOW, ONE)}),
    "28 days of one company": (
        "company", "28 days/A", None, lambda it: {"": total(it, "user_queries", MONTH, NOW, ONE)},
    ),
    "tools of one company": ("company", "Tools, 28 days/A", None, lambda it: tool_uses(it, ONE)),
    "liked": ("quality", "Liked/A", None, lambda it: {"": share_of_opinions(it, "like")}),
    "conversations of the chatbot": (
        "bots", "In one line/B", None, lambda it: {"": of_bot(it, "overview", "conversations", [LAST])},
    ),
    "hand-overs accepted": (
        "bots", "Accepted, 7 days/A", None,
        lambda it: {"": of_bot(it, "inbox", "inbox_accepted", WEEK) / of_bot(it, "inbox", "inbox_transfers", WEEK)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_panel_shows_the_platforms_figures(name: str, simulation: Simulation) -> None:
    """As known at the time of the poll."""
    dashboard, place, day, expected = CASES[name]
    assert shown(
        simulation, dashboard, place, {"company": ONE} if dashboard == "company" else {}, day
    ) == pytest.approx(expected(simulation))


def test_the_table_of_companies_shows_the_platforms_figures(simulation: Simulation) -> None:
    """A row per company with the last day's queries, or conversations of a chatbot."""
    bot = simulation.scenario.bots.chatbots[0].habits.name
    table = shown(simulation, "overview", "Who uses it/C", {"source": "demo"})
    assert table == by_company(simulation, LAST)
    assert shown(simulation, "overview", "Who uses it/C", {"source": "demo_bot"}) == {
        bot: of_bot(simulation, "overview", "conversations", [LAST])
    }
