"""No form of the key passes the client, wherever a platform puts it, and nothing else changes."""

import json
from collections.abc import Mapping

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.domain.errors import ReportError
from exporter.http.key_mask import SHORTEST, KeyMask
from tests.http.fakes import KEY, answer, bench

VISIBLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=SHORTEST, max_size=60)
NONE: Mapping[str, str] = {}


def escaped(text: str, chosen: int) -> str:
    """Writes a text in JSON, each letter by the next of the forms that JSON has for it."""
    written = ""
    for letter in text:
        short = json.dumps(letter)[1:-1]
        forms = [short, f"\\u{ord(letter):04x}", f"\\u{ord(letter):04X}", "\\/" if letter == "/" else short]
        chosen, form = divmod(chosen, len(forms))
        written += forms[form]
    return f'"{written}"'


@given(VISIBLE, st.integers(min_value=0), st.text())
@example('sk-"quoted"\\/', 0, "")
@example("sk-SECRET-0123456789", 4**20 // 3, "é")
def test_a_key_in_any_form_of_json_is_masked(key: str, chosen: int, beside: str) -> None:
    """As a value and as a name; the rest is what it was."""
    body = f'{{"a": {json.dumps(beside)}, "b": {escaped(key, chosen)}, {escaped(key, chosen)}: 1}}'
    read = json.loads(KeyMask((key,), NONE).in_body(body.encode()))
    assert read.pop("[key]") == 1
    assert read["b"] == "[key]"
    assert read["a"] == beside or key in beside


@given(VISIBLE, st.binary())
def test_what_does_not_hold_the_key_is_not_copied(key: str, body: bytes) -> None:
    masked = KeyMask((key,), NONE).in_body(body)
    assert masked is body or b"[key]" in masked


def test_what_is_made_of_a_key_for_the_header_is_masked_too() -> None:
    mask = KeyMask(("secret-key",), {"Authorization": "Basic OnNlY3JldC1rZXk=", "Accept": "application/json"})
    assert mask.in_text("Basic OnNlY3JldC1rZXk= secret-key application/json") == "Basic [key] [key] application/json"


def test_a_password_is_masked_without_its_user_too() -> None:
    """Where the key is both, for basic authentication."""
    basic = {"Authorization": "Basic cGstdXNlcjpzay1wYXNzd29yZA=="}
    assert KeyMask(("pk-user:sk-password",), basic).in_text("pk-user:sk-password, sk-password") == "[key], [key]"


def test_a_short_key_could_be_a_part_of_any_word() -> None:
    assert KeyMask(("sessions"[: SHORTEST - 1],), NONE).in_body(b"sessions") == b"sessions"


def test_a_short_key_is_masked_in_errors_where_it_is_a_word() -> None:
    mask = KeyMask(("a",), NONE)
    assert mask.in_message("a certificate of 'a', key=a: a") == "[key] certificate of '[key]', key=[key]: [key]"


@pytest.mark.anyio
@pytest.mark.parametrize(
    "echo",
    [
        pytest.param(answer(200, json.dumps({"error": f"bad key {KEY}"}).encode()), id="an-error-in-a-200"),
        pytest.param(answer(200, json.dumps({"metadata": {KEY: {"description": KEY}}}).encode()), id="names-of-fields"),
        pytest.param(answer(200, json.dumps([{"name": f"x{KEY}x", "id": KEY}]).encode()), id="names-and-ids"),
        pytest.param(answer(200, json.dumps({"downloadUrl": f"https://x/?k={KEY}"}).encode()), id="a-link"),
        pytest.param(answer(200, KEY.encode(), content_type=f"text/html; {KEY}"), id="a-page"),
        pytest.param(answer(500, KEY.encode()), id="an-error"),
        pytest.param(answer(500, escaped(KEY, 4**20 // 3).encode()), id="an-error-with-escapes"),
        pytest.param(answer(302, b"", location=f"https://{KEY}.example/"), id="a-redirect"),
        pytest.param(answer(200, b"x", content_encoding=KEY), id="an-encoding"),
    ],
)
async def test_a_platform_that_echoes_the_key_is_not_heard(echo: httpx.Response) -> None:
    asked = bench(*[echo] * 3)
    try:
        said = (await asked.ask()).decode()
    except ReportError as error:
        said = str(error)
    assert KEY.lower() not in said.lower()
    assert "\\u0073" not in said
