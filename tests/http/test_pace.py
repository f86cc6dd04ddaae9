"""The rate limit holds and is fair, the retry budget is never overspent, waits are jittered."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.domain.clock import Clock
from exporter.http import RetryBudget, client
from tests.http.fakes import NOON, REQUEST, Time, answer, bench


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("per_minute", "calls", "waits"),
    [
        pytest.param(60, 60, [], id="the-burst-is-free"),
        pytest.param(60, 62, [1, 1], id="then-one-a-second"),
        pytest.param(2, 4, [30, 30], id="slow"),
        pytest.param(0.5, 2, [120], id="less-than-one-a-minute"),
    ],
)
async def test_a_burst_then_an_even_pace(per_minute: float, calls: int, waits: list[float]) -> None:
    time = Time()
    bucket = client.Bucket(per_minute, time.clock)
    for _ in range(calls):
        await bucket.take()
    assert time.slept == pytest.approx(waits)


@pytest.mark.anyio
async def test_the_burst_comes_back_with_time_and_is_never_more() -> None:
    time = Time()
    bucket = client.Bucket(2, time.clock)
    time.passed = 3600
    for _ in range(3):
        await bucket.take()
    assert time.slept == [30]


@pytest.mark.anyio
async def test_concurrent_callers_are_served_in_order() -> None:
    """Each waits one place longer than the one before, whoever wakes first."""
    asleep: list[float] = []
    awake = asyncio.Event()

    async def sleep(seconds: float) -> None:
        asleep.append(seconds)
        await awake.wait()

    bucket = client.Bucket(1, Clock(monotonic=lambda: 0.0, sleep=sleep))
    calls = [asyncio.create_task(bucket.take()) for _ in range(4)]
    await calls[0]
    awake.set()
    await asyncio.gather(*calls)
    assert asleep == [60, 120, 180]


@pytest.mark.anyio
async def test_the_rate_limit_holds_for_every_attempt_and_spends_no_retry_budget() -> None:
    asked = bench(answer(503), httpx.ReadError("reset"), answer())
    asked.endpoint = replace(asked.endpoint, requests_per_minute=1)
    asked.time.random = Random(1)
    await asked.ask(REQUEST)
    backoff, limit, second_backoff, second_limit = asked.time.slept
    assert asked.notes.waits == [backoff, second_backoff]
    assert asked.retry_budget.left == pytest.approx(1800 - backoff - second_backoff)
    assert backoff + limit == pytest.approx(60)
    assert second_backoff + second_limit == pytest.approx(60)


@given(wanted=st.lists(st.floats(0, 100)), whole=st.floats(0, 1000))
def test_the_retry_budget_is_never_overspent(wanted: list[float], whole: float) -> None:
    retry_budget = RetryBudget(whole)
    spent = sum(seconds for seconds in wanted if retry_budget.spend(seconds))
    assert retry_budget.left >= 0
    assert spent + retry_budget.left == pytest.approx(whole)


@given(seed=st.integers(), attempt=st.integers(1, 20))
def test_jitter_is_full_and_capped(seed: int, attempt: int) -> None:
    chance = Random(seed)
    seconds = client.wait_seconds(attempt, (), Time(random=chance).clock)
    assert 0 <= seconds <= min(60, 2**attempt)


@given(told=st.text() | st.from_regex(r"[0-9]{1,3}(\.[0-9]+)?"))
def test_any_retry_after_is_some_number_of_seconds(told: str) -> None:
    assert client.retry_after([told], NOON) >= 0


def test_without_arguments_the_clock_is_the_real_one() -> None:
    clock = Clock()
    assert clock.monotonic() <= clock.monotonic()
    assert abs((datetime.now(UTC) - clock.now()).total_seconds()) < 5
