"""Runs servers until SIGTERM or SIGINT, reloads at SIGHUP, and shuts down in order."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import ParamSpec, TypeVar

from starlette.types import ASGIApp

from exporter.domain.threads import in_daemon
from exporter.web.server.basic_auth import BasicAuth
from exporter.web.server.server import Server
from exporter.web.server.web_config import LiveWebConfig

Result = TypeVar("Result")
Given = ParamSpec("Given")
ENDING = (signal.SIGTERM, signal.SIGINT)


class DaemonThreads(ThreadPoolExecutor):
    """Runs each function in a thread of its own, as an event loop's default executor: DNS, key files.

    Nothing waits for one that blocks, since the pool itself stays empty. They stay few: a source polls once at a time,
    so it has one of them.
    """

    def submit(self, function: Callable[Given, Result], /, *args: Given.args, **kwargs: Given.kwargs) -> Future[Result]:
        return in_daemon(partial(function, *args, **kwargs))


def run_command(work: Coroutine[object, object, Result]) -> Result:
    """Runs a command's coroutine like `asyncio.run`, but does not wait for blocked threads at the end."""
    with asyncio.Runner() as runner:
        runner.get_loop().set_default_executor(DaemonThreads())
        return runner.run(work)


@asynccontextmanager
async def serving(
    app: ASGIApp,
    listening: socket.socket,
    web_config: LiveWebConfig | None = None,
    refused: Callable[[str], None] = lambda _reason: None,
) -> AsyncIterator[None]:
    """Serves an application while the block runs; open requests then have a second to end.

    A `web_config` decides which requests are answered; `refused` is called with the reason for each refused one.
    """
    gated = app if web_config is None else BasicAuth(app, web_config.current, refused)
    running = Server(gated, web_config)
    task = asyncio.create_task(running.serve(sockets=[listening]))
    try:
        yield
    finally:
        running.should_exit = True
        await task


async def serving_until_signalled(app: ASGIApp, listening: socket.socket) -> None:
    ended = event_at(*ENDING)
    async with serving(app, listening):
        await ended.wait()


def event_at(*signals: signal.Signals) -> asyncio.Event:
    """Returns an event that these signals set; call it before serving: without it, they kill the process."""
    loop, event = asyncio.get_running_loop(), asyncio.Event()
    for each in signals:
        loop.add_signal_handler(each, event.set)
    return event


@asynccontextmanager
async def reloading(
    requested: asyncio.Event,
    reload: Callable[[], Awaitable[str]],
    file_changed: Callable[[], Awaitable[bool]],
    seconds: float = 10.0,
) -> AsyncIterator[None]:
    """Reloads when `requested` is set, and when `file_changed` returns True, which is checked every `seconds`."""

    async def each_time() -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(requested.wait(), seconds)
            if requested.is_set() or await file_changed():
                requested.clear()
                await reload()

    task = asyncio.create_task(each_time())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
