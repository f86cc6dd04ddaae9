"""Measures scrapes while hundreds of slow clients are connected.

usage: python -m tests.e2e.slow [--short]

Prints a table, without and with TLS: each kind of client alone (not with --short), and all kinds together. Exit status
1 if a scrape was too slow.
"""

import asyncio
import io
import select
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import NamedTuple

import httpx

from exporter.simulator.paradigm.world import World
from tests.certificates import self_signed
from tests.e2e.commands import COMMAND, SEED, simulating
from tests.e2e.programs import free_port, running

CLIENTS = 500
TRIES = 3
SCRAPES = 20
PAUSE_S = 0.1
MAX_DELAY_S = 0.1
"""Allowed delay of a scrape."""
TIMEOUT_S = 60.0
REQUEST = b"GET /metrics HTTP/1.1\r\nHost: exporter\r\n\r\n"
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
"""Start of a TLS ClientHello that announces 512 bytes."""

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Auth = tuple[str, str]


class Target(NamedTuple):
    """A running exporter: URL, CA file for TLS, log and process id."""

    url: str
    authority: Path | None
    log: Path = Path()
    pid: int = 0

    @property
    def trust(self) -> ssl.SSLContext | bool:
        """TLS context for httpx; False without TLS."""
        return ssl.create_default_context(cafile=str(self.authority)) if self.authority else False

    async def connect(self, *, raw: bool = False) -> Streams:
        """Connects; with `raw` without TLS, whatever the target expects."""
        where = httpx.URL(self.url)
        return await asyncio.open_connection(where.host, where.port, ssl=None if raw else self.trust or None)


Client = Callable[[Target, asyncio.Event], Awaitable[None]]
"""Connects, sets the event, and stays until cancelled or disconnected."""


async def send_slowly(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Sends a byte a second."""
    for drop in data:
        writer.write(bytes([drop]))
        await writer.drain()
        await asyncio.sleep(1)


async def slow_head(target: Target, connected: asyncio.Event) -> None:
    """Sends a request byte by byte and never completes it."""
    _, writer = await target.connect()
    connected.set()
    await send_slowly(writer, REQUEST[:-2] + b"X: " + b"x" * 10_000)


async def silent(target: Target, connected: asyncio.Event) -> None:
    """Connects and sends nothing, not even a ClientHello."""
    await target.connect(raw=True)
    connected.set()
    await asyncio.Event().wait()


async def slow_handshake(target: Target, connected: asyncio.Event) -> None:
    """Sends a ClientHello byte by byte, also without TLS."""
    _, writer = await target.connect(raw=True)
    connected.set()
    await send_slowly(writer, HELLO + b"\0" * 500)


async def idle(target: Target, connected: asyncio.Event) -> None:
    """Sends one request and keeps the connection open."""
    reader, writer = await target.connect()
    writer.write(REQUEST.replace(b"/metrics", b"/-/healthy"))
    await reader.readuntil(b"healthy\n")
    connected.set()
    await asyncio.Event().wait()


async def not_reading(target: Target, connected: asyncio.Event) -> None:
    """Requests an exposition and does not read it."""
    reader, writer = await target.connect()
    writer.write(REQUEST)
    await reader.readexactly(1)
    connected.set()
    await asyncio.Event().wait()


ALL = "all of these together"
KINDS: Mapping[str, tuple[Client, ...]] = {
    "a byte of a request each second": (slow_head,),
    "a byte of a handshake each second": (slow_handshake,),
    "connected, silent": (silent,),
    "answered, then idle": (idle,),
    "a response not read": (not_reading,),
    ALL: (slow_head, slow_handshake, silent, idle, not_reading),
}


class Delay(NamedTuple):
    """By how many seconds the slowest scrape was slower than usual.

    `connected`: new connections while all clients are connected; `connecting`: a kept connection while they connect.
    """

    connected: float
    connecting: float


def delay(target: Target, kind: str) -> Delay:
    """Measures with clients of one kind, which run in a separate process."""
    usual = statistics.median(scrapes(target))
    command = [sys.executable, "-m", "tests.e2e.slow", kind, target.url, str(target.authority or "")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as crowd:
        try:
            connecting = _scrape_until(target, crowd)
            return Delay(max(scrapes(target)) - usual, connecting - usual)
        finally:
            crowd.kill()


async def crowd(target: Target, kind: str) -> None:
    """Runs the clients of all kinds in turn, and prints a line when all are connected."""
    clients, arrived = KINDS[kind], [asyncio.Event() for _ in range(CLIENTS)]
    async with asyncio.TaskGroup() as group:
        for number, connected in enumerate(arrived):
            group.create_task(_stay(clients[number % len(clients)], target, connected))
        for connected in arrived:
            await connected.wait()
        print("connected", flush=True)
        await asyncio.Event().wait()  # also when all were cut off


async def _stay(client: Client, target: Target, connected: asyncio.Event) -> None:
    try:
        await client(target, connected)
    except (ConnectionError, asyncio.IncompleteReadError):
        # To cut it off later is the server's right; with TLS, which takes more memory, at once: fewer may be connected.
        if not connected.is_set() and target.authority is None:
            raise
        connected.set()


def scrapes(target: Target) -> Sequence[float]:
    """Scrapes repeatedly on new connections; returns the durations."""
    found, trust = [], target.trust
    for _ in range(SCRAPES):
        with httpx.Client(verify=trust, trust_env=False, timeout=TIMEOUT_S) as http:
            found.append(_timed(http, target))
        time.sleep(PAUSE_S)
    return found


def _scrape_until(target: Target, crowd: "subprocess.Popen[bytes]") -> float:
    """Scrapes on one connection until all clients are connected; returns the longest duration."""
    assert crowd.stdout is not None
    with httpx.Client(verify=target.trust, trust_env=False, timeout=TIMEOUT_S) as http:
        _timed(http, target)
        worst = _timed(http, target)
        while not select.select([crowd.stdout], [], [], PAUSE_S / 10)[0]:
            worst = max(worst, _timed(http, target))
    if not crowd.stdout.readline():
        raise ChildProcessError("the crowd has ended before it was connected")
    return worst


def _timed(http: httpx.Client, target: Target) -> float:
    began = time.monotonic()
    http.get(f"{target.url}/metrics").raise_for_status()
    return time.monotonic() - began


@contextmanager
def served(*, tls: bool, web_config: str = "", auth: Auth | None = None) -> Iterator[Target]:
    """Runs an exporter that has read a simulated platform and polls again only after an hour.

    `web_config` is what it is configured with besides TLS, `auth` who may then ask.
    """
    with tempfile.TemporaryDirectory() as name, simulating(Path(name)) as platform:
        folder, address = Path(name), f"127.0.0.1:{free_port()}"
        (folder / "key").write_text(World.from_seed(SEED).keys.admin)
        config = f"sources: {{production: {{platform: paradigm, base_url: '{platform}', api_key_file: key}}}}\n"
        (folder / "exporter.yml").write_text(config)
        options = [f"--config.file={folder / 'exporter.yml'}", f"--web.listen-address={address}"]
        target = Target(f"http://{address}", None, folder / "serve.log")
        if tls:
            self_signed(folder, "server", "IP:127.0.0.1")
            web_config += "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
            target = Target(f"https://{address}", folder / "server.crt", folder / "serve.log")
        (folder / "web.yml").write_text(web_config)
        options.append(f"--web.config.file={folder / 'web.yml'}")
        command: list[str | Path] = [COMMAND, "serve", *options]
        with running(command, target.log, lambda: _has_past(target, auth), TIMEOUT_S) as process:
            yield target._replace(pid=process.pid)


def _has_past(target: Target, auth: Auth | None) -> bool:
    try:
        page = httpx.get(f"{target.url}/metrics", verify=target.trust, trust_env=False, auth=auth).text
    except httpx.TransportError:
        return False
    last = 'chat_usage_report_window_coverage_ratio{source="production",report="user-activities",window="28d"} 1.0'
    return last in page


def measured(*, tls: bool, kinds: Iterable[str]) -> int:
    """Prints the delays for each kind of client; returns how many are too long."""
    late = 0
    with served(tls=tls) as target:
        for kind in kinds:
            tries = [delay(target, kind) for _ in range(TRIES)]
            connected, connecting = min(each.connected for each in tries), min(each.connecting for each in tries)
            late += connected > MAX_DELAY_S
            verdict = "MISSED" if connected > MAX_DELAY_S else "holds"
            protocol = "https" if tls else "http"
            print(
                f"{kind:<36}{protocol:>6}{connected * 1000:>8.0f} ms{connecting * 1000:>8.0f} ms  {verdict}", flush=True
            )
    return late


def main(arguments: Sequence[str]) -> int:
    """Prints the table and returns the exit status; with arguments it runs the clients."""
    if len(arguments) == len(("kind", "url", "authority")):
        kind, url, authority = arguments
        asyncio.run(crowd(Target(url, Path(authority) if authority else None), kind))
        return 0
    kinds = [ALL] if arguments else KINDS
    print(f"{CLIENTS} clients; delay of a scrape while they are connected (at most {MAX_DELAY_S * 1000:g} ms),")
    print(f"and on a kept connection while they connect; each the best of {TRIES}")
    logs = io.StringIO()  # logs of the programs, which are not needed
    late = 1
    try:
        with redirect_stderr(logs):
            late = sum(measured(tls=tls, kinds=kinds) for tls in (False, True))
    finally:
        if late:
            sys.stderr.write(logs.getvalue())
    return int(late > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
