"""`demo`: the simulated platform and the exporter polling it over real HTTP, in one process."""

import asyncio
import logging
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

import typer
from starlette.applications import Starlette

from exporter import source
from exporter.cli import logs, stack
from exporter.cli.options import LISTEN_OPTION, Format, Level
from exporter.cli.run import serving, told_to_end
from exporter.cli.simulate import Companies, Scenarios, Seed
from exporter.cli.wiring import Exporter, assemble
from exporter.settings import load
from exporter.simulate.app import create_app
from exporter.simulate.scenarios import NORMAL
from exporter.simulate.world import World
from exporter.web.server import listen, url

log = logging.getLogger(__name__)

PLATFORM_OPTION = "--simulate.listen-address"
PrometheusAddress = Annotated[
    str, typer.Option("--stack.prometheus-address", metavar="HOST:PORT", help="Its address; port 0 is a free one.")
]
AlertmanagerAddress = Annotated[
    str, typer.Option("--stack.alertmanager-address", metavar="HOST:PORT", help="Its address; port 0 is a free one.")
]


def demo(
    listen_address: Annotated[
        str, typer.Option(LISTEN_OPTION, metavar="HOST:PORT", help="Address of the exporter.")
    ] = "127.0.0.1:9854",
    platform_address: Annotated[
        str, typer.Option(PLATFORM_OPTION, metavar="HOST:PORT", help="Address of the simulated platform.")
    ] = "127.0.0.1:0",
    companies: Companies = 20,
    seed: Seed = 1,
    scenario: Scenarios = None,
    with_stack: Annotated[
        bool,
        typer.Option(stack.OPTION, help="Also start Prometheus and Alertmanager, with the shipped rules and routes."),
    ] = False,
    prometheus_address: PrometheusAddress = stack.LOOPBACK,
    alertmanager_address: AlertmanagerAddress = stack.LOOPBACK,
    log_level: Level = logs.LogLevel.INFO,
    log_format: Format = logs.LogFormat.LOGFMT,
) -> None:
    """Serve figures of a simulated Paradigm until Ctrl-C: no key and no network needed."""
    addresses = {"prometheus": prometheus_address, "alertmanager": alertmanager_address}
    beside = stack.find(addresses) if with_stack else None
    world = World.from_seed(seed, companies)
    platform = create_app(world, lambda: datetime.now(UTC), scenarios=tuple(scenario or (NORMAL,)))
    with listen(listen_address, LISTEN_OPTION) as listening, listen(platform_address, PLATFORM_OPTION) as simulated:
        exporter = assemble(load(None, environment(world, url(simulated)), source.platforms()))
        logs.configure(log_level, log_format)
        typer.echo(invitation(url(listening), url(simulated)))
        asyncio.run(_demo(exporter, listening, platform, simulated, beside))


def environment(world: World, platform: str) -> Mapping[str, str]:
    """Configures the exporter as an operator would, but to poll every minute: a demonstration is watched."""
    options = {
        "PLATFORM": "paradigm",
        "BASE_URL": platform,
        "ALLOW_HTTP": "true",  # where --simulate.listen-address is not on loopback
        "API_KEY": world.keys.admin,
        "POLL__INTERVAL": "1m",
        "POLL__TIMEOUT": "30s",
    }
    return {f"CHAT_USAGE_SOURCES__DEMO__{name}": value for name, value in options.items()}


def invitation(exporter: str, platform: str) -> str:
    """Says where everything is and what to try."""
    return (
        f"The exporter is at {exporter}, the simulated platform at {platform}. Ctrl-C ends both. Try:\n"
        f"  curl -s {exporter}/metrics | grep paradigm_user_queries_last_day\n"
        f'  curl -s {platform}/control -d \'{{"scenarios": ["outage"]}}\'    # the platform goes down\n'
        f"  curl -s {exporter}/metrics | grep -E 'polls_total|poll_last'   # how polling goes"
    )


async def _demo(
    exporter: Exporter,
    listening: socket.socket,
    platform: Starlette,
    simulated: socket.socket,
    beside: stack.Stack | None,
) -> None:
    told = told_to_end()
    async with serving(platform, simulated), serving(exporter.app, listening), exporter:
        if beside is None:
            await told.wait()
        else:
            async with stack.running(beside, url(listening)) as invitation:
                typer.echo(invitation)
                await told.wait()
