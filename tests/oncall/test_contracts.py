"""400 companies on each of 3 sources, with limits from a file: which team gets which notification.

A table that knows the contracts and the figures alone says who should; exporter, Prometheus and Alertmanager are real.
"""

import csv
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
import yaml

from exporter.domain.model import Column, Days, Reading, Row
from exporter.exposition.board import Board, rendered
from exporter.exposition.series_limit import SeriesLimits
from exporter.exposition.text import Format
from exporter.ledger.ledger import Asked, Ledger, fold
from exporter.metrics.target import Health, ReportState
from exporter.platforms.paradigm.platform import CHAT_SESSIONS, GROUNDED, QUERIES, RESPONSES
from exporter.platforms.registry import platforms
from exporter.settings import Source, load
from tests.e2e import programs
from tests.e2e.prometheus import started
from tests.e2e.test_prometheus import serving
from tests.oncall import shipped, time_scaling
from tests.oncall.alerting import alertmanager
from tests.oncall.collector import Collector, collecting
from tests.oncall.shipped import Config, mapping, mappings
from tests.oncall.test_two_releases import TEXT, at_once

pytestmark = [pytest.mark.e2e, pytest.mark.once]

SOURCES = ("cloud", "hosted", "lab")
COMPANIES = tuple(map(str, range(1, 401)))
TEAMS = ("platform", "sales", "success")
DAYS = 10
FACTOR = 100
"""Alertmanager's group wait of 15 minutes takes nine seconds."""


class Use(NamedTuple):
    """A company's daily usage."""

    user_queries: int
    model_responses: int
    model_responses_with_docs: int


class Contract(NamedTuple):
    """A contract: a row of the thresholds file."""

    source: str
    company: str
    activity: str
    below: str
    above: str
    severity: str
    team: str


class Notification(NamedTuple):
    """A notification: receiver, alert and severity."""

    team: str
    alert: str
    source: str
    company: str
    activity: str
    severity: str


def uses() -> Mapping[tuple[str, str], Use]:
    dice, found = Random(1), {}
    for source in SOURCES:
        for company in COMPANIES:
            queries = dice.randint(5, 200)
            responses = dice.randint(queries // 2, queries)
            found[source, company] = Use(queries, responses, dice.randint(0, responses))
    return found


def contracts() -> Iterator[Contract]:
    """Yields a limit for each company and source; counts often have a critical one in addition."""
    dice = Random(2)
    for source in SOURCES:
        for company in COMPANIES:
            activity = dice.choice(("user_queries", "model_responses", "answered_share", "grounded_share"))
            limit, team = dice.randint(1, 40), dice.choice(TEAMS)
            if activity.endswith("share"):
                yield Contract(
                    source, company, activity, f"{limit + 15}%", "", dice.choice(("warning", "critical")), team
                )
            elif dice.random() < 0.5:
                yield Contract(source, company, activity, str(limit + 10), "", "warning", team)
                yield Contract(source, company, activity, str(limit), "", "critical", dice.choice(TEAMS))
            else:
                yield Contract(source, company, activity, "", str(limit + 150), "warning", team)


def broken(contract: Contract, use: Use) -> bool:
    """Returns whether a contract is broken; shares are over 7 days and ignored below 100."""
    volume = {"answered_share": use.user_queries, "grounded_share": use.model_responses}.get(contract.activity)
    if volume is not None:
        part = use.model_responses if contract.activity == "answered_share" else use.model_responses_with_docs
        return volume * 7 >= 100 and part / volume < int(contract.below.rstrip("%")) / 100
    figure = use.user_queries if contract.activity == "user_queries" else use.model_responses
    return figure < int(contract.below) if contract.below else figure > int(contract.above)


def who_should_be_told() -> tuple[set[Notification], set[Notification]]:
    """Returns broken contracts and expected notifications; a critical one inhibits the warning."""
    use = uses()
    firing = {
        Notification(
            contract.team,
            "ChatUsageBelowThreshold" if contract.below else "ChatUsageAboveThreshold",
            contract.source,
            contract.company,
            contract.activity,
            contract.severity,
        )
        for contract in contracts()
        if broken(contract, use[contract.source, contract.company])
    }
    critical = {each[1:5] for each in firing if each.severity == "critical"}
    return firing, {each for each in firing if each.severity == "critical" or each[1:5] not in critical}


def sources(folder: Path) -> Mapping[str, Source]:
    """Loads the configuration with these contracts."""
    with (folder / "limits.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(Contract._fields)
        rows.writerows(contract._replace(company=f"id:{contract.company}") for contract in contracts())
    own = {"platform": "paradigm", "api_key": "a-key-in-a-test", "reports": ["chat-sessions"]}
    config = {
        "sources": {name: {**own, "families": {"exclude": ["paradigm_*"]}} for name in SOURCES},
        "calendars": {"default": {"weekend": []}},
        "thresholds_file": "limits.csv",
    }
    (folder / "exporter.yml").write_text(yaml.safe_dump(config))
    return load(folder / "exporter.yml", {}, platforms()).sources


def page(folder: Path, now: datetime) -> bytes:
    """Returns the exposition with this usage."""
    asked, use = Days(now.date() - timedelta(days=DAYS), now.date()), uses()
    limits = SeriesLimits(1_000_000, 2**30)
    board, made = Board(limits), {}
    for name, source in sources(folder).items():
        rows = tuple(
            Row("chat", day, company, {Column(family, ("chat",)): float(value) for family, value in figures})
            for company in COMPANIES
            for figures in [
                tuple(zip((QUERIES.family, RESPONSES.family, GROUNDED.family), use[name, company], strict=True))
            ]
            for day in asked
        )
        names = {company: f"Company {company}" for company in COMPANIES}
        reading = Reading(names, frozenset(CHAT_SESSIONS.parts), rows)
        ledger = fold(Ledger(), reading, Asked(asked, asked.last, now, DAYS), lambda _id, _name: True)
        health = Health(
            timedelta(hours=1),
            last_attempt=now,
            last_success=now,
            read_at=now,
            duration=1.0,
            outcome="ok",
            history=True,
        )
        states = {CHAT_SESSIONS.name: ReportState(ledger, health, listed=names)}
        made[name] = rendered(source.target, states, [CHAT_SESSIONS], now)
    board.replace(made, limits)
    return board.shown.exposition[Format.TEXT].plain


def routes(collector: Collector) -> Config:
    """Returns the example's routes after one per team, as in the documentation."""
    config = shipped.delivering_to(shipped.alertmanager(), collector.url)
    [subtree] = mappings(mapping(config["route"])["routes"])
    teams = [{"matchers": [f'team="{team}"'], "receiver": team, "continue": True} for team in TEAMS]
    subtree["routes"] = [*teams, *mappings(subtree["routes"])]
    webhooks = ((team, [{"url": f"{collector.url}/{team}", "send_resolved": False}]) for team in TEAMS)
    own = [{"name": team, "webhook_configs": each} for team, each in webhooks]
    return dict(time_scaling.alertmanager({**config, "receivers": [*mappings(config["receivers"]), *own]}, FACTOR))


def started_with(folder: Path, target: str, alerts_to: str) -> Path:
    """Writes Prometheus' configuration with the default rules, without `for`."""
    for path in shipped.rule_files(optional=False):
        groups = mappings(mapping(yaml.load(path.read_text(), yaml.CSafeLoader))["groups"])
        (folder / f"rules-{path.name}").write_text(yaml.safe_dump(at_once(groups)))
    config: Config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "rule_files": [f"{folder}/rules-*.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alerts_to.removeprefix("http://")]}]}]},
        "scrape_configs": [{"job_name": "chat-usage-exporter", "static_configs": [{"targets": [target]}]}],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    return folder / "prometheus.yml"


def told(labels: Mapping[str, str]) -> Notification:
    names = ("team", "alertname", "source", "company_id", "activity", "severity")
    return Notification(*(labels[name] for name in names))


def test_each_team_is_notified_only_of_its_contracts(tmp_path: Path) -> None:
    """Fixed upper and lower limits, shares, and warnings in addition to critical ones."""
    firing, sent = who_should_be_told()
    with ExitStack() as stack:
        collector = stack.enter_context(collecting())
        alerting = stack.enter_context(alertmanager(programs.find("alertmanager"), tmp_path, routes(collector)))
        served = stack.enter_context(serving(TEXT, page(tmp_path, datetime.now(UTC).replace(hour=12))))
        file = started_with(tmp_path, f"127.0.0.1:{served.server_port}", alerting.url)
        server = stack.enter_context(started(programs.find("prometheus"), tmp_path, file))

        def heard() -> set[Notification]:
            messages = [each for each in collector.messages if each.receiver in TEAMS]
            assert all(labels["team"] == each.receiver for each in messages for labels in each.firing)
            return {told(labels) for each in messages for labels in each.firing}

        programs.wait_for(lambda: len(heard()) >= len(sent), f"{len(sent)} alerts at their teams", 90)
        assert {told(each.labels) for each in server.query('ALERTS{alertstate="firing", team!=""}')} == firing
        assert heard() == sent
    assert len({each.activity for each in sent}) == 4
    assert len(firing) > len(sent) > 100
