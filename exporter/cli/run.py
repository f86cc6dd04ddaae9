"""Runs servers until SIGTERM or SIGINT, and ends them in order."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from starlette.types import ASGIApp

from exporter.web.server import server


@asynccontextmanager
async def serving(app: ASGIApp, listening: socket.socket) -> AsyncIterator[None]:
    """Serves an application on a listening socket while the block runs; open requests get a second to end."""
    running = server(app)
    task = asyncio.get_running_loop().create_task(running.serve(sockets=[listening]))
    try:
        yield
    finally:
        running.should_exit = True
        await task


async def until_signalled(signals: Sequence[signal.Signals] = (signal.SIGTERM, signal.SIGINT)) -> None:
    """Returns when the process is told to end; a second signal meanwhile changes nothing."""
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    for each in signals:
        loop.add_signal_handler(each, told.set)
    await told.wait()
