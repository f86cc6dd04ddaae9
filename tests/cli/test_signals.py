"""The commands that run until they are told to end, in this process, which sends itself the signal."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread

import pytest
from msgspec import structs

from exporter.app.assemble import assemble
from exporter.app.process import ENDING, event_at, reloading
from exporter.cli.check import unless_signalled
from exporter.cli.main import run
from exporter.cli.serve import _serve
from exporter.domain.errors import FailedError
from exporter.platforms.registry import platforms
from exporter.settings import load
from exporter.web.server.server import listen
from exporter.web.server.web_config import LiveWebConfig
from tests import loopback
from tests.cli.conftest import CANARY
from tests.e2e.programs import answers, free_port, wait_for

SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)


@contextmanager
def signalling(number: signal.Signals, ready: str) -> Iterator[list[str]]:
    """Sends this process a signal as soon as a URL answers, and not before: it would end the tests."""
    seen: list[str] = []

    def watch() -> None:
        wait_for(lambda: answers(ready), ready, 20)
        seen.append(loopback.get(ready).text)
        os.kill(os.getpid(), number)

    watcher = Thread(target=watch)
    watcher.start()
    yield seen
    watcher.join()


@SIGNALS
@pytest.mark.anyio
async def test_a_signal_is_waited_for(number: signal.Signals) -> None:
    """Once is enough, twice is no more."""
    told = event_at(*ENDING)
    try:
        before = told.is_set()
        for _ in range(2):
            os.kill(os.getpid(), number)
            await told.wait()
            await asyncio.sleep(0)
    finally:
        for each in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(each)

    assert (False, True) == (before, told.is_set())


@SIGNALS
def test_who_is_interrupted_fails_at_once(number: signal.Signals) -> None:
    """With no result, so no table of half the reports and no success."""

    async def work() -> None:
        os.kill(os.getpid(), number)
        await asyncio.Event().wait()

    with pytest.raises(FailedError, match="interrupted before the end"):
        asyncio.run(unless_signalled(work(), "the end"))


@pytest.mark.anyio
async def test_each_hang_up_reloads_once() -> None:
    """One that comes during a reload makes another one follow; with the block it is over."""
    told, begun, goes_on = event_at(signal.SIGHUP), asyncio.Semaphore(0), asyncio.Semaphore(0)

    async def reload() -> str:
        begun.release()
        await goes_on.acquire()
        return ""

    async def unchanged() -> bool:
        return False

    try:
        async with asyncio.timeout(20), reloading(told, reload, unchanged):
            for _ in range(3):
                os.kill(os.getpid(), signal.SIGHUP)
                await begun.acquire()
                os.kill(os.getpid(), signal.SIGHUP)
                await told.wait()
                goes_on.release()
                await begun.acquire()
                goes_on.release()
                await asyncio.sleep(0)
                assert begun.locked()
    finally:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGHUP)


@pytest.mark.anyio
async def test_a_changed_file_reloads_without_a_signal() -> None:
    """It is asked for again and again; each change is one reload."""
    changes, reloaded = iter([False, True, False, True]), asyncio.Semaphore(0)

    async def changed() -> bool:
        return next(changes, False)

    async def reload() -> str:
        reloaded.release()
        return ""

    async with asyncio.timeout(20), reloading(asyncio.Event(), reload, changed, 0.0):
        await reloaded.acquire()
        await reloaded.acquire()
        await asyncio.sleep(0)
    assert (reloaded.locked(), next(changes, None)) == (True, None)


@SIGNALS
def test_serve_ends_when_told(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With nothing but a key, and a platform that is not there."""
    address = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("PARADIGM_API_KEY", CANARY)
    monkeypatch.setenv("PARADIGM_BASE_URL", f"http://127.0.0.1:{free_port()}")

    with signalling(number, f"http://{address}/-/healthy") as seen:
        status = run(["serve", "--web.listen-address", address])

    out, err = capsys.readouterr()
    assert (0, ["healthy\n"], "") == (status, seen, out)
    assert [
        'msg="the source \\"paradigm\\" comes from PARADIGM_API_KEY, because no sources are configured"',
        f"msg=serving url=http://{address}/metrics version=0.2.0",
        "msg=ending",
    ] == [line.split(" level=info ")[1] for line in err.splitlines() if " level=info " in line]
    assert CANARY not in err


@SIGNALS
def test_simulate_ends_when_told(number: signal.Signals, capsys: pytest.CaptureFixture[str]) -> None:
    """It says where it is and which keys open it; they are keys of a game."""
    address = f"127.0.0.1:{free_port()}"

    with signalling(number, f"http://{address}/control") as seen:
        status = run(["simulate", "--listen-address", address, "--companies", "2", "--scenario", "outage"])

    out, err = capsys.readouterr()
    assert (0, "", True) == (status, err, '"outage"' in seen[0])
    assert f"A simulated Paradigm of 2 companies (seed 1) is at http://{address}\n" in out
    assert f"PARADIGM_BASE_URL=http://{address}/api/v2 PARADIGM_API_KEY=" in out
    assert f"  sources: {{bot: {{platform: chatcaptain, base_url: 'http://{address}', chatbot_id: bot_" in out


@SIGNALS
def test_demo_ends_when_told(number: signal.Signals, capsys: pytest.CaptureFixture[str]) -> None:
    """It prints what to try, and its first poll is answered, whatever proxy the environment names."""
    address, platform = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    arguments = ["demo", "--companies", "2", "--web.listen-address", address, "--simulate.listen-address", platform]

    with signalling(number, f"http://{address}/-/ready") as seen:
        status = run(arguments)

    out, err = capsys.readouterr()
    assert (0, ["ready\n"]) == (status, seen)
    assert f"The exporter is at http://{address}, the simulated platforms at http://{platform}." in out
    assert "msg=polled source=demo report=chat-sessions outcome=ok" in err


@dataclass
class HangingSources:
    """Sources whose start waits for a file that does not come."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> None:
        self.begun.set()
        await asyncio.Event().wait()


@SIGNALS
@pytest.mark.anyio
async def test_a_start_that_hangs_is_ended(number: signal.Signals) -> None:
    """As on a state file that cannot be read, nor waited for."""
    environ = {"PARADIGM_API_KEY": CANARY, "PARADIGM_BASE_URL": "http://127.0.0.1:1"}
    exporter = structs.replace(assemble(load(None, environ, platforms())), sources=(sources := HangingSources()))
    loop = asyncio.get_running_loop()
    try:
        with listen("127.0.0.1:0", "") as listening:
            serving = loop.create_task(_serve(exporter, listening, LiveWebConfig()))
            await sources.begun.wait()
            os.kill(os.getpid(), number)
            async with asyncio.timeout(20):
                await serving
    finally:
        for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(each)
