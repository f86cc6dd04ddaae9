"""A real Prometheus on blocks of the past: series as scraped, what the shipped rules record of them, and their alerts.

A Prometheus evaluates its rules now and never then, so the rules are asked as questions over the past, in the order in
which they read each other, and what comes is written as further blocks.
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
from tests.dashboards.story import STEP, TARGET, Series, Story, openmetrics
from tests.e2e import programs

Labels = Mapping[str, str]
PATIENCE_S = 60.0
DAY = timedelta(days=1)
OF_ALERTS = "ALERTS"
SCRAPES = {"up": "1", "scrape_duration_seconds": "0.004"}
"""What Prometheus writes beside each scrape; the duration is one of a page of this size."""


class Curve(msgspec.Struct):
    """A series of an answer: its labels and, of a range, moments with values; of one moment, that value."""

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
    """The executables."""

    prometheus: Path
    promtool: Path

    @classmethod
    def found(cls) -> "Tools":
        """Finds them; skips the test where one is missing."""
        return cls(programs.find("prometheus"), programs.find("promtool"))


@dataclass(frozen=True, slots=True)
class Past:
    """A Prometheus that holds the time from `begin` to `now`, both whole hours."""

    url: str
    begin: datetime
    now: datetime

    def at(self, expression: str, moment: datetime | None = None) -> Sequence[Curve]:
        """Asks for one moment, the end if none is given.

        Raises:
            ValueError: Prometheus refuses the question; the message is its own.
        """
        return self._ask("query", {"query": expression, "time": str((moment or self.now).timestamp())})

    def over(self, expression: str, step: timedelta, begin: datetime | None = None) -> Sequence[Curve]:
        """Asks for all moments of the time, `step` apart, from `begin` (or the beginning) on.

        Raises:
            ValueError: Prometheus refuses the question; the message is its own.
        """
        span = {"start": str((begin or self.begin).timestamp()), "end": str(self.now.timestamp())}
        return self._ask("query_range", {"query": expression, "step": str(step.total_seconds()), **span})

    def _ask(self, kind: str, asked: Mapping[str, str]) -> Sequence[Curve]:
        answer = loopback.post(f"{self.url}/api/v1/{kind}", data=dict(asked), timeout=PATIENCE_S)
        if answer.is_error:
            raise ValueError(f"{asked['query']}: {answer.text}")
        return msgspec.json.decode(answer.content, type=_Answer).data.result


@contextmanager
def filled(story: Story, tools: Tools, folder: Path, *, twin: str = "") -> Iterator[Past]:
    """Runs a Prometheus that holds the story and what the rules make of it.

    `twin` is the namespace of a second release, the same one in its last two days: what asks for all keeps them apart.
    """
    scraped = {**story.samples, **_scrapes(story)}
    since = (story.clock.moment - 2 * DAY).timestamp()
    here, there = f'namespace="{TARGET["namespace"]}"', f'namespace="{twin}"'
    for series, values in list(scraped.items()) if twin else ():
        late = {at: value for at, value in values.items() if at > since}
        scraped[series._replace(labels=series.labels.replace(here, there))] = late
    store(openmetrics(scraped), tools, folder)
    now = story.clock.moment - STEP
    for rules in _rounds():
        with running(tools, folder, story.begin, now) as past:
            found = [line for rule in rules for line in evaluated(past, rule)]
        store([*found, "# EOF\n"], tools, folder)
    with running(tools, folder, story.begin, now, FILES) as past:
        own = list(_of_prometheus(past))
    store([*own, "# EOF\n"], tools, folder)
    with running(tools, folder, story.begin, now) as past:
        yield past


def _scrapes(story: Story) -> Mapping[Series, Mapping[int, str]]:
    target = ",".join(f'{name}="{value}"' for name, value in TARGET.items())
    moments = sorted({at for values in story.samples.values() for at in values})
    return {Series(name, target): dict.fromkeys(moments, value) for name, value in SCRAPES.items()}


def _rounds() -> Sequence[Sequence[Mapping[str, object]]]:
    """Returns recordings of series, recordings that read those, and alerts but those that read alerts."""
    rules = [rule for group in GROUPS for rule in group["rules"]]
    recorded = {str(rule["record"]) for rule in rules if "record" in rule}
    first = [rule for rule in rules if "record" in rule and not any(name in str(rule["expr"]) for name in recorded)]
    second = [rule for rule in rules if "record" in rule and rule not in first]
    third = [rule for rule in rules if "alert" in rule and OF_ALERTS not in str(rule["expr"])]
    return first, second, third


def evaluated(past: Past, rule: Mapping[str, object]) -> Iterator[str]:
    """Yields what a rule would have written: a recording, or ALERTS from the second moment on at which it held."""
    for curve in past.over(str(rule["expr"]), STEP):
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


def _of_prometheus(past: Past) -> Iterator[str]:
    """Yields what this Prometheus says of our rules, as if it had scraped itself all the time."""
    hours = (past.now - past.begin) // STEP
    moments = [int((past.begin + number * STEP).timestamp()) for number in range(hours + 1)]
    page = loopback.get(f"{past.url}/metrics").text
    for name, labels, value in re.findall(r"^(prometheus_rule_\w+)\{(.*chat-usage.*)\} (\S+)$", page, re.MULTILINE):
        shown = str(_duration_s(past, labels)) if name == "prometheus_rule_group_last_duration_seconds" else value
        yield from openmetrics_lines(name, labels, dict.fromkeys(moments, shown))


def _duration_s(past: Past, labels: str) -> float:
    """Evaluates a group of rules: this Prometheus was started a moment ago, and has not done it itself."""
    (group,) = (group for group in GROUPS if f';{group["name"]}"' in labels)
    began = time.monotonic()
    for rule in group["rules"]:
        past.at(str(rule["expr"]))
    return time.monotonic() - began


def _lines(name: str, labels: Labels, values: Mapping[int, str]) -> Iterator[str]:
    shown = ",".join(f"{label}={quoted(value)}" for label, value in labels.items() if label != "__name__")
    return openmetrics_lines(name, shown, values)


def openmetrics_lines(name: str, labels: str, values: Mapping[int, str]) -> Iterator[str]:
    """Yields the lines of one series."""
    return (f"{name}{{{labels}}} {value} {at}\n" for at, value in values.items())


def store(lines: Iterable[str], tools: Tools, folder: Path) -> None:
    """Adds blocks; large ones, as promtool reads the whole file once for each."""
    file = folder / "samples.om"
    with file.open("w", encoding="utf-8") as output:
        output.writelines(lines)
    how = ("tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=1500h", "--quiet")
    done = subprocess.run([tools.promtool, *how, file, folder / "data"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    file.unlink()


@contextmanager
def running(tools: Tools, folder: Path, begin: datetime, now: datetime, rules: Sequence[Path] = ()) -> Iterator[Past]:
    """Runs a Prometheus on the blocks; samples are an hour apart, so it looks back so far."""
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
        yield Past(url, begin, now)
