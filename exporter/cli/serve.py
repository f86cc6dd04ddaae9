"""`serve`: polls and serves until SIGTERM or SIGINT; SIGHUP reloads the configuration."""

import asyncio
import logging
import os
import socket
from functools import partial
from typing import Annotated

import typer

from exporter import __version__, source
from exporter.cli import logs
from exporter.cli.options import LISTEN_OPTION, ConfigFile, Format, Level, ListenAddress
from exporter.cli.run import reloading, serving, told_to_end, told_to_reload
from exporter.cli.wiring import Exporter, assemble
from exporter.settings import load
from exporter.web.server import listen, url

log = logging.getLogger(__name__)


def serve(
    config_file: ConfigFile = None,
    listen_address: ListenAddress = ":9854",
    enable_lifecycle: Annotated[
        bool,
        typer.Option("--web.enable-lifecycle", help="Let POST /-/reload reload the configuration, as SIGHUP does."),
    ] = False,
    log_level: Level = logs.LogLevel.INFO,
    log_format: Format = logs.LogFormat.LOGFMT,
) -> None:
    """Poll the configured sources and serve their figures until SIGTERM or SIGINT; SIGHUP reloads the configuration.

    Without a configuration file: PARADIGM_API_KEY=... chat-usage-exporter serve
    """
    read = partial(load, config_file, os.environ, source.platforms())
    settings = read()
    with listen(listen_address, LISTEN_OPTION) as listening:
        logs.configure(log_level, log_format)
        for note in settings.notes:
            log.info(note)
        asyncio.run(_serve(assemble(settings, read=read, lifecycle=enable_lifecycle), listening))


async def _serve(exporter: Exporter, listening: socket.socket) -> None:
    told, told_again = told_to_end(), told_to_reload()
    async with serving(exporter.app, listening):
        log.info("serving", extra={"url": f"{url(listening)}/metrics", "version": __version__})
        async with exporter, reloading(told_again, exporter.reloader.reload):
            await told.wait()
            log.info("ending")
