"""Divides what rules and routes say of time by a factor, so that an hour of on-call passes in seconds; pure.

There are two clocks in an accelerated run, and one place where they meet.

* Prometheus and Alertmanager live in real time. All that they measure by their own clock is divided: `for`,
  `keep_firing_for` and `interval` of rules, ranges, subqueries and offsets in expressions, every duration of routes.
* Simulated platform and exporter live in a virtual time that runs `factor` times faster. The timestamps and durations
  on the page (the day, the last success, the poll interval, the settle time) are virtual and unchanged, and so is the
  exporter's configuration.
* Rules compare both in `time() - timestamp`. There `time()` becomes the virtual now, an affine function of the real
  one, and the difference is an age in virtual seconds, as are the constants that it is compared with (26 * 3600) and
  the durations on the page. Therefore no number is divided: ages stay what a person reads, windows shrink.
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
    """A virtual time that was `began` at the real moment `origin` and runs `factor` times faster since."""

    factor: float
    origin: datetime
    began: datetime

    def virtual(self, real: datetime) -> datetime:
        """Returns the virtual moment at a real one."""
        return self.began + (real - self.origin) * self.factor

    def now(self) -> datetime:
        """Returns the virtual moment at present."""
        return self.virtual(datetime.now(UTC))

    def real(self, span: timedelta) -> float:
        """Returns how many real seconds a virtual span lasts."""
        return span.total_seconds() / self.factor

    def promql(self) -> str:
        """Returns the virtual now as an expression of the real one."""
        return f"({self.began.timestamp()} + (time() - {self.origin.timestamp()}) * {self.factor})"


def duration(text: str, factor: float) -> str:
    """Returns a duration of Prometheus divided, in whole milliseconds and at least one; `0s` stays.

    Raises:
        ValueError: it is no duration.
    """
    if not re.fullmatch(rf"{DURATION}|0", text):
        raise ValueError(f"{text!r} is no duration of Prometheus")
    parts = re.findall(r"(\d+)(ms|[smhdwy])", text)
    whole = sum(int(number) * UNITS_MS[unit] for number, unit in parts)
    return f"{max(round(whole / factor), 1)}ms" if whole else "0s"


def expression(text: str, acceleration: Acceleration) -> str:
    """Returns a PromQL expression with its durations divided and `time()` virtual; strings, names and numbers stay.

    Raises:
        ValueError: it uses a function of the calendar, which has no meaning where time is not the machine's.
    """

    def replaced(token: re.Match[str]) -> str:
        if token["calendar"]:
            raise ValueError(f"{token['calendar']}) reads the machine's calendar: {text}")
        if token["time"]:
            return acceleration.promql()
        return duration(token["duration"], acceleration.factor) if token["duration"] else token[0]

    return TOKEN.sub(replaced, text)


def rules(file: Mapping[str, object], acceleration: Acceleration, interval: str) -> Mapping[str, object]:
    """Returns a file of rules, accelerated; all groups are evaluated each `interval`, in real time."""
    return {**file, "groups": [_group(group, acceleration, interval) for group in _mappings(file["groups"])]}


def _group(group: Mapping[str, object], acceleration: Acceleration, interval: str) -> Mapping[str, object]:
    return {**group, "interval": interval, "rules": [_rule(rule, acceleration) for rule in _mappings(group["rules"])]}


def _rule(rule: Mapping[str, object], acceleration: Acceleration) -> Mapping[str, object]:
    changed = _each(rule, RULE_DURATIONS, lambda text: duration(text, acceleration.factor))
    return _each(changed, ("expr",), lambda text: expression(text, acceleration))


def alertmanager(config: Mapping[str, object], factor: float) -> Mapping[str, object]:
    """Returns a configuration of Alertmanager whose routes and resolve time-out are that much faster."""
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
