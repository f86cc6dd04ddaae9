"""The runbooks: one for each alert, complete, and true of rules, metrics and options as far as a test can tell."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from exporter.cli.metrics import catalogue
from exporter.domain.errors import OUTCOMES
from exporter.platforms.api import INVARIANTS
from exporter.platforms.registry import platforms
from exporter.settings import load
from tests.oncall import shipped
from tests.oncall.amtool import program
from tests.oncall.shipped import SUITES, Config, mapping, mappings
from tools import runbooks

FOLDER = shipped.ROOT / "docs" / "runbooks"
INDEX = FOLDER / "README.md"
SECTIONS = ["Meaning", "Impact", "Diagnosis", "Mitigation", "False positives", "How to tune or switch off"]
EVERY_SEVERITY = "{{ $labels.severity }}"
METRIC = re.compile(r"\b(?:paradigm|chatcaptain|chat_usage)_\w+\b")


def rules() -> Iterator[tuple[Path, Config]]:
    """Yields each rule that is an alert, with its file."""
    for path in shipped.rule_files():
        for group in mappings(mapping(yaml.load(path.read_text(), yaml.CSafeLoader))["groups"]):
            yield from ((path, rule) for rule in mappings(group["rules"]) if "alert" in rule)


ALERTS = sorted({str(rule["alert"]) for _, rule in rules()})


def page(alert: str) -> str:
    return (FOLDER / f"{alert}.md").read_text()


def blocks(text: str, language: str) -> list[str]:
    """Returns the code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def queries(text: str) -> list[str]:
    """Returns the queries of a page: each line is one, as somebody pastes it."""
    return [line for block in blocks(text, "promql") for line in block.splitlines()]


def ways(text: str) -> list[str]:
    """Returns where the links of a page lead, those to other hosts apart."""
    return [way for way in re.findall(r"\]\(([^)]+)\)", text) if "://" not in way]


def anchors(text: str) -> set[str]:
    """Returns the anchors of a page's headings."""
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.+)$", text, re.M)}


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == {*ALERTS, INDEX.stem}


def test_every_alert_leads_to_its_runbook() -> None:
    """The address begins with a place that each operator replaces; the rest of it is our path."""
    for _, rule in rules():
        url = str(mapping(rule["annotations"])["runbook_url"])
        assert url == f"https://example.org/chat-usage-exporter/docs/runbooks/{rule['alert']}.md"


@pytest.mark.parametrize("alert", ALERTS)
def test_a_runbook_has_all_sections_in_order_and_none_is_empty(alert: str) -> None:
    title, *sections = re.split(r"^## ", page(alert), flags=re.MULTILINE)
    named = {name: text.strip() for name, _, text in (section.partition("\n") for section in sections)}

    assert title.startswith(f"# {alert}\n\n")
    assert list(named) == SECTIONS
    assert all(named.values())
    assert queries(named["Diagnosis"])


@pytest.mark.parametrize("alert", ALERTS)
def test_a_runbook_says_of_what_severity_its_alert_is_and_where_it_stands(alert: str) -> None:
    found = [(path.relative_to(shipped.ROOT), rule) for path, rule in rules() if rule["alert"] == alert]
    severities = [str(mapping(rule["labels"])["severity"]) for _, rule in found]
    told = " or ".join("severity of the limit" if each == EVERY_SEVERITY else f"`{each}`" for each in severities)
    path, rule = found[0]
    wait = f"after {rule['for']}" if "for" in rule else "at once"

    assert page(alert).splitlines()[2] == f"{told}, {wait} · [{path}](../../{path})"


def test_the_index_has_every_alert() -> None:
    """It is a generated list: make docs."""
    assert INDEX.read_text() == runbooks.index()


@pytest.mark.parametrize("name", [*ALERTS, INDEX.stem])
def test_links_lead_somewhere(name: str) -> None:
    for way in ways(page(name)):
        path, _, anchor = way.partition("#")
        target = (FOLDER / path).resolve()
        assert target.exists(), way
        assert not anchor or anchor in anchors(target.read_text()), way


def test_queries_ask_for_families_that_there_are() -> None:
    """By the catalogue of the exporter; of a histogram its buckets are asked for."""
    known = {entry.name for entry in catalogue()}
    for alert in ALERTS:
        for query in queries(page(alert)):
            asked = set(METRIC.findall(re.sub(r'"[^"]*"', '""', query)))
            assert {name.removesuffix("_bucket") for name in asked} <= known, (alert, query)


def test_queries_name_alerts_that_there_are() -> None:
    for alert in ALERTS:
        for query in queries(page(alert)):
            named = {name for each in re.findall(r'alertname=~?"([^"]+)"', query) for name in each.split("|")}
            assert named <= set(ALERTS), (alert, query)


REPORTS = [report for platform in platforms().values() for report in platform.reports.values()]
BROKEN = {*INVARIANTS, *(name for report in REPORTS for name in report.invariants)}
TABLES = {"ChatUsageReportFetchFailing": set(OUTCOMES) - {"ok"}, "ChatUsageInvariantViolated": BROKEN}


@pytest.mark.parametrize(("alert", "values"), TABLES.items(), ids=TABLES)
def test_a_table_of_what_to_do_has_every_value(alert: str, values: set[str]) -> None:
    """Whatever the label says, its runbook has a row for it."""
    rows = [re.findall(r"`(\w+)`", cells) for cells in re.findall(r"^\| (`.*?) \|", page(alert), re.MULTILINE)]

    assert {value for row in rows for value in row} == values


@pytest.mark.e2e
@pytest.mark.parametrize("suite", SUITES)
def test_every_query_can_be_pasted(suite: str, tmp_path: Path) -> None:
    """Prometheus itself says so: as an expression of a recording."""
    every = sorted({query for alert in ALERTS for query in queries(page(alert))})
    recordings = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(every)]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "runbooks", "rules": recordings}]}))

    command: list[str | Path] = [program("promtool", suite), "check", "rules", "--lint=none", file]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", [alert for alert in ALERTS if "```yaml" in page(alert)])
def test_configuration_can_be_pasted(alert: str, tmp_path: Path) -> None:
    """What a runbook tells to write is accepted as it stands, beside a source where it names none."""
    [text] = blocks(page(alert), "yaml")
    key = tmp_path / "key"
    key.write_text("a-key-in-a-test")
    source = f"sources:\n  production: {{platform: paradigm, api_key_file: {key}}}\n"
    file = tmp_path / "exporter.yml"
    file.write_text(("" if "sources:" in text else source) + text.replace("/run/secrets/paradigm", str(key)))

    assert "production" in load(file, {}, platforms()).sources
