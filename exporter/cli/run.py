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
        running.stop()
        await task


def told_to_end(signals: Sequence[signal.Signals] = (signal.SIGTERM, signal.SIGINT)) -> asyncio.Event:
    """Returns what is set when the process is told to end; a second signal changes nothing.

    Called before anything is served: until then a signal ends the process at once, with its own exit status.
    """
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    for each in signals:
        loop.add_signal_handler(each, told.set)
    return told
