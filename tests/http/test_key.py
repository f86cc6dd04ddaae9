"""A key file is read anew for each request; a refusal is answered with a changed key or without the filter, once."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count

import pytest

from exporter.domain.errors import AuthError, ConfigError, HttpStatusError
from exporter.http import RetryBudget
from tests.http.fakes import FILTERED, GOOD, KEY, NEW_KEY, REQUEST, answer, bench, keys

pytestmark = pytest.mark.anyio


async def test_a_changed_key_is_tried_once_after_a_401() -> None:
    asked = bench(answer(401), answer(), key=keys(KEY, NEW_KEY))
    assert await asked.ask() == GOOD
    assert asked.platform
    assert asked.platform.keys == [f"Bearer {KEY}", f"Bearer {NEW_KEY}"]


@pytest.mark.parametrize("key", [KEY, keys(KEY)], ids=["literal", "in-a-file"])
async def test_an_unchanged_key_is_not_tried_again(key: str | Callable[[], str]) -> None:
    asked = bench(answer(401), key=key)
    with pytest.raises(AuthError):
        await asked.ask()
    assert asked.notes.codes == ["401"]


async def test_a_changed_key_that_is_refused_too_is_the_end() -> None:
    asked = bench(answer(401), key=keys(KEY, NEW_KEY, "sk-third"))
    with pytest.raises(AuthError):
        await asked.ask()
    assert asked.notes.codes == ["401", "401"]


async def test_a_changed_key_gets_one_attempt_only() -> None:
    asked = bench(answer(401), answer(503), key=keys(KEY, NEW_KEY))
    with pytest.raises(HttpStatusError, match="answered 503"):
        await asked.ask()
    assert asked.notes.codes == ["401", "503"]


async def test_each_request_reads_the_key_anew() -> None:
    asked = bench(answer(), key=keys(KEY, NEW_KEY))
    client = asked.client()
    await client.get(FILTERED, asked.retry_budget)
    await client.get(FILTERED, asked.retry_budget)
    await client.aclose()
    assert asked.platform
    assert asked.platform.keys == [f"Bearer {KEY}", f"Bearer {NEW_KEY}"]


async def test_what_a_platform_makes_of_an_unchanged_key_anew_is_masked_too() -> None:
    """Its `headers` may sign the time."""
    signed = count(1)
    asked = bench(*(answer(200, b'{"you": "signature-%d"}' % each) for each in (1, 2)))
    asked.endpoint = replace(asked.endpoint, headers=lambda _: {"Authorization": f"Signed signature-{next(signed)}"})
    client = asked.client()
    bodies = [await client.get(REQUEST, asked.retry_budget) for _ in range(2)]
    await client.aclose()
    assert bodies == [b'{"you": "[key]"}'] * 2


async def test_a_key_that_cannot_be_used_asks_nobody() -> None:
    asked = bench(answer(), key=keys(ConfigError("api_key_file is empty")))
    with pytest.raises(AuthError) as caught:
        await asked.ask()
    says = "production: chat-sessions: the key in api_key_file or api_key cannot be read: api_key_file is empty"
    assert str(caught.value) == says
    assert caught.value.status == 401
    assert asked.notes.codes == []


async def test_a_refused_filter_is_asked_without_once() -> None:
    asked = bench(answer(403), answer())
    assert await asked.ask(FILTERED) == GOOD
    assert asked.platform
    assert [request.url.params.get("company_id") for request in asked.platform.asked] == ["17", None]


async def test_a_refused_filter_and_a_refused_question_are_two_requests() -> None:
    asked = bench(answer(403))
    with pytest.raises(AuthError, match="needs the role admin"):
        await asked.ask(FILTERED)
    assert asked.notes.codes == ["403", "403"]


async def test_what_is_asked_instead_shares_the_retry_budget() -> None:
    asked = bench(answer(403), answer(429, retry_after="40"), answer())
    asked.retry_budget = RetryBudget(50)
    assert await asked.ask(FILTERED) == GOOD
    assert asked.retry_budget.left == 10


async def test_a_401_is_no_reason_to_drop_the_filter() -> None:
    asked = bench(answer(401))
    with pytest.raises(AuthError):
        await asked.ask(FILTERED)
    assert asked.notes.codes == ["401"]


async def test_the_newest_keys_of_other_sources_are_masked_too() -> None:
    """Whoever echoes one, in an answer or in an error; a key that was replaced is nobody's any more."""
    said = b'{"who": "%s %s %s"}' % (KEY.encode(), NEW_KEY.encode(), b"sk-of-nobody")
    other, asked = bench(answer(), key=keys("sk-of-nobody", NEW_KEY)), bench(answer(200, said), answer(418, said))
    other.endpoint = replace(other.endpoint, source="other", keys_in_use=asked.endpoint.keys_in_use)
    client = other.client()
    for _ in range(2):
        await client.get(FILTERED, other.retry_budget)
    await client.aclose()

    assert await asked.ask() == b'{"who": "[key] [key] sk-of-nobody"}'
    with pytest.raises(HttpStatusError, match=r"\[key\] \[key\] sk-of-nobody"):
        await asked.ask()
