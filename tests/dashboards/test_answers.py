"""Every question of every panel is answered by a real Prometheus, whatever is chosen, and the answers are true."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

import pytest

from tests.dashboards.conftest import Lived
from tests.dashboards.shipped import FILES, Object, an_object, annotations, filled, read, targets, variables
from tests.dashboards.tsdb import Curve, Past

pytestmark = [pytest.mark.e2e, pytest.mark.once]

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
INTERVALS = {"__rate_interval": "4h", "__interval": "1h", "__range": "12d"}
"""As Grafana makes them of a data source that is scraped each hour."""
ONE_COMPANY = frozenset({"one company", "one of each"})
MAY_BE_EMPTY: Mapping[tuple[str, str], tuple[frozenset[str] | None, str]] = {
    ("chat-usage-exporter", "Series by source/B"): (None, "nothing is dropped below limits.max_series"),
    ("chat-usage-exporter", "Fields that are not as documented/A"): (None, "all fields are"),
    ("chat-usage-exporter", "Figures that cannot be true/A"): (None, "all can"),
    ("chat-usage-exporter", "Companies that were taken back/A"): (None, "none was"),
    ("chat-usage-alert-tuning", "Alerts that would have come/B"): (ONE_COMPANY, "it fell, and never rose"),
    ("chat-usage-alert-tuning", "By company/C"): (ONE_COMPANY, "it fell, and never rose"),
    ("chat-usage-alert-tuning", "Companies without a lower limit/A"): (ONE_COMPANY, "it has one"),
}
"""Questions whose empty answer is the right one, as their panels say: at which choices (None is any), and why."""
DOCUMENTS = {path.stem: read(path) for path in FILES}
every_dashboard = pytest.mark.parametrize("name", DOCUMENTS)


def chosen(variable: Object, value: str | None) -> str:
    """Returns what Grafana puts in the place of a variable: one value, or all, or what is chosen at first."""
    if value is None and variable["includeAll"]:
        return str(variable["allValue"])
    if value is None:
        return str(an_object(variable["current"])["value"])
    if variable["multi"]:
        return re.sub(r"[\\^$.*+?()[\]{}|\-/]", lambda found: f"\\\\{found[0]}", value).replace('"', '\\"')
    return value.replace("\\", "\\\\").replace('"', '\\"')


def offered(past: Past, query: str, values: Mapping[str, str]) -> Sequence[str]:
    """Returns the values of a `label_values(selector, label)`, sorted."""
    found = re.fullmatch(r"label_values\((.+), (\w+)\)", filled(query, values))
    assert found
    name = found[2]
    return sorted(each.metric[name] for each in past.at(f"count by ({name}) ({found[1]})") if name in each.metric)


def some(name: str, lived: Lived) -> Mapping[str, str]:
    """Returns a value for each variable: of who has a story, so that there is something to see."""
    bot = lived.story.bots.chatbots[0].habits.name
    fallen = lived.story.world.companies[lived.story.cast.fallen - 1].name
    is_of_bots = name == "chat-usage-bots"
    return {
        "source": "demo_bot" if is_of_bots else "demo",
        "company": bot if is_of_bots else fallen,
        "mode": "agent",
        "activity": "user_queries",
        "job": "chat-usage-exporter",
        "instance": "localhost:9854",
        "drop": "0.5",
        "spike": "3",
        "baseline": "20",
        "history": ".+",
    }


def choices(name: str, lived: Lived) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yields what may be chosen: everything, each variable at one value, and each of them at one at once."""
    given = {key: each for key, each in variables(DOCUMENTS[name]).items() if each["type"] != "datasource"}
    values = some(name, lived)
    alls = {key: each for key, each in given.items() if each["includeAll"]}
    everything = {key: chosen(each, None if key in alls else values[key]) for key, each in given.items()}
    yield "everything", everything
    for key, each in alls.items():
        yield f"one {key}", {**everything, key: chosen(each, values[key])}
    yield "one of each", {key: chosen(each, values[key]) for key, each in given.items()}


def answer(past: Past, target: Object, values: Mapping[str, str]) -> Sequence[Curve]:
    """Asks as Grafana does: once at the end, or in steps of an hour or of a day from midnights on."""
    expression = filled(str(target["expr"]), {**values, **INTERVALS})
    if target["instant"]:
        return past.at(expression)
    return past.over(expression, DAY if target.get("interval") == "1d" else HOUR)


@every_dashboard
def test_every_question_is_answered(name: str, lived: Lived) -> None:
    """With every variable at all and at one value: no error, and a series at least, or the panel says why none."""
    silent = []
    for words, values in choices(name, lived):
        for panel, target in targets(DOCUMENTS[name]):
            place = f"{panel['title']}/{target['refId']}"
            if not answer(lived.past, target, values) and (name, place) not in MAY_BE_EMPTY:
                silent.append(f"{words}: {place}")
    assert silent == [], "\n".join(silent)


@every_dashboard
def test_every_variable_offers_something(name: str, lived: Lived) -> None:
    """And what the tests choose is among it."""
    values = some(name, lived)
    everything = next(iter(choices(name, lived)))[1]
    for key, variable in variables(DOCUMENTS[name]).items():
        if variable["type"] == "query":
            assert values[key] in offered(lived.past, str(variable["definition"]), everything), key


@every_dashboard
def test_every_note_is_found(name: str, lived: Lived) -> None:
    """Alerts and restarts are marked; twelve days without a restart have none, but no error."""
    everything = next(iter(choices(name, lived)))[1]
    for note in annotations(DOCUMENTS[name]):
        if "expr" in note:
            found = lived.past.over(filled(str(note["expr"]), everything), HOUR)
            assert found or note["name"] == "Exporter restarted"


def test_a_company_of_a_chatbot_has_its_page_too(lived: Lived) -> None:
    """Alerts of both platforms lead to the page of the company: what is judged is there for both."""
    values = {**some("chat-usage-bots", lived), "activity": "conversations", "mode": ".+"}
    document = DOCUMENTS["chat-usage-company"]
    shown = {
        str(panel["title"]): answer(lived.past, target, values)
        for panel, target in targets(document)
        if target["refId"] == "A"
    }
    for title in (
        "Last complete day",
        "Against the usual",
        "7 days",
        "28 days",
        "Data age",
        "$activity",
        "Limits in force",
    ):
        assert shown[title], title


def test_the_exceptions_are_still_there() -> None:
    """Each stands for a question that exists."""
    asked = {
        (name, f"{panel['title']}/{target['refId']}")
        for name, document in DOCUMENTS.items()
        for panel, target in targets(document)
    }
    assert MAY_BE_EMPTY.keys() <= asked
