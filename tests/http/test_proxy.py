"""Which proxy a request goes through, by the variables that every program reads; and that each error names it."""

import re
from collections.abc import Mapping
from dataclasses import replace

import httpx
import pytest

from exporter.backfill.remote_write import RemoteWrite
from exporter.backfill.store_client import HttpConfig, client
from exporter.domain.errors import ChatUsageError, ConfigError, StoreError
from exporter.http.transport import proxy_for
from tests.http.fakes import NOON, Time, answer, bench, endpoint
from tests.http.test_wire import at
from tests.scripted_server import Act, free_port, scripted_server

PROXY = "http://operator:pa55@proxy.example:3128"
NAMED = re.escape("(through the proxy http://proxy.example:3128 of proxy_url)")
PLATFORM = "https://chat.corp.example/api"
ADDRESS = "https://10.1.2.3:8443"
IPV6 = "https://[fd00:1234::7]:8443"


@pytest.mark.parametrize(
    ("no_proxy", "url", "direct"),
    [
        *((entry, PLATFORM, True) for entry in (
            "*", "chat.corp.example", "CHAT.corp.example.", "corp.example", ".corp.example", "*.corp.example",
            "corp.example:443", "https://chat.corp.example", "localhost,fd00:1234::/64,corp.example",
            "localhost corp.example", "[::1], corp.example",
        )),
        *((entry, PLATFORM, False) for entry in (
            "", ",", "other.example", "orp.example", ".chat.corp.example", "corp.example:8443", "http://corp.example",
            "10.0.0.0/8", "localhost,fd00:1234::/64", "[::1]", "::1", "[::1]:443", "[fd00::/8]", "[", "]", "[::zz]",
            "a:b:c", "://", "%", "corp.example:99999999999", "10.0.0.0/99", "*.", "\N{SNOWMAN}", "corp.example:x",
        )),
        *((entry, ADDRESS, True) for entry in ("10.0.0.0/8", "10.1.2.3", "10.1.2.3:8443", "10.9.9.9/8")),
        *((entry, ADDRESS, False) for entry in ("10.1.2.4", "10.2.0.0/16", "10.1.2.3:443", "fd00::/8", "1.2.3")),
        *((entry, IPV6, True) for entry in (
            "fd00:1234::/64", "fd00:1234::7", "FD00:1234:0::7", "[fd00:1234::7]", "[fd00:1234::7]:8443",
            "localhost,fd00:1234::/64",
        )),
        *((entry, IPV6, False) for entry in ("fd00:1::/64", "[fd00:1234::7]:443", "[::1]", "10.0.0.0/8")),
    ],
)  # fmt: skip
def test_no_proxy_takes_what_other_programs_take(no_proxy: str, url: str, direct: bool) -> None:
    """Names, addresses and networks of both families, with and without a port; what is none of them is nobody."""
    found = proxy_for(httpx.URL(url), None, {"HTTPS_PROXY": PROXY, "NO_PROXY": no_proxy})
    assert (found is None) == direct


@pytest.mark.parametrize(
    ("url", "environ", "says"),
    [
        (PLATFORM, {"HTTPS_PROXY": PROXY}, "http://proxy.example:3128 of HTTPS_PROXY"),
        (PLATFORM, {"https_proxy": "a:1", "HTTPS_PROXY": "b:2"}, "http://a:1 of https_proxy"),
        (PLATFORM, {"https_proxy": "", "HTTPS_PROXY": "b:2"}, "None"),
        (PLATFORM, {"all_proxy": "https://a"}, "https://a of all_proxy"),
        (PLATFORM, {"HTTP_PROXY": "a:1"}, "None"),
        ("http://chat.example", {"HTTP_PROXY": "a:1", "ALL_PROXY": "b:2"}, "http://a:1 of HTTP_PROXY"),
        ("http://127.0.0.1:1", {"HTTP_PROXY": "a:1"}, "None"),
    ],
)
def test_the_usual_variables_count(url: str, environ: Mapping[str, str], says: str) -> None:
    found = proxy_for(httpx.URL(url), None, environ)
    assert str(found) == says
    assert "pa55" not in repr(found)


def test_the_configured_proxy_counts_whatever_the_environment_says() -> None:
    found = proxy_for(httpx.URL(PLATFORM), PROXY, {"NO_PROXY": "*", "HTTPS_PROXY": "b:2"})
    assert str(found) == "http://proxy.example:3128 of proxy_url"


@pytest.mark.parametrize("url", ["socks5://u:pa55@p", "http://u:pa55/@x", "http://"])
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_wrong_variable_is_named(name: str, url: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name} must be an http:// or https:// URL") as caught:
        proxy_for(httpx.URL(PLATFORM), None, {name: url})
    assert "pa55" not in str(caught.value)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "said",
    [
        httpx.ConnectError("no"), httpx.ReadTimeout("no"), httpx.ProxyError("502"), httpx.DecodingError("no"),
        *(answer(status) for status in (204, 302, 401, 403, 404, 407, 429, 500, 502)),
        answer(200, b"<html>", content_type="text/html"), answer(200, b"x" * 200_000),
    ],
    ids=lambda said: type(said).__name__ if isinstance(said, Exception) else str(said.status_code),
)  # fmt: skip
async def test_every_error_names_the_proxy(said: httpx.Response | Exception) -> None:
    asked = bench(said)
    asked.endpoint = replace(endpoint(), proxy_url=PROXY)
    with pytest.raises(
        ChatUsageError, match=re.escape("(through the proxy http://proxy.example:3128 of proxy_url)")
    ) as one:
        await asked.ask()
    assert "pa55" not in str(one.value)


@pytest.mark.anyio
async def test_a_dead_proxy_of_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", dead := f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("NO_PROXY", "localhost,fd00:1234::/64,[::1]")
    with pytest.raises(ChatUsageError, match=f"through the proxy {dead} of HTTPS_PROXY"):
        await at("https://paradigm.example").ask()


@pytest.mark.anyio
async def test_a_store_names_its_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scripted_server(Act.RESET) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "fd00:1234::/64,[::1]")
        url = "http://store.example/api/v1/write"
        async with client(url, HttpConfig()) as http:
            with pytest.raises(StoreError, match=f"through the proxy {proxy.url} of HTTP_PROXY"):
                await RemoteWrite(url, http, Time().clock, {}).begin(NOON.date())
