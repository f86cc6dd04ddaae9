"""Divides the durations of rules and routes by a factor, so that an hour passes in seconds.

There are two clocks in an accelerated run.

* Prometheus and Alertmanager run in real time. All durations of their own clock are divided: `for`,
  `keep_firing_for` and `interval` of rules, ranges, subqueries and offsets in expressions, every duration of routes.
* Simulated platform and exporter run in a virtual time that is `factor` times faster. Timestamps and durations in the
  exposition (the day, the last success, the poll interval, the settle time) are virtual and unchanged, and so is the
  exporter's configuration.
* Rules compare both in `time() - timestamp`. There `time()` becomes the virtual now, an affine function of the real
  one, and the difference is an age in virtual seconds, as are the constants that it is compared with (26 * 3600) and
  the durations in the exposition. Therefore no number is divided: ages stay, windows shrink.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

UNITS_MS = {"y": 31_536_000_000, "w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
DURATION = r"(?:\d+(?:ms|[smhdwy]))+"
TOKEN = re.compile(
    rf"""(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`|\#[^\n]*)
    |(?P<time>\btime\s*\(\s*\))
    |(?P<calendar>\b(?:minute|hour|day_of_week|day_of_month|day_of_year|days_in_month|month|year|timestamp)\s*\()
    |(?P<name>[a-zA-Z_][\w:]*)
    |(?P<duration>\b{DURATION}\b)""",
    re.VERBOSE,
)
RULE_DURATIONS = ("for", "keep_firing_for")
ROUTE_DURATIONS = ("group_wait", "group_interval", "repeat_interval")


@dataclass(frozen=True, slots=True)
class Acceleration:
    """A virtual time that is `began` at the real time `origin` and runs `factor` times faster."""

    factor: float
    origin: datetime
    began: datetime

    def virtual(self, real: datetime) -> datetime:
        """Converts a real time to virtual time."""
        return self.began + (real - self.origin) * self.factor

    def now(self) -> datetime:
        """Returns the current virtual time."""
        return self.virtual(datetime.now(UTC))

    def real(self, span: timedelta) -> float:
        """Converts a virtual duration to real seconds."""
        return span.total_seconds() / self.factor

    def promql(self) -> str:
        """Returns the current virtual time as a PromQL expression."""
        return f"({self.began.timestamp()} + (time() - {self.origin.timestamp()}) * {self.factor})"


def duration(text: str, factor: float) -> str:
    """Divides a Prometheus duration, in whole milliseconds and at least one; `0s` stays.

    Raises:
        ValueError: the text is no duration.
    """
    if not re.fullmatch(rf"{DURATION}|0", text):
        raise ValueError(f"{text!r} is no duration of Prometheus")
    parts = re.findall(r"(\d+)(ms|[smhdwy])", text)
    whole = sum(int(number) * UNITS_MS[unit] for number, unit in parts)
    return f"{max(round(whole / factor), 1)}ms" if whole else "0s"


def expression(text: str, acceleration: Acceleration) -> str:
    """Divides the durations of a PromQL expression and makes `time()` virtual.

    Raises:
        ValueError: it uses a calendar function, which would read the real time.
    """

    def replaced(token: re.Match[str]) -> str:
        if token["calendar"]:
            raise ValueError(f"{token['calendar']}) reads the machine's calendar: {text}")
        if token["time"]:
            return acceleration.promql()
        return duration(token["duration"], acceleration.factor) if token["duration"] else token[0]

    return TOKEN.sub(replaced, text)


def rules(file: Mapping[str, object], acceleration: Acceleration, interval: str) -> Mapping[str, object]:
    """Accelerates a rule file; all groups are evaluated at this real interval."""
    return {**file, "groups": [_group(group, acceleration, interval) for group in _mappings(file["groups"])]}


def _group(group: Mapping[str, object], acceleration: Acceleration, interval: str) -> Mapping[str, object]:
    return {**group, "interval": interval, "rules": [_rule(rule, acceleration) for rule in _mappings(group["rules"])]}


def _rule(rule: Mapping[str, object], acceleration: Acceleration) -> Mapping[str, object]:
    changed = _each(rule, RULE_DURATIONS, lambda text: duration(text, acceleration.factor))
    return _each(changed, ("expr",), lambda text: expression(text, acceleration))


def alertmanager(config: Mapping[str, object], factor: float) -> Mapping[str, object]:
    """Accelerates the routes and the resolve timeout of an Alertmanager configuration."""
    (top,) = _mappings([config["global"]])
    (root,) = _mappings([config["route"]])
    faster = _each(top, ("resolve_timeout",), lambda text: duration(text, factor))
    return {**config, "global": faster, "route": _route(root, factor)}


def _route(route: Mapping[str, object], factor: float) -> Mapping[str, object]:
    changed = _each(route, ROUTE_DURATIONS, lambda text: duration(text, factor))
    if "routes" not in route:
        return changed
    return {**changed, "routes": [_route(each, factor) for each in _mappings(route["routes"])]}


def _each(mapping: Mapping[str, object], keys: tuple[str, ...], change: Callable[[str], str]) -> Mapping[str, object]:
    return {**mapping, **{key: change(str(mapping[key])) for key in keys if key in mapping}}


def _mappings(value: object) -> list[Mapping[str, object]]:
    assert isinstance(value, list)
    assert all(isinstance(each, dict) for each in value)
    return value
