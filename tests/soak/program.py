"""The exporter as `serve` puts it together, but polling every few seconds: as many polls in an hour as in a month.

usage: python -m tests.soak.program CONFIG HOST:PORT SECONDS
"""

import asyncio
import socket
import sys
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from exporter.app.assemble import Exporter, assemble
from exporter.app.process import end_signal, reload_signal, reloading, serving
from exporter.cli import logs
from exporter.platforms.registry import platforms
from exporter.settings import Settings, load
from exporter.web.server.server import listen


def hectic(config: Path, interval: timedelta) -> Settings:
    """Reads the configuration; its sources are polled more often than an operator may ask for."""
    settings = load(config, {}, platforms())
    sources = {
        name: replace(
            each,
            poll=each.poll.model_copy(update={"interval": interval}),
            target=replace(each.target, interval=interval),
        )
        for name, each in settings.sources.items()
    }
    return replace(settings, sources=sources)


async def _serve(exporter: Exporter, listening: socket.socket) -> None:
    told, told_again = end_signal(), reload_signal()
    reload = exporter.reloader.reload, exporter.reloader.file_changed
    async with serving(exporter.app, listening), exporter, reloading(told_again, *reload):
        await told.wait()


def main(config: Path, address: str, seconds: float) -> None:
    """Polls and serves until SIGTERM; SIGHUP reloads the configuration."""
    read = partial(hectic, config, timedelta(seconds=seconds))
    with listen(address, "HOST:PORT") as listening:
        logs.configure("info", "logfmt")
        asyncio.run(_serve(assemble(read(), read=read), listening))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]))
