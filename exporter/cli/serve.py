"""`serve`: polls and serves until SIGTERM or SIGINT; SIGHUP reloads the configuration."""

import asyncio
import logging
import os
import resource
import signal
import socket
from contextlib import suppress
from functools import partial
from typing import Annotated

import typer

from exporter import __version__
from exporter.app import interpreter
from exporter.app.assemble import CLOCK, Exporter, assemble
from exporter.app.process import ENDING, event_at, reloading, run_command, serving
from exporter.cli import logs, options
from exporter.platforms.registry import platforms
from exporter.settings import load
from exporter.web.server.server import listen, url
from exporter.web.server.web_config import LiveWebConfig
from exporter.web.status.page import DOCS

log = logging.getLogger(__name__)


def serve(
    config_file: options.ConfigFile = None,
    listen_address: options.ListenAddress = ":9854",
    web_config_file: options.WebConfigFile = None,
    enable_lifecycle: Annotated[
        bool,
        typer.Option("--web.enable-lifecycle", help="Let POST /-/reload reload the configuration, as SIGHUP does."),
    ] = False,
    docs_url: options.DocsUrl = DOCS,
    grafana_url: options.GrafanaUrl = None,
    log_level: options.Level = "info",
    log_format: options.Format = "logfmt",
) -> None:
    """Poll the configured sources and serve their figures. Runs until SIGTERM or SIGINT; SIGHUP reloads.

    Without a configuration file: PARADIGM_API_KEY=... chat-usage-exporter serve
    """
    read = partial(load, config_file, os.environ, platforms())
    links = options.links(docs_url, grafana_url)
    settings, web_config = read(), LiveWebConfig(web_config_file)
    take_descriptors()
    with listen(listen_address, options.LISTEN_OPTION) as listening:
        logs.configure(log_level, log_format)
        for note in settings.notes:
            log.info(note)
        for line in settings.without_effect(CLOCK.now()):
            log.warning(line)
        exporter = assemble(settings, read=read, lifecycle=enable_lifecycle, links=links)
        interpreter.collect_rarely()
        interpreter.switch_often()
        run_command(_serve(exporter, listening, web_config))


def take_descriptors() -> None:
    """Raises the limit of file descriptors as far as permitted, as Go programs do.

    The usual limit, 1,024, is meant for programs that use `select`; open handshakes could exhaust it within seconds.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError):  # macOS reports no limit but does not grant it
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _serve(exporter: Exporter, listening: socket.socket, web_config: LiveWebConfig) -> None:
    ended, reloaded = event_at(*ENDING), event_at(signal.SIGHUP)
    async with serving(exporter.app, listening, web_config, exporter.telemetry.auth_failed):
        where = f"{url(listening, tls=web_config.context is not None)}/metrics"
        log.info("serving", extra={"url": where, "version": __version__})
        polling = asyncio.ensure_future(_poll(exporter, reloaded))
        signalled = asyncio.ensure_future(ended.wait())
        await asyncio.wait((polling, signalled), return_when=asyncio.FIRST_COMPLETED)
        log.info("ending")
        for task in (polling, signalled):
            task.cancel()  # also while it waits for the state file at start
        await asyncio.wait((polling,))
        if not polling.cancelled():
            polling.result()


async def _poll(exporter: Exporter, reloaded: asyncio.Event) -> None:
    async with exporter.polling(), reloading(reloaded, exporter.reloader.reload, exporter.reloader.file_changed):
        await asyncio.Event().wait()
