"""Scaling of durations, rules and routes."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.oncall import time_scaling
from tests.oncall.time_scaling import Acceleration

ORIGIN = datetime(2026, 11, 21, 3, tzinfo=UTC)
BEGAN = datetime(2026, 11, 20, 5, tzinfo=UTC)
HUNDRED = Acceleration(100, ORIGIN, BEGAN)
NOW = f"({BEGAN.timestamp()} + (time() - {ORIGIN.timestamp()}) * 100)"


@pytest.mark.parametrize(
    ("text", "divided"),
    [
        pytest.param("15m", "9000ms", id="minutes"),
        pytest.param("1h30m", "54000ms", id="several units"),
        pytest.param("1w2d", "7776000ms", id="weeks and days"),
        pytest.param("250ms", "2ms", id="milliseconds are rounded"),
        pytest.param("10ms", "1ms", id="never down to nothing"),
        pytest.param("0s", "0s", id="none stays none"),
        pytest.param("0", "0s", id="none without a unit"),
    ],
)
def test_a_duration_is_divided(text: str, divided: str) -> None:
    assert divided == time_scaling.duration(text, 100)


@pytest.mark.parametrize("text", ["", "5", "h", "5 m", "-5m", "5x"])
def test_an_invalid_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration of Prometheus"):
        time_scaling.duration(text, 100)


@pytest.mark.parametrize(
    ("text", "accelerated"),
    [
        pytest.param("last_over_time(x[1h]) > 0", "last_over_time(x[36000ms]) > 0", id="a range"),
        pytest.param("max_over_time(x[1h:5m])", "max_over_time(x[36000ms:3000ms])", id="a subquery"),
        pytest.param("x offset 25h", "x offset 900000ms", id="an offset"),
        pytest.param("x offset -47h", "x offset -1692000ms", id="a negative offset"),
        pytest.param("x_7d[1h] + y:rate5m:sum", "x_7d[36000ms] + y:rate5m:sum", id="a name that ends like a duration"),
        pytest.param('x{window="7d"}[1h]', 'x{window="7d"}[36000ms]', id="a label's value"),
        pytest.param("x{a='5m', b=`time()`}", "x{a='5m', b=`time()`}", id="other quotes"),
        pytest.param(r'x{a="\"5m"}', r'x{a="\"5m"}', id="an escaped quote"),
        pytest.param("x[1h] # for 30m\n> 1", "x[36000ms] # for 30m\n> 1", id="a comment"),
        pytest.param("clamp_min(3 * x, 6 * 3600)", "clamp_min(3 * x, 6 * 3600)", id="a number of virtual seconds"),
        pytest.param("time() - x > 26 * 3600", f"{NOW} - x > 26 * 3600", id="an age"),
        pytest.param("time( ) - uptime()", f"{NOW} - uptime()", id="a function that ends like time"),
    ],
)
def test_an_expression_is_accelerated(text: str, accelerated: str) -> None:
    """Windows shrink, `time()` becomes virtual, and no number changes."""
    assert accelerated == time_scaling.expression(text, HUNDRED)


@pytest.mark.parametrize("text", ["day_of_week() == 1", "hour(x) > 3", "timestamp(x) > 0"])
def test_calendar_functions_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="reads the machine's calendar"):
        time_scaling.expression(text, HUNDRED)


def test_virtual_time_starts_at_the_given_time_and_runs_faster() -> None:
    assert HUNDRED.virtual(ORIGIN) == BEGAN
    assert HUNDRED.virtual(ORIGIN + timedelta(seconds=36)) == BEGAN + timedelta(hours=1)
    assert HUNDRED.real(timedelta(hours=1)) == 36
    assert HUNDRED.now() > BEGAN


def test_only_times_of_rules_change() -> None:
    alert = {"alert": "A", "expr": "x[1h] > 1", "for": "30m", "keep_firing_for": "1h", "labels": {"severity": "info"}}
    record = {"record": "a:b:c", "expr": "sum(y)"}
    file = {"groups": [{"name": "g", "interval": "1m", "rules": [alert, record]}]}

    changed = {**alert, "expr": "x[36000ms] > 1", "for": "18000ms", "keep_firing_for": "36000ms"}
    assert time_scaling.rules(file, HUNDRED, "250ms") == {
        "groups": [{"name": "g", "interval": "250ms", "rules": [changed, record]}]
    }


def test_routes_are_accelerated_at_every_depth() -> None:
    child = {"receiver": "b", "group_interval": "5m", "repeat_interval": "4h"}
    config = {
        "global": {"resolve_timeout": "5m", "smtp_from": "a@example.org"},
        "route": {"receiver": "a", "group_wait": "30s", "routes": [child]},
    }

    assert time_scaling.alertmanager(config, 100) == {
        "global": {"resolve_timeout": "3000ms", "smtp_from": "a@example.org"},
        "route": {
            "receiver": "a",
            "group_wait": "300ms",
            "routes": [{"receiver": "b", "group_interval": "3000ms", "repeat_interval": "144000ms"}],
        },
    }
