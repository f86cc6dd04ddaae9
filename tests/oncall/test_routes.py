"""Routes of the shipped Alertmanager example, checked with amtool of three suites."""

import re
from datetime import date
from pathlib import Path

import pytest
import yaml

from exporter.cli.calendar import intervals
from tests.oncall import shipped
from tests.oncall.amtool import program, receivers, run_program
from tests.oncall.shipped import mapping, mappings, texts, words

pytestmark = pytest.mark.e2e

ROUTES = [pytest.param(case, id=str(case["id"])) for case in shipped.cases("routes")]
RELEASE = "cluster, namespace, job"
SECRET = re.compile(r"(key|password|secret|token|slack_url|api_url)(_file)?$")


def text_with(kind: str) -> str:
    """Returns the example with a commented block enabled."""
    text = shipped.ALERTMANAGER.read_text()
    block = re.search(rf"(?m)^  # {kind}:\n(?:  # (?:-|  ).*\n)+", text)
    assert block
    return text.replace(block[0], block[0].replace("  # ", "  "))


def below_a_root() -> shipped.Config:
    """Returns an existing configuration with the four parts of the example added as it says."""
    ours = shipped.alertmanager()
    (subtree,) = mappings(mapping(ours["route"])["routes"])
    other = {"receiver": "root", "matchers": ['service="billing"']}
    return {
        **{key: ours[key] for key in ("global", "templates", "time_intervals", "inhibit_rules")},
        "route": {"receiver": "root", "group_by": ["alertname"], "routes": [subtree, other]},
        "receivers": [{"name": "root"}, {"name": "null"}, *mappings(ours["receivers"])],
    }


def labels_of(case: shipped.Config) -> dict[str, str]:
    return {"service": "chat-usage", **texts(mapping(case["labels"]))}


def test_the_example_is_valid(amtool: Path, tmp_path: Path) -> None:
    """With its templates, without warnings, and with matchers that old and new parsers read alike."""
    file = tmp_path / "alertmanager.yml"
    text = shipped.ALERTMANAGER.read_text()
    file.write_text(text.replace("/etc/alertmanager/templates", str(shipped.TEMPLATES)))

    told = run_program(amtool, "check-config", file)

    assert told.status == 0, told
    assert "level=warn" not in told.all


@pytest.mark.parametrize("days", [(), (date(2026, 12, 24), date(2026, 12, 25), date(2028, 2, 29))])
def test_the_days_off_of_a_calendar_take_the_place_of_those_in_the_example(
    amtool: Path, tmp_path: Path, days: tuple[date, ...]
) -> None:
    """As the command `calendar` prints them, even if there are none."""
    config = shipped.alertmanager()
    (printed,) = yaml.safe_load("\n".join(intervals(days, "Europe/Paris")))
    others = [each for each in mappings(config["time_intervals"]) if each["name"] != printed["name"]]
    assert len(others) == len(mappings(config["time_intervals"])) - 1
    file = tmp_path / "alertmanager.yml"
    file.write_text(yaml.safe_dump({**config, "templates": [], "time_intervals": [*others, printed]}))

    told = run_program(amtool, "check-config", file)

    assert told.status == 0, told


@pytest.mark.parametrize("kind", ["jira_configs", "msteamsv2_configs"])
def test_a_block_that_is_commented_out_is_valid(tmp_path: Path, kind: str) -> None:
    """If Alertmanager supports it: upstream 0.28 does, Debian's does not."""
    file = tmp_path / "alertmanager.yml"
    file.write_text(text_with(kind))

    told = run_program(program("amtool", "sid"), "check-config", file)

    assert told.status == 0, told


@pytest.mark.parametrize("case", ROUTES)
def test_an_alert_reaches_its_receivers(amtool: Path, case: shipped.Config) -> None:
    """Alerts of others go to the root receiver, which is Slack in the standalone example."""
    expected = ["chat-usage-slack" if name == "root" else name for name in words(case["receivers"])]

    assert expected == receivers(amtool, shipped.ALERTMANAGER, labels_of(case))


@pytest.mark.parametrize("case", ROUTES)
def test_an_alert_reaches_the_same_receivers_below_an_existing_root(
    amtool: Path, tmp_path: Path, case: shipped.Config
) -> None:
    file = tmp_path / "alertmanager.yml"
    file.write_text(yaml.safe_dump(below_a_root()))

    expected = ["root"] if labels_of(case)["service"] != "chat-usage" else case["receivers"]

    assert expected == receivers(amtool, file, labels_of(case))


def test_no_receiver_is_without_a_case() -> None:
    """And every receiver has a route."""
    names = {str(each["name"]) for each in mappings(shipped.alertmanager()["receivers"])}

    assert names == {name for case in shipped.cases("routes") for name in words(case["receivers"])} - {"root"}
    assert names == {str(route["receiver"]) for route in shipped.routes(mapping(shipped.alertmanager()["route"]))}


def test_every_alert_has_the_service_label_and_a_routed_severity() -> None:
    """An alert without service="chat-usage" would match no route; limits define their own severity."""
    routed = {"critical", "warning", "info", "none", "{{ $labels.severity }}"}

    assert {str(mapping(rule["labels"])["service"]) for rule in shipped.alerts()} == {"chat-usage"}
    assert {str(mapping(rule["labels"])["severity"]) for rule in shipped.alerts()} <= routed


def test_every_alert_that_the_example_names_exists() -> None:
    """A misspelt or outdated name would silently inhibit nothing."""
    existing = {str(rule["alert"]) for rule in shipped.alerts()}
    config = shipped.alertmanager()
    matchers = [
        matcher
        for holder in (*mappings(config["inhibit_rules"]), *shipped.routes(mapping(config["route"])))
        for key in ("matchers", "source_matchers", "target_matchers")
        for matcher in words(holder.get(key, []))
    ]
    named = {pattern for matcher in matchers for pattern in re.findall(r'^alertname!?=~?"(.*)"$', matcher)}
    alternatives = {name for pattern in named for name in expanded(pattern)}

    assert len(alternatives) > 10
    assert alternatives <= existing


def expanded(pattern: str) -> list[str]:
    """Expands a pattern of the forms A|B and A(B|C) to names."""
    prefix, bracket, rest = pattern.partition("(")
    if not bracket:
        return pattern.split("|")
    return [prefix + name for name in rest.removesuffix(")").split("|")]


def test_the_example_has_no_secret() -> None:
    """Each comes from a file, also in commented blocks."""

    def keys(value: object) -> list[tuple[str, object]]:
        if isinstance(value, list):
            return [pair for each in value for pair in keys(each)]
        if not isinstance(value, dict):
            return []
        return [*value.items(), *(pair for each in value.values() for pair in keys(each))]

    found = [(key, value) for key, value in keys(yaml.safe_load(text_with("jira_configs"))) if SECRET.search(key)]

    assert len(found) > 5
    assert all(key.endswith("_file") or "atlassian" in str(value) for key, value in found), found


def test_repeat_intervals_are_multiples_of_group_intervals() -> None:
    """Otherwise repetitions would be late."""
    seconds = {"s": 1, "m": 60, "h": 3600}

    def inherited(route: shipped.Config, above: dict[str, int]) -> list[dict[str, int]]:
        own = {
            key: int(str(route[key])[:-1]) * seconds[str(route[key])[-1]]
            for key in ("group_interval", "repeat_interval")
            if key in route
        }
        here = above | own
        return [here, *(each for child in mappings(route.get("routes", [])) for each in inherited(child, here))]

    defaults = {"group_interval": 300, "repeat_interval": 4 * 3600}
    for route in inherited(mapping(shipped.alertmanager()["route"]), defaults):
        assert route["repeat_interval"] % route["group_interval"] == 0
        assert route["repeat_interval"] < 120 * 3600


def test_only_warnings_and_pages_about_yesterday_wait_for_working_hours() -> None:
    """With a location, since hours would be in UTC otherwise."""
    config = shipped.alertmanager()
    intervals = [part for each in mappings(config["time_intervals"]) for part in mappings(each["time_intervals"])]
    timed = [route for route in shipped.routes(mapping(config["route"])) if "active_time_intervals" in route]

    of_yesterday = ['alertname="ChatUsageManyCompaniesDropped"']
    assert [route["matchers"] for route in timed] == [of_yesterday, of_yesterday, ['severity="warning"']]
    assert all("location" in part for part in intervals)


def test_the_page_about_on_call_has_each_inhibition_and_receiver() -> None:
    """In the order of the file, with the alerts that it names."""
    page = (shipped.ROOT / "docs" / "alerting.md").read_text()
    rows = re.findall(r"^\| (\d+) \| (.*?) \| (.*?) \| (.*?) \|$", page, re.MULTILINE)
    rules = mappings(shipped.alertmanager()["inhibit_rules"])

    assert [number for number, *_ in rows] == [str(number + 1) for number in range(len(rules))]
    for (_, source, target, shared), rule in zip(rows, rules, strict=True):
        for text, key in ((source, "source_matchers"), (target, "target_matchers")):
            matchers = " ".join(words(rule[key]))
            assert all(name in matchers for name in re.findall(r"`(\w+)`", text)), text
        spares_pages = {"alertname", "warning|info"} <= set(
            re.split(r'[=~"() ]+', " ".join(words(rule["target_matchers"])))
        )
        assert ("unless critical" in target) == (spares_pages and "ExporterDown" not in source), target
        assert {*shared.replace("company", "company_id").replace("release", RELEASE).split(", "), "alertname"} == {
            *words(rule["equal"]),
            "alertname",
        }
