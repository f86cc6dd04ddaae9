"""What goes out on the wire, and what a client refuses to be made of."""

from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from exporter import __version__
from exporter.domain.errors import ConfigError
from exporter.http import Client
from exporter.platforms.api import Request
from tests.http.fakes import BASE_URL, KEY, REQUEST, Notes, answer, bench, endpoint

SECRET_PROXY = "http://operator:pa55@proxy.example:3128"


@pytest.mark.anyio
async def test_what_is_sent() -> None:
    asked = bench(answer())
    await asked.ask()
    assert asked.platform
    [sent] = asked.platform.asked
    assert sent.method == "GET"
    assert dict(sent.headers) == {
        "host": "paradigm.example",
        "accept": "application/json",
        "accept-encoding": "gzip",
        "connection": "close",
        "user-agent": f"chat-usage-exporter/{__version__}",
        "authorization": f"Bearer {KEY}",
    }


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("base_url", "path", "url"),
    [
        pytest.param(BASE_URL, "/reporting/tools/", f"{BASE_URL}/reporting/tools/", id="joined"),
        pytest.param(BASE_URL + "/", "/reporting/tools/", f"{BASE_URL}/reporting/tools/", id="slash-at-both"),
        pytest.param(BASE_URL, "reporting/tools/", f"{BASE_URL}/reporting/tools/", id="slash-at-neither"),
        pytest.param("https://Paradigm.EXAMPLE/api/v2", "/x/", f"{BASE_URL}/x/", id="upper-case-host"),
        pytest.param("https://paradigm.example/a%2Fb/api/v2", "/x/", "https://paradigm.example/a%2Fb/api/v2/x/",
                     id="prefix-stays-as-written"),
        pytest.param("https://paradigm.example:8443", "/x", "https://paradigm.example:8443/x", id="port-no-prefix"),
        pytest.param("http://[::1]:8080", "/x/", "http://[::1]:8080/x/", id="ipv6"),
    ],
)  # fmt: skip
async def test_paths_are_appended_to_the_base(base_url: str, path: str, url: str) -> None:
    asked = bench(answer())
    asked.endpoint = endpoint(base_url=base_url)
    await asked.ask(Request("tools", path, {"start_date": "2026-11-20", "x": "a&b c"}, REQUEST.days))
    assert asked.platform
    assert str(asked.platform.asked[0].url) == f"{url}?start_date=2026-11-20&x=a%26b+c"


@pytest.mark.anyio
async def test_no_cookie_is_kept() -> None:
    """A session from a login page must not outrank the key at the next request."""
    asked = bench(answer(set_cookie="sessionid=1; Path=/"))
    client = asked.client()
    for _ in range(2):
        await client.get(REQUEST, asked.retry_budget)
    await client.aclose()
    assert asked.platform
    assert "cookie" not in asked.platform.asked[1].headers


def test_neither_key_nor_proxy_password_is_in_a_repr() -> None:
    made = replace(endpoint(), proxy_url=SECRET_PROXY)
    client = Client(made, Notes())
    for text in (repr(made), repr(client), str(vars(client))):
        assert KEY not in text
        assert "pa55" not in text


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param(
            {"ca_file": "/no/such.pem"}, "ca_file /no/such.pem is not a readable PEM file", id="ca-file-missing"
        ),
        pytest.param(
            {"ca_file": __file__}, "is not a readable PEM file of certificates", id="ca-file-of-something-else"
        ),
    ],
)
def test_what_cannot_be_used_is_a_configuration_error(change: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Client(replace(endpoint(), **change), Notes())  # type: ignore[arg-type]  # one text field
    assert str(caught.value).startswith("production: ")
    assert says in str(caught.value)
    assert "pa55" not in str(caught.value)


def test_a_broken_certificate_store_of_the_environment_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "gone.pem"))
    (tmp_path / "gone.pem").write_text("no certificate")
    with pytest.raises(ConfigError, match="production: SSL_CERT_FILE of the environment is not a readable PEM"):
        Client(endpoint(), Notes(), transport=httpx.MockTransport(lambda _: answer()))
