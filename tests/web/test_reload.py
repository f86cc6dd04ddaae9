"""`POST /-/reload`, as in Prometheus: only if enabled, and only POST."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from exporter.domain.threads import Worker
from exporter.exposition.board import Board
from exporter.web.app import create_app
from tests.web.web_context import web_context

pytestmark = pytest.mark.anyio


async def ask(method: str, reload: Callable[[], Awaitable[str]] | None) -> httpx.Response:
    seen = web_context(Board(), Worker("readers"), reload=reload)
    transport = httpx.ASGITransport(create_app(seen))
    async with httpx.AsyncClient(transport=transport, base_url="http://exporter") as http:
        return await http.request(method, "/-/reload")


class Reloads:
    """A reload that counts its calls, and fails if there is a reason."""

    def __init__(self, reason: str = "") -> None:
        self.reason = reason
        self.count = 0

    async def __call__(self) -> str:
        self.count += 1
        return self.reason


@pytest.mark.parametrize(
    ("reason", "status", "text"),
    [
        pytest.param("", 200, "reloaded\n", id="good"),
        pytest.param("exporter.yml:3: no", 500, "exporter.yml:3: no\n", id="refused"),
    ],
)
async def test_the_response_has_the_result(reason: str, status: int, text: str) -> None:
    reload = Reloads(reason)
    answer = await ask("POST", reload)

    assert (answer.status_code, answer.text, reload.count) == (status, text, 1)


async def test_the_response_names_the_flag_if_disabled() -> None:
    answer = await ask("POST", None)

    assert answer.status_code == 403
    assert "--web.enable-lifecycle" in answer.text


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
@pytest.mark.parametrize("permitted", [True, False], ids=["on", "off"])
async def test_nothing_but_a_post_reloads(method: str, permitted: bool) -> None:
    """A link, a crawler or a prefetch changes nothing."""
    reload = Reloads()
    answer = await ask(method, reload if permitted else None)

    assert (answer.status_code, answer.headers["Allow"], reload.count) == (405, "POST", 0)


async def test_ready_names_the_sources_of_now() -> None:
    names = {"one": 1}
    app = create_app(web_context(Board(), Worker("readers"), sources=names.keys()))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://exporter") as http:
        before = (await http.get("/-/ready")).text
        names["two"] = 2
        after = (await http.get("/-/ready")).text

    assert "two" not in before
    assert "one, two" in after
