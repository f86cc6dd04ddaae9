"""Inhibition rules: what a real Alertmanager delivers and suppresses.

All cases fire at once, in one Alertmanager; the labels cluster and source keep them apart, as they keep apart the
clusters and sources of an installation.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e import programs
from tests.oncall import shipped, time_scaling
from tests.oncall.alerting import Alertmanager, alertmanager
from tests.oncall.amtool import program
from tests.oncall.collector import Message, collecting
from tests.oncall.shipped import SUITES, Config, mapping, mappings, texts, words

pytestmark = [pytest.mark.e2e, pytest.mark.once]

FACTOR = 200  # 30s are 150 ms, enough for an inhibition to be known; 15m are 4.5 s
TIMEOUT_S = 30
CASES = shipped.cases("inhibition")
RULES = mappings(shipped.alertmanager()["inhibit_rules"])

Labels = frozenset[tuple[str, str]]


class Deliveries(NamedTuple):
    """The result of all cases: messages, and labels of suppressed alerts."""

    messages: tuple[Message, ...]
    held: frozenset[Labels]


def fired(case: Config, key: str) -> Iterator[dict[str, str]]:
    """Yields the labels of the alerts of a case."""
    for written in mappings(case.get(key, [])):
        labels = texts({"service": "chat-usage", "cluster": case["id"], "source": case["id"], **written})
        count = int(labels.pop("count", 0))
        ids = [{"company_id": str(number + 1)} for number in range(count)] or [{}]
        yield from ({name: value for name, value in (labels | each).items() if value} for each in ids)


def of(case: Config) -> Mapping[str, str]:
    """Returns the label that identifies the alerts of a case."""
    return {"cluster": str(case["id"])}


@pytest.fixture(scope="module", params=SUITES)
def deliveries(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deliveries]:
    """Fires all cases, and waits until everything that is not suppressed is delivered."""
    with collecting() as collector:
        config = shipped.delivering_to(shipped.alertmanager(), collector.url)
        folder = tmp_path_factory.mktemp("alertmanager")
        with alertmanager(program("alertmanager", request.param), folder, routed(config)) as running:
            running.post([labels for case in CASES for key in ("alerts", "held") for labels in fired(case, key)])
            programs.wait_for(lambda: settled(running, collector.messages), "every message", TIMEOUT_S)
            held = frozenset(frozenset(each.labels.items()) for each in running.alerts() if is_held(each.status.state))
        yield Deliveries(tuple(collector.messages), held)


def routed(config: Config) -> Config:
    return dict(time_scaling.alertmanager(config, FACTOR))


def is_held(state: str) -> bool:
    return state == "suppressed"


def settled(running: Alertmanager, messages: list[Message]) -> bool:
    """Tells whether each expected alert was delivered to all its receivers."""
    heard = Counter(frozenset(labels.items()) for message in messages for labels in message.firing)
    told = [frozenset(each.labels.items()) for each in running.alerts() if each.status.state == "active"]
    expected = Counter({str(case["id"]): sum(mapping(case["messages"]).values()) for case in CASES})  # type: ignore[arg-type]  # numbers, in a table of YAML
    came = Counter(message.firing[0]["cluster"] for message in messages)
    is_silent = {labels for labels in told if ("severity", "info") in labels}
    return all(heard[labels] for labels in told if labels not in is_silent) and came >= expected


@pytest.mark.parametrize("case", [pytest.param(case, id=str(case["id"])) for case in CASES])
def test_a_case_delivers_exactly_these_messages(deliveries: Deliveries, case: Config) -> None:
    """Messages by receiver and suppressed alerts; all others are delivered."""
    name = str(case["id"])
    mine = [message for message in deliveries.messages if {each["cluster"] for each in message.firing} == {name}]
    delivered = {frozenset(each.items()) for message in mine for each in message.firing}

    assert mapping(case["messages"]) == Counter(message.receiver for message in mine)
    assert {frozenset(each.items()) for each in fired(case, "held")} == {
        labels for labels in deliveries.held if ("cluster", name) in labels
    }
    assert {frozenset(each.items()) for each in fired(case, "alerts") if each["severity"] != "info"} == delivered


def test_only_pages_group_several_companies(deliveries: Deliveries) -> None:
    """Warnings are grouped by company, pages by alert and source."""
    for message in deliveries.messages:
        of_page = "severity", "critical"
        grouped = ("alertname", "source") if of_page in message.firing[0].items() else ("source", "company_id")
        grouped = ("source", "company_id") if message.receiver == "chat-usage-account-team" else grouped
        assert len({tuple(each.get(name) for name in grouped) for each in message.firing}) == 1


def test_every_rule_has_a_suppressed_and_a_delivered_case() -> None:
    numbers = {str(number + 1) for number in range(len(RULES))}

    for key in ("swallowed_by", "spared_by"):
        assert numbers == {number for case in CASES for number in words(case.get(key, []))}
    assert all(("held" in case) == ("swallowed_by" in case) for case in CASES)


def test_a_page_for_one_company_is_never_suppressed() -> None:
    """Except by one for the same company and activity."""
    of_no_company = {'alertname="ChatUsageManyCompaniesDropped"',
                     'alertname=~"ChatUsageReportFetchFailing|ChatUsageReportStale|ChatUsagePlatformSilent"',
                     'alertname=~"ChatUsageReportFetchFailing|ChatUsageReportStale"',
                     'alertname="ChatUsageReportStale"'}  # fmt: skip
    for rule in RULES:
        targets, sources = set(words(rule["target_matchers"])), set(words(rule["source_matchers"]))
        same = {"source", "company_id", "activity"} <= set(words(rule["equal"])) and 'severity="critical"' in sources
        assert 'severity=~"warning|info"' in targets or targets & of_no_company or same, rule


def test_warnings_and_pages_about_yesterday_wait_for_working_hours(tmp_path: Path) -> None:
    """Without working hours other pages are delivered and warnings are not; many companies go only to Slack."""
    page = {"service": "chat-usage", "alertname": "ChatUsageNoReportAtAll", "severity": "critical", "source": "a"}
    yesterday = {**page, "alertname": "ChatUsageManyCompaniesDropped"}
    warning = {"service": "chat-usage", "alertname": "ChatUsageConfigReloadFailed", "severity": "warning"}
    # Their e-mail knows no hours: it is sent after the ticket.
    theirs = {**warning, "company_id": "17", "source": "production"}
    with collecting() as collector:
        config = shipped.delivering_to(shipped.alertmanager(), collector.url, at_any_hour=False)
        with alertmanager(program("alertmanager", "trixie"), tmp_path, routed(config)) as running:
            running.post([warning, theirs])
            running.post([page, yesterday])
            programs.wait_for(lambda: len(collector.messages) >= 5, "both pages and the e-mail", TIMEOUT_S)

    assert Counter(message.receiver for message in collector.messages) == {
        "chat-usage-pager": 1,
        "chat-usage-jsm": 1,
        "chat-usage-slack": 2,
        "chat-usage-account-team": 1,
    }
