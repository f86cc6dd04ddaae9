"""Measures scrapes, new passwords, health checks, log and memory under floods of a thousand connections.

usage: python -m tests.e2e.floods

New connections wait in the kernel's queue behind those of the flood: 1 ms each, with TLS 5 ms. So floods are limited in
connections per second, and a known password uses a persistent connection, as Prometheus does.

Prints a table, without and with TLS. Exit status 1 if a bound is exceeded. Slow results are measured up to three times,
and the best counts, since other programs disturb them.
"""

import asyncio
import base64
import io
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import NamedTuple

import bcrypt
import httpx

from tests.e2e.slow import Streams, Target, served

CONNECTIONS = 1_000
ROUNDS = 3
SCRAPES = 10
PAUSE_S = 0.2
MAX_KNOWN_S, MAX_NEW_S, MAX_HEALTH_S = 0.1, 1.0, 0.1
MAX_LINES = 100
"""Log lines per minute."""
MAX_GROWTH = 64 * 2**20
"""Bytes for 512 connections and their handshakes; unbounded growth would be more."""
PROMETHEUS = "127.0.0.2"
"""Another address than that of the floods, since few passwords per address are checked at once."""
PER_SECOND = {"http": 300, "https": 100}
"""New connections per second."""
KNOWN = ("prometheus", "secret")
COST = 10
HALF_REQUEST = b"GET /metrics HTTP/1.1\r\nHost: exporter\r\n"

Flood = Callable[[Streams, int], Awaitable[object]]
"""What a connection does until it is closed; each has another number."""


async def guess(streams: Streams, number: int) -> None:
    """Sends a wrong password and reads the response."""
    reader, writer = streams
    guessed = base64.b64encode(b"prometheus:%d" % number)
    writer.write(HALF_REQUEST + b"Authorization: Basic " + guessed + b"\r\n\r\n")
    await reader.read()


async def silent(_streams: Streams, _number: int) -> None:
    """Sends nothing."""
    await asyncio.Event().wait()


async def half_request(streams: Streams, _number: int) -> None:
    """Sends half a request and waits."""
    streams[1].write(HALF_REQUEST)
    await streams[0].read()


async def malformed(streams: Streams, _number: int) -> None:
    """Sends bytes that are no request."""
    streams[1].write(b"\x00\x01 nonsense \xff\r\n\r\n")
    await streams[0].read()


async def pipelined(streams: Streams, _number: int) -> None:
    """Sends a hundred requests at once and reads no response."""
    streams[1].write((HALF_REQUEST + b"\r\n") * 100)
    await streams[1].drain()


FLOODS: Mapping[str, Flood] = {
    "wrong passwords": guess,
    "silent": silent,
    "half a request": half_request,
    "no request": malformed,
    "100 requests at once": pipelined,
}


class Cost(NamedTuple):
    """Longest durations in seconds, log lines per minute, and growth of memory in bytes."""

    known: float
    new: float
    health: float
    lines: float
    grown: float

    @property
    def is_allowed(self) -> bool:
        """Whether all values are within their bounds."""
        bounds = Cost(MAX_KNOWN_S, MAX_NEW_S, MAX_HEALTH_S, MAX_LINES, MAX_GROWTH)
        return all(found <= bound for found, bound in zip(self, bounds, strict=True))


async def flood(target: Target, kind: str) -> None:
    """Keeps all connections busy without end; prints a line when each was used once."""
    numbers = itertools.count()

    a_while = CONNECTIONS / PER_SECOND[httpx.URL(target.url).scheme]

    async def one(turn: int) -> None:
        await asyncio.sleep(a_while * turn / CONNECTIONS)
        while True:
            try:
                async with asyncio.timeout(a_while):
                    _, writer = streams = await target.connect(raw=kind == "silent")
                    try:
                        await FLOODS[kind](streams, next(numbers))
                        await asyncio.Event().wait()
                    finally:
                        writer.close()
            except OSError:  # it took its while, or was cut off, which is the server's right
                await asyncio.sleep(PAUSE_S)

    async with asyncio.TaskGroup() as group:
        for turn in range(CONNECTIONS):
            group.create_task(one(turn))
        await asyncio.sleep(a_while)
        print("there", flush=True)


@contextmanager
def flooding(target: Target, kind: str) -> Iterator[None]:
    """Floods from a separate process."""
    command = [sys.executable, "-m", "tests.e2e.floods", kind, target.url, str(target.authority or "")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield
        finally:
            process.kill()


def client(target: Target) -> httpx.Client:
    """Makes a client with another source address."""
    return httpx.Client(transport=httpx.HTTPTransport(verify=target.trust, local_address=PROMETHEUS), timeout=60)


def seconds(http: httpx.Client, url: str, auth: tuple[str, str] | None = None) -> float:
    """Returns the duration of a request."""
    began = time.monotonic()
    http.get(url, auth=auth).raise_for_status()
    return time.monotonic() - began


def memory(pid: int) -> int:
    """Returns the resident bytes of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


def lines(target: Target) -> int:
    """Returns the number of log lines."""
    return target.log.read_bytes().count(b"\n")


def cost(target: Target, kind: str, new: Iterator[tuple[str, str]]) -> Cost:
    """Measures during a flood, and right after it."""
    page = f"{target.url}/metrics"
    before, written, began = memory(target.pid), lines(target), time.monotonic()
    known, health = [], []
    with client(target) as kept, client(target) as other:
        seconds(kept, page, KNOWN)
        with flooding(target, kind):
            for _ in range(SCRAPES):
                known.append(seconds(kept, page, KNOWN))
                health.append(seconds(kept, f"{target.url}/-/healthy"))
                time.sleep(PAUSE_S)
            fresh = seconds(other, page, next(new))
        known.append(seconds(kept, page, KNOWN))
    minutes = (time.monotonic() - began) / 60
    return Cost(
        max(known), fresh, max(health), (lines(target) - written) / max(1, minutes), memory(target.pid) - before
    )


def measured(*, tls: bool) -> int:
    """Prints the cost of each flood; returns how many exceed a bound."""
    users = [KNOWN, *((f"new{number}", "secret") for number in range(ROUNDS * len(FLOODS)))]
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(COST)).decode()
    web_config = "basic_auth_users:\n" + "".join(f"  {name}: {hashed}\n" for name, _ in users)
    late = 0
    with served(tls=tls, web_config=web_config, auth=KNOWN) as target:
        new = iter(users[1:])
        for kind in FLOODS:
            best = cost(target, kind, new)
            for _ in range(ROUNDS - 1):
                if not best.is_allowed:
                    best = Cost(*map(min, zip(best, cost(target, kind, new), strict=True)))
            late += not best.is_allowed
            print(
                f"{kind:<22}{'https' if tls else 'http':>6}{best.known * 1000:>8.0f} ms{best.new * 1000:>8.0f} ms"
                f"{best.health * 1000:>8.0f} ms{best.lines:>8.0f}{best.grown / 2**20:>8.0f} MiB"
                f"  {'holds' if best.is_allowed else 'MISSED'}",
                flush=True,
            )
    return late


def main(arguments: Sequence[str]) -> int:
    """Prints the table and returns the exit status; with arguments it runs the flood."""
    if len(arguments) == len(("kind", "url", "authority")):
        kind, url, authority = arguments
        asyncio.run(flood(Target(url, Path(authority) if authority else None), kind))
        return 0
    print(f"{CONNECTIONS} connections; the longest scrape with a known password, one with a new one,")
    print(f"the health, lines of the log a minute, memory more; each the best of {ROUNDS} at most")
    logs, late = io.StringIO(), 1
    try:
        with redirect_stderr(logs):
            late = sum(measured(tls=tls) for tls in (False, True))
    finally:
        if late:
            sys.stderr.write(logs.getvalue()[-10_000:])
    return int(late > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
