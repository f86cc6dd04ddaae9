"""A download from a link uses the same proxy, authorities and address checks as every other request."""

import asyncio
import contextlib
import shutil
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from exporter.domain.errors import ConnectionLostError
from exporter.http import download
from tests.certificates import self_signed
from tests.http.fakes import KEY, Wire, endpoint
from tests.scripted_server import read_head, scripted_server

pytestmark = pytest.mark.anyio

FILE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfigs\n"
LINK = "https://files.example/x?signature=1"


async def public(_host: str, _port: int) -> list[str]:
    """Resolves every name to two addresses on the internet."""
    return ["93.184.216.34", "2606:2800:220:1::1"]


@asynccontextmanager
async def tunnel(port: int, asked: list[str]) -> AsyncIterator[str]:
    """Runs a proxy that connects to `port` of this machine whatever it is asked for; yields its URL."""
    ended = asyncio.Queue[None]()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await read_head(reader)).partition("\r\n")[0])
        there = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(pump(reader, there[1]), pump(there[0], writer))
        await ended.put(None)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://operator:pa55@127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for _ in asked:
            await ended.get()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not there to make certificates")
async def test_a_download_takes_proxy_and_authorities_of_its_source(tmp_path: Path) -> None:
    """The proxy is asked for the name, which TLS checks by ca_file; the key stays here."""
    self_signed(tmp_path, "files.example")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "files.example.crt", tmp_path / "files.example.key")
    asked: list[str] = []
    async with scripted_server(FILE, tls=tls) as server, tunnel(server.port, asked) as proxy:
        source = replace(endpoint(ca_file=str(tmp_path / "files.example.crt")), proxy_url=proxy)
        size = await download.save(LINK, tmp_path / "file", download.DownloadRules(source, 100, resolve=public))
        rules = download.DownloadRules(replace(source, ca_file=None), 100, resolve=public)
        with pytest.raises(ConnectionLostError, match=r"through the proxy http://127.0.0.1:\d+ of proxy_url") as caught:
            await download.save(LINK, tmp_path / "file", rules)

    assert (size, (tmp_path / "file").read_bytes()) == (5, b"figs\n")
    assert asked == ["CONNECT files.example:443 HTTP/1.1"] * 2
    assert KEY not in str(server.heads)
    assert "pa55" not in str(caught.value)
    assert "signature" not in str(caught.value)


async def test_user_and_password_of_the_link_are_sent_as_any_client_sends_them(tmp_path: Path) -> None:
    seen = []

    def serve(request: httpx.Request) -> httpx.Response:
        seen.append(dict(request.headers))
        return httpx.Response(200, stream=Wire(b"figs\n"))

    rules = download.DownloadRules(endpoint(), 100, resolve=public, transport=httpx.MockTransport(serve))
    for written in ("me:pa%3A55@", ":@"):
        await download.save(LINK.replace("://", f"://{written}"), tmp_path / "file", rules)
    assert [each.get("authorization") for each in seen] == [f"Basic {b64encode(b'me:pa:55').decode()}", None]


@pytest.mark.parametrize("dead", [0, 1, 2])
async def test_every_address_of_the_host_is_tried(tmp_path: Path, dead: int) -> None:
    """In the resolver's order; when none answers the last error counts."""
    seen = []

    def serve(request: httpx.Request) -> httpx.Response:
        seen.append((request.url.host, request.headers["Host"]))
        if len(seen) <= dead:
            raise httpx.ConnectError("no route")
        return httpx.Response(200, stream=Wire(b"figs\n"))

    rules = download.DownloadRules(endpoint(), 100, resolve=public, transport=httpx.MockTransport(serve))
    if dead == len(addresses := await public("", 0)):
        with pytest.raises(ConnectionLostError):
            await download.save(LINK, tmp_path / "file", rules)
    else:
        assert await download.save(LINK, tmp_path / "file", rules) == len(b"figs\n")
    assert seen == [(address, "files.example") for address in addresses[: dead + 1]]
