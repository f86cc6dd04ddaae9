"""`demo --stack`: the shipped files with the real programs, its notifications, and messages if something is missing."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from exporter.cli.demo import receiver, stack
from exporter.cli.main import run
from exporter.domain.errors import ConfigError, FailedError
from exporter.web.status.page import NO_LINKS, Links
from tests import loopback
from tests.cli.test_process import COMMAND, GRACE_S
from tests.e2e.programs import answers, find, running, wait_for
from tests.oncall import shipped
from tests.oncall.amtool import program, run_program
from tests.oncall.shipped import SUITES, mapping, mappings

FREE = {"prometheus": "127.0.0.1:0", "alertmanager": "127.0.0.1:0"}
WATCHDOG = {"alertname": "ChatUsageWatchdog", "service": "chat-usage", "severity": "none"}


def executable(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sets PATH to a folder of the test and the system's folders."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts the real programs on PATH; skips if they are missing."""
    folders = {str(find(name).parent) for name in stack.PROGRAMS}
    monkeypatch.setenv("PATH", os.pathsep.join([*folders, os.environ["PATH"]]))


def test_a_demo_without_the_programs_says_in_one_line_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything starts."""
    monkeypatch.setenv("PATH", str(tmp_path))

    assert run(["demo", "--stack"]) == 1

    out, err = capsys.readouterr()
    assert (out, err) == (
        "",
        "chat-usage-exporter: --stack: prometheus and alertmanager not found on PATH; on Debian `make tools` fetches"
        " both and prints the PATH to set; else see prometheus.io/download\n",
    )


def test_the_program_that_lacks_is_named(on_path: Path) -> None:
    executable(on_path / "prometheus", "exit")

    with pytest.raises(FailedError, match=r"^--stack: alertmanager not found on PATH; "):
        stack.find(FREE)


def test_a_package_without_the_files_says_where_they_are(on_path: Path, tmp_path: Path) -> None:
    for name in stack.PROGRAMS:
        executable(on_path / name, "exit")

    with pytest.raises(FailedError, match=r"alert_rules/ is not beside .*; run it from a whole copy of the repository"):
        stack.find(FREE, tmp_path / "exporter")


@pytest.mark.parametrize("inside", [True, False], ids=["in an installed package", "beside the package in a checkout"])
def test_the_files_are_found(on_path: Path, tmp_path: Path, inside: bool) -> None:
    for name in stack.PROGRAMS:
        executable(on_path / name, "exit")
    package = tmp_path / "exporter"
    files = package / "shipped" if inside else tmp_path
    (files / "alert_rules").mkdir(parents=True)

    assert files == stack.find(FREE, package).files


def test_an_address_that_is_none_names_its_option(on_path: Path) -> None:
    for name in stack.PROGRAMS:
        executable(on_path / name, "exit")

    with pytest.raises(ConfigError, match=r'--stack\.alertmanager-address: "x" is not an address'):
        stack.find({**FREE, "alertmanager": "x"})


@pytest.mark.e2e
@pytest.mark.parametrize("suite", SUITES)
def test_the_shipped_files_stay_valid(suite: str, tmp_path: Path) -> None:
    """With the demo's addresses and paths; routes, rules and the null receiver are as shipped."""
    ours = shipped.alertmanager()
    alerting = dict(receiver.delivering(ours, shipped.ROOT, "http://127.0.0.1:1"))
    scraping = dict(stack.scrape(prometheus(), shipped.ROOT, "http://127.0.0.1:2", "http://127.0.0.1:3"))
    for name, config in (("alertmanager", alerting), ("prometheus", scraping)):
        (tmp_path / name).write_text(yaml.safe_dump(config))

    assert run_program(program("amtool", suite), "check-config", tmp_path / "alertmanager").status == 0
    assert run_program(program("promtool", suite), "check", "config", tmp_path / "prometheus").status == 0
    for key in ("route", "inhibit_rules", "time_intervals"):
        assert alerting[key] == ours[key]
    assert [each["name"] for each in mappings(alerting["receivers"]) if len(each) == 1] == ["chat-usage-null"]
    assert scraping["global"] == prometheus()["global"]
    assert [each["job_name"] for each in mappings(prometheus()["scrape_configs"])] == [stack.JOB]


def test_rules_lead_to_the_addresses_that_are_known() -> None:
    """Without addresses they stay as shipped; with them, no link leads to an example."""
    for path in (shipped.ROOT / "alert_rules").glob("*.yml"):
        rules = path.read_text()
        assert stack.linked(rules, NO_LINKS) == rules
        known = stack.linked(rules, Links("https://docs.test/d", "https://graphs.test"))
        assert "example.org" not in known
        assert known.count("https://docs.test/d/runbooks/ChatUsage") == rules.count("runbook_url")


def prometheus() -> shipped.Config:
    return mapping(yaml.safe_load(shipped.PROMETHEUS.read_text()))


def test_each_channel_keeps_its_own_texts() -> None:
    """Where a program would get JSON, the common texts are shown."""
    receivers = mappings(receiver.delivering(shipped.alertmanager(), shipped.ROOT, "http://x")["receivers"])
    texts = {
        str(each["name"]): [f"{block['title']}{block['text']}" for block in mappings(each.get("slack_configs", []))]
        for each in receivers
    }

    def of(*names: str) -> list[str]:
        return ["".join(f'{{{{ template "chat_usage.{name}" . }}}}' for name in names)]

    assert texts == {
        "chat-usage-null": [],
        "chat-usage-pager": of("pagerduty.description", "pagerduty.firing"),
        "chat-usage-jsm": of("jsm.message", "jsm.description"),
        "chat-usage-slack": of("slack.title", "slack.text"),
        "chat-usage-account-team": of("headline", "text"),
        "chat-usage-tickets": of("slack.title", "slack.text"),
        "chat-usage-dead-mans-switch": of("headline", "text"),
    }


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("channel", "told"),
    [
        pytest.param("slack_configs", "R&D fell\n    • R&D runbook: https://x/a\n", id="as Slack shows it"),
        pytest.param(
            "webhook_configs",
            "R&amp;D fell\n    • R&amp;D <https://x/a|runbook>\n",
            id="as it was written",
        ),
    ],
)
async def test_a_notice_is_what_a_person_reads(channel: str, told: str) -> None:
    heard: list[str] = []
    transport = httpx.ASGITransport(receiver.create_app(heard.append))
    attachment = {"title": "R&amp;D fell", "text": "R&amp;D fell\n• R&amp;D <https://x/a|runbook>\n", "color": "good"}
    async with httpx.AsyncClient(transport=transport, base_url="http://demo") as http:
        answer = await http.post(f"/{channel}/team", json={"attachments": [attachment], "channel": "#demo"})

    assert (answer.status_code, heard) == (200, [f"--- to team: {told}"])


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("script", "said"),
    [
        pytest.param("echo starting; echo 'no such flag'; exit 1", "no such flag", id="ends"),
        pytest.param("exit 0", "it said nothing", id="ends in silence"),
        pytest.param(
            "trap '' TERM; echo waiting; while :; do sleep 0.01; done", "waiting", id="never gets ready, nor ends"
        ),
    ],
)
async def test_a_program_that_does_not_run_is_named_with_what_it_said(on_path: Path, script: str, said: str) -> None:
    """And it has ended afterwards, even if it ignores signals."""
    for name in stack.PROGRAMS:
        executable(on_path / name, script)
    found = stack.find(FREE, shipped.ROOT / "exporter")

    with pytest.raises(FailedError, match=f"^--stack: alertmanager did not get ready: {said}$"):
        async with stack.running(found, "http://127.0.0.1:1", ready_s=0.5, end_s=0.1):
            pass


@pytest.mark.e2e
@pytest.mark.anyio
@pytest.mark.usefixtures("real")
async def test_the_programs_run_for_the_length_of_a_block(capsys: pytest.CaptureFixture[str]) -> None:
    """Their addresses are printed, and an alert arrives at once: the watchdog."""
    found = stack.find(FREE)
    async with stack.running(found, "http://127.0.0.1:1") as invitation, httpx.AsyncClient(trust_env=False) as http:
        await http.post(f"{found.alertmanager}/api/v2/alerts", json=[{"labels": WATCHDOG}])
        async with asyncio.timeout(GRACE_S):
            while "ChatUsageWatchdog" not in (told := capsys.readouterr().out):  # noqa: ASYNC110 it comes when it comes
                await asyncio.sleep(0.05)

    assert f"Prometheus is at {found.prometheus}/alerts" in invitation
    assert told.startswith("--- to chat-usage-dead-mans-switch: [FIRING:1] ChatUsageWatchdog\n")
    assert not answers(f"{found.prometheus}/-/ready")


@pytest.mark.e2e
@pytest.mark.usefixtures("real")
def test_a_demo_with_its_stack_delivers_and_ends_whole(tmp_path: Path) -> None:
    """Prometheus has six weeks, an alert for Alertmanager is printed, and after SIGTERM nothing answers."""
    log = tmp_path / "log"
    command = [*COMMAND, "demo", "--stack", "--companies", "2", "--web.listen-address", "127.0.0.1:0"]
    with running(command, log, lambda: "Prometheus is at " in log.read_text()) as process:
        prometheus, alertmanager = urls(log.read_text())
        wait_for(lambda: up(prometheus), "the exporter to be scraped", 90)  # its interval, and what Prometheus adds
        wait_for(lambda: "Prometheus now has the days from " in log.read_text(), "the past", 90)
        assert (
            days(prometheus, "paradigm_user_queries_daily") == days(prometheus, "chatcaptain_conversations_daily") == 43
        )
        assert len(rules(prometheus)) > 10
        loopback.post(f"{alertmanager}/api/v2/alerts", json=[{"labels": WATCHDOG}]).raise_for_status()
        notice = "--- to chat-usage-dead-mans-switch: [FIRING:1] ChatUsageWatchdog"
        wait_for(lambda: notice in log.read_text(), "the notification", 90)  # Alertmanager waits before a first one
        process.send_signal(signal.SIGTERM)
        assert process.wait(GRACE_S) == 0

    assert not any(answers(f"{url}/-/ready") for url in (prometheus, alertmanager))
    assert "Traceback" not in log.read_text()


def urls(told: str) -> Iterator[str]:
    """Yields the URLs of Prometheus and Alertmanager."""
    (line,) = [line for line in told.splitlines() if line.startswith("Prometheus is at ")]
    prometheus, alertmanager = line.removeprefix("Prometheus is at ").split(";")[0].split(", Alertmanager at ")
    yield prometheus.removesuffix("/alerts")
    yield alertmanager


def up(prometheus: str) -> bool:
    answer = loopback.get(f"{prometheus}/api/v1/query", params={"query": "up == 1"})
    return bool(answer.json()["data"]["result"])


def days(prometheus: str, family: str) -> float:
    """Returns the number of days of a family, for the company or chatbot with the most."""
    asked = f'max(count_over_time({family}{{job="chat-usage-exporter"}}[60d]))'
    (found,) = loopback.get(f"{prometheus}/api/v1/query", params={"query": asked}).json()["data"]["result"]
    return float(found["value"][1])


def rules(prometheus: str) -> list[object]:
    groups = loopback.get(f"{prometheus}/api/v1/rules").json()["data"]["groups"]
    return [rule for group in groups for rule in group["rules"]]
