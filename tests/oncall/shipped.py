"""Reads the shipped alert rules and Alertmanager example, and adapts the latter for tests."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
CASES = Path(__file__).parent / "cases"
ALERTMANAGER = ROOT / "config" / "alertmanager.example.yml"
PROMETHEUS = ROOT / "config" / "prometheus.example.yml"
TEMPLATES = ROOT / "config" / "alertmanager"
RULES = ROOT / "alert_rules"
SUITES = ("bookworm", "trixie", "sid")
"""Debian suites with Prometheus 2.42, 2.53, 3.5 and Alertmanager 0.25, 0.28, 0.33."""

Config = dict[str, object]


def alertmanager() -> Config:
    """Reads the example configuration of Alertmanager."""
    return mapping(yaml.load(ALERTMANAGER.read_text(), yaml.CSafeLoader))


def rule_files(*, optional: bool = True) -> Sequence[Path]:
    """Returns the files of alert rules, those that are off by default last.

    Raises:
        FileNotFoundError: there are none.
    """
    found = [*sorted(RULES.glob("*.yml")), *(sorted(RULES.glob("optional/*.yml")) if optional else ())]
    if not found:
        raise FileNotFoundError(f"{RULES} has no *.yml: the tests of routing read the alert rules of the project there")
    return found


def alerts() -> Iterator[Config]:
    """Yields each alerting rule."""
    for path in rule_files():
        for group in mappings(mapping(yaml.load(path.read_text(), yaml.CSafeLoader))["groups"]):
            yield from (rule for rule in mappings(group["rules"]) if "alert" in rule)


def cases(name: str) -> list[Config]:
    """Reads the cases of a file."""
    return mappings(yaml.load((CASES / f"{name}.yml").read_text(), yaml.CSafeLoader))


def routes(route: Config) -> Iterator[Config]:
    """Yields a route and its descendants."""
    yield route
    for child in mappings(route.get("routes", [])):
        yield from routes(child)


def delivering_to(config: Config, url: str, *, at_any_hour: bool = True) -> Config:
    """Returns a configuration whose receivers, those of nobody apart, post to `url`/RECEIVER; routes stay.

    Without `at_any_hour` the office never opens; with it, it never closes, or tests would pass by day only.
    """
    receivers = [_posting(receiver, url) for receiver in mappings(config["receivers"])]
    hours = {"location": "UTC"} if at_any_hour else {"years": ["1970"]}
    intervals = [
        {**each, "time_intervals": [hours if "hours" in str(each["name"]) else {"years": ["1970"]}]}
        for each in mappings(config["time_intervals"])
    ]
    top = {"resolve_timeout": mapping(config["global"])["resolve_timeout"]}
    return {**config, "global": top, "templates": [], "receivers": receivers, "time_intervals": intervals}


def _posting(receiver: Config, url: str) -> Config:
    blocks = [block for kind, entries in receiver.items() if kind != "name" for block in mappings(entries)]
    if not blocks:
        return receiver
    webhook = {"url": f"{url}/{receiver['name']}", "send_resolved": any(block["send_resolved"] for block in blocks)}
    return {"name": receiver["name"], "webhook_configs": [webhook]}


def mapping(value: object) -> Config:
    """Returns the value, which must be a mapping."""
    assert isinstance(value, dict)
    return value


def mappings(value: object) -> list[Config]:
    """Returns the value, which must be a list of mappings."""
    assert isinstance(value, list)
    return [mapping(each) for each in value]


def words(value: object) -> list[str]:
    """Returns the value, which must be a list, as strings."""
    assert isinstance(value, list)
    return [str(each) for each in value]


def texts(value: Mapping[str, object]) -> dict[str, str]:
    """Returns labels as text: YAML reads 17 as a number."""
    return {name: str(each) for name, each in value.items()}
