"""Runs servers until SIGTERM or SIGINT, reloads at SIGHUP, and ends everything in order."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from starlette.types import ASGIApp

from exporter.polling.threads import DaemonThreads
from exporter.web.server.basic_auth import Access, Verdicts
from exporter.web.server.server import server
from exporter.web.server.web_config import Guard

Result = TypeVar("Result")


def to_the_end(work: Coroutine[object, object, Result]) -> Result:
    """Runs a command's coroutine as `asyncio.run` does, and ends with it: no thread that hangs is waited for."""
    with asyncio.Runner() as runner:
        runner.get_loop().set_default_executor(DaemonThreads())
        return runner.run(work)


@asynccontextmanager
async def serving(app: ASGIApp, listening: socket.socket, guard: Guard | None = None) -> AsyncIterator[None]:
    """Serves an application on a listening socket while the block runs; open requests get a second to end.

    A `guard` lets only those in who may come.
    """
    verdicts = Verdicts()
    running = server(app if guard is None else Access(app, guard.users, verdicts), guard)
    loop = asyncio.get_running_loop()
    task = loop.create_task(running.serve(sockets=[listening]))
    try:
        yield
    finally:
        running.stop()
        await task
        verdicts.close()


def told_to_end(signals: Sequence[signal.Signals] = (signal.SIGTERM, signal.SIGINT)) -> asyncio.Event:
    """Returns what is set when the process is told to end; a second signal changes nothing.

    Called before anything is served: until then a signal ends the process at once, with its own exit status.
    """
    return _told(signals)


def told_to_reload() -> asyncio.Event:
    """Returns what is set by SIGHUP; called as early as `told_to_end`: until then SIGHUP ends the process."""
    return _told((signal.SIGHUP,))


@asynccontextmanager
async def reloading(told: asyncio.Event, reload: Callable[[], Awaitable[str]]) -> AsyncIterator[None]:
    """Reloads whenever told while the block runs; being told once more during a reload makes another one follow."""

    async def each_time() -> None:
        while True:
            await told.wait()
            told.clear()
            await reload()

    task = asyncio.get_running_loop().create_task(each_time())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _told(signals: Sequence[signal.Signals]) -> asyncio.Event:
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    for each in signals:
        loop.add_signal_handler(each, told.set)
    return told
