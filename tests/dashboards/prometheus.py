"""Runs a real Prometheus on blocks of past samples: scraped series, recordings of the shipped rules, and alerts.

Prometheus evaluates rules only for the present, so their expressions are queried over the past, in the order of their
dependencies, and the results are written as further blocks.
"""

import json
import re
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from tests import loopback
from tests.alert_rules.promtool import FILES, GROUPS
from tests.alert_rules.promtool import yaml_text as quoted
from tests.dashboards.scenario import STEP, TARGET, Scenario, Series, openmetrics
from tests.e2e import programs

Labels = Mapping[str, str]
TIMEOUT_S = 60.0
DAY = timedelta(days=1)
OF_ALERTS = "ALERTS"
SCRAPES = {"up": "1", "scrape_duration_seconds": "0.004"}
"""Series that Prometheus adds to each scrape."""


class Curve(msgspec.Struct):
    """A series of a query result, with `values` for a range or `value` for one moment."""

    metric: dict[str, str]
    values: list[tuple[float, str]] = []
    value: tuple[float, str] | None = None

    @property
    def last(self) -> float:
        """The newest value."""
        return float((self.value or self.values[-1])[1])


class _Found(msgspec.Struct):
    result: list[Curve]


class _Answer(msgspec.Struct):
    data: _Found


@dataclass(frozen=True, slots=True)
class Tools:
    """Paths of the programs."""

    prometheus: Path
    promtool: Path

    @classmethod
    def found(cls) -> "Tools":
        """Finds the programs; skips the test if one is missing."""
        return cls(programs.find("prometheus"), programs.find("promtool"))


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running Prometheus with samples from `begin` to `now`, both whole hours."""

    url: str
    begin: datetime
    now: datetime

    def query(self, expression: str, moment: datetime | None = None) -> Sequence[Curve]:
        """Queries one moment, by default the end.

        Raises:
            ValueError: the query is invalid; the message is from Prometheus.
        """
        return self._request("query", {"query": expression, "time": str((moment or self.now).timestamp())})

    def query_range(self, expression: str, step: timedelta, begin: datetime | None = None) -> Sequence[Curve]:
        """Queries a range with this step, by default from the beginning.

        Raises:
            ValueError: the query is invalid; the message is from Prometheus.
        """
        span = {"start": str((begin or self.begin).timestamp()), "end": str(self.now.timestamp())}
        return self._request("query_range", {"query": expression, "step": str(step.total_seconds()), **span})

    def _request(self, endpoint: str, parameters: Mapping[str, str]) -> Sequence[Curve]:
        answer = loopback.post(f"{self.url}/api/v1/{endpoint}", data=dict(parameters), timeout=TIMEOUT_S)
        if answer.is_error:
            raise ValueError(f"{parameters['query']}: {answer.text}")
        return msgspec.json.decode(answer.content, type=_Answer).data.result


@contextmanager
def prometheus_with(scenario: Scenario, tools: Tools, folder: Path, *, twin: str = "") -> Iterator[Prometheus]:
    """Runs a Prometheus with the samples of the scenario, the recordings and the alerts.

    `twin` is the namespace of a second release with the same samples in the last two days.
    """
    scraped = {**scenario.samples, **_scrapes(scenario)}
    since = (scenario.clock.moment - 2 * DAY).timestamp()
    here, there = f'namespace="{TARGET["namespace"]}"', f'namespace="{twin}"'
    for series, values in list(scraped.items()) if twin else ():
        late = {at: value for at, value in values.items() if at > since}
        scraped[series._replace(labels=series.labels.replace(here, there))] = late
    store(openmetrics(scraped), tools, folder)
    now = scenario.clock.moment - STEP
    for rules in _rounds():
        with running(tools, folder, scenario.begin, now) as prometheus:
            found = [line for rule in rules for line in evaluated(prometheus, rule)]
        store([*found, "# EOF\n"], tools, folder)
    with running(tools, folder, scenario.begin, now, FILES) as prometheus:
        own = list(_of_prometheus(prometheus))
    store([*own, "# EOF\n"], tools, folder)
    with running(tools, folder, scenario.begin, now) as prometheus:
        yield prometheus


def _scrapes(scenario: Scenario) -> Mapping[Series, Mapping[int, str]]:
    target = ",".join(f'{name}="{value}"' for name, value in TARGET.items())
    moments = sorted({at for values in scenario.samples.values() for at in values})
    return {Series(name, target): dict.fromkeys(moments, value) for name, value in SCRAPES.items()}


def _rounds() -> Sequence[Sequence[Mapping[str, object]]]:
    """Returns recordings, recordings that read them, and alerts except those that read alerts."""
    rules = [rule for group in GROUPS for rule in group["rules"]]
    recorded = {str(rule["record"]) for rule in rules if "record" in rule}
    first = [rule for rule in rules if "record" in rule and not any(name in str(rule["expr"]) for name in recorded)]
    second = [rule for rule in rules if "record" in rule and rule not in first]
    third = [rule for rule in rules if "alert" in rule and OF_ALERTS not in str(rule["expr"])]
    return first, second, third


def evaluated(prometheus: Prometheus, rule: Mapping[str, object]) -> Iterator[str]:
    """Yields the samples of a rule: of its recording, or of ALERTS from the second evaluation on."""
    for curve in prometheus.query_range(str(rule["expr"]), STEP):
        values = {round(at): value for at, value in curve.values}
        if "record" in rule:
            yield from _lines(str(rule["record"]), curve.metric, values)
        else:
            held = {at: "1" for at in values if at - STEP.total_seconds() in values or "for" not in rule}
            yield from _lines(OF_ALERTS, _alert(rule, curve.metric), held)


def _alert(rule: Mapping[str, object], labels: Labels) -> Labels:
    own = rule["labels"]
    assert isinstance(own, dict)
    filled_in = {name: labels.get("severity", "") if "{{" in value else str(value) for name, value in own.items()}
    plain = {name: value for name, value in labels.items() if name != "__name__"}
    return {**plain, **filled_in, "alertname": str(rule["alert"]), "alertstate": "firing"}


def _of_prometheus(prometheus: Prometheus) -> Iterator[str]:
    """Yields Prometheus' own metrics about the rules, as if it had scraped itself all the time."""
    hours = (prometheus.now - prometheus.begin) // STEP
    moments = [int((prometheus.begin + number * STEP).timestamp()) for number in range(hours + 1)]
    page = loopback.get(f"{prometheus.url}/metrics").text
    for name, labels, value in re.findall(r"^(prometheus_rule_\w+)\{(.*chat-usage.*)\} (\S+)$", page, re.MULTILINE):
        shown = str(_duration_s(prometheus, labels)) if name == "prometheus_rule_group_last_duration_seconds" else value
        yield from openmetrics_lines(name, labels, dict.fromkeys(moments, shown))


def _duration_s(prometheus: Prometheus, labels: str) -> float:
    """Evaluates a group of rules and returns the duration; a Prometheus that just started has none."""
    (group,) = (group for group in GROUPS if f';{group["name"]}"' in labels)
    began = time.monotonic()
    for rule in group["rules"]:
        prometheus.query(str(rule["expr"]))
    return time.monotonic() - began


def _lines(name: str, labels: Labels, values: Mapping[int, str]) -> Iterator[str]:
    shown = ",".join(f"{label}={quoted(value)}" for label, value in labels.items() if label != "__name__")
    return openmetrics_lines(name, shown, values)


def openmetrics_lines(name: str, labels: str, values: Mapping[int, str]) -> Iterator[str]:
    """Yields the lines of one series."""
    return (f"{name}{{{labels}}} {value} {at}\n" for at, value in values.items())


def store(lines: Iterable[str], tools: Tools, folder: Path) -> None:
    """Adds blocks; large ones, since promtool reads the whole file once per block."""
    file = folder / "samples.om"
    with file.open("w", encoding="utf-8") as output:
        output.writelines(lines)
    how = ("tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=1500h", "--quiet")
    done = subprocess.run([tools.promtool, *how, file, folder / "data"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    file.unlink()


@contextmanager
def running(
    tools: Tools, folder: Path, begin: datetime, now: datetime, rules: Sequence[Path] = ()
) -> Iterator[Prometheus]:
    """Runs a Prometheus on the blocks, with a lookback of the hour between samples."""
    config = folder / "prometheus.json"  # JSON is YAML
    config.write_text(json.dumps({"rule_files": [str(file) for file in rules]}))
    address = f"127.0.0.1:{programs.free_port()}"
    command: list[str | Path] = [
        tools.prometheus,
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=100y",
        f"--query.lookback-delta={int(STEP.total_seconds()) + 60}s",
        f"--web.listen-address={address}",
        "--web.cors.origin=.*",
    ]
    url = f"http://{address}"
    with programs.running(command, folder / "prometheus.log", lambda: programs.answers(f"{url}/-/ready")):
        yield Prometheus(url, begin, now)
