"""Runs the exporter as `serve` does, but polls every few seconds: an hour has as many polls as a month otherwise.

usage: python -m tests.soak.fast_exporter CONFIG HOST:PORT SECONDS
"""

import asyncio
import dataclasses
import signal
import socket
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from exporter.app.assemble import Exporter, assemble
from exporter.app.process import ENDING, event_at, reloading, serving
from exporter.cli import logs
from exporter.platforms.registry import platforms
from exporter.settings import Settings, load
from exporter.web.server.server import listen


def load_with_interval(config: Path, interval: timedelta) -> Settings:
    """Loads the configuration with a poll interval below the allowed minimum."""
    settings = load(config, {}, platforms())
    sources = {
        name: dataclasses.replace(
            each,
            poll=each.poll.model_copy(update={"interval": interval}),
            target=replace(each.target, interval=interval),
        )
        for name, each in settings.sources.items()
    }
    return replace(settings, sources=sources)


async def _serve(exporter: Exporter, listening: socket.socket) -> None:
    stop, reload = event_at(*ENDING), event_at(signal.SIGHUP)
    async with (
        serving(exporter.app, listening),
        exporter.polling(),
        reloading(reload, exporter.reloader.reload, exporter.reloader.file_changed),
    ):
        await stop.wait()


def main(config: Path, address: str, seconds: float) -> None:
    """Polls and serves until SIGTERM; SIGHUP reloads the configuration."""
    read = partial(load_with_interval, config, timedelta(seconds=seconds))
    with listen(address, "HOST:PORT") as listening:
        logs.configure("info", "logfmt")
        asyncio.run(_serve(assemble(read(), read=read), listening))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]))
