"""`demo`: the simulated platforms and the exporter polling them over real HTTP, in one process."""

import asyncio
import logging
import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from starlette.applications import Starlette

from exporter.app.assemble import Exporter, assemble
from exporter.app.process import end_signal, run_command, serving
from exporter.cli import logs
from exporter.cli.demo import past, stack
from exporter.cli.demo.simulate import Channels, Companies, Scenarios, Seed
from exporter.cli.options import LISTEN_OPTION, DocsUrl, Format, GrafanaUrl, Level, links
from exporter.platforms.registry import platforms
from exporter.settings import Source, load
from exporter.simulator.app import create_app
from exporter.simulator.chatcaptain.bots import USUAL_CHANNELS, Bots
from exporter.simulator.paradigm.world import World
from exporter.simulator.scenarios import NORMAL
from exporter.web.server.server import listen, url
from exporter.web.status.page import DOCS, Links

log = logging.getLogger(__name__)

PLATFORM_OPTION = "--simulate.listen-address"
PrometheusAddress = Annotated[
    str,
    typer.Option(
        "--stack.prometheus-address", metavar="HOST:PORT", help="Address of Prometheus; port 0 is a free one."
    ),
]
AlertmanagerAddress = Annotated[
    str,
    typer.Option(
        "--stack.alertmanager-address", metavar="HOST:PORT", help="Address of Alertmanager; port 0 is a free one."
    ),
]


def demo(
    listen_address: Annotated[
        str, typer.Option(LISTEN_OPTION, metavar="HOST:PORT", help="Address of the exporter.")
    ] = "127.0.0.1:9854",
    platform_address: Annotated[
        str, typer.Option(PLATFORM_OPTION, metavar="HOST:PORT", help="Address of the simulated platforms.")
    ] = "127.0.0.1:0",
    companies: Companies = 20,
    channels: Channels = USUAL_CHANNELS,
    seed: Seed = 1,
    scenario: Scenarios = None,
    with_stack: Annotated[
        bool,
        typer.Option(stack.OPTION, help="Also start Prometheus and Alertmanager, with the shipped rules and routes."),
    ] = False,
    prometheus_address: PrometheusAddress = stack.LOOPBACK,
    alertmanager_address: AlertmanagerAddress = stack.LOOPBACK,
    docs_url: DocsUrl = DOCS,
    grafana_url: GrafanaUrl = None,
    log_level: Level = "info",
    log_format: Format = "logfmt",
) -> None:
    """Serve figures of simulated platforms, without a key or network. Runs until Ctrl-C."""
    addresses = {"prometheus": prometheus_address, "alertmanager": alertmanager_address}
    beside, linked = stack.find(addresses) if with_stack else None, links(docs_url, grafana_url)
    world, bots = World.from_seed(seed, companies), Bots.from_seed(seed, channel_count=channels)
    platform = create_app(world, lambda: datetime.now(UTC), scenarios=tuple(scenario or (NORMAL,)), bots=bots)
    with listen(listen_address, LISTEN_OPTION) as listening, listen(platform_address, PLATFORM_OPTION) as simulated:
        environ = demonstration(world, bots, url(simulated))
        settings = load(None, environ, platforms())
        exporter, sources = assemble(settings, links=linked), list(settings.sources.values())
        logs.configure(log_level, log_format)
        typer.echo(invitation(url(listening), url(simulated)))
        run_command(_demo(exporter, sources, listening, platform, simulated, beside, linked))


def demonstration(world: World, bots: Bots, base: str) -> Mapping[str, str]:
    return {**environment(world, base), **chatbot_environment(bots, base)}


def environment(world: World, base: str) -> Mapping[str, str]:
    return _source("DEMO", base, {"PLATFORM": "paradigm", "API_KEY": world.keys.admin})


def chatbot_environment(bots: Bots, base: str) -> Mapping[str, str]:
    chatbot = bots.chatbots[0]
    options = {
        "PLATFORM": "chatcaptain",
        "API_KEY": chatbot.key,
        "CHATBOT_ID": chatbot.id,
        "COMPANY": chatbot.habits.name,
        "POLL__REQUESTS_PER_MINUTE": "6000",  # a request for each day and channel: the past shows in seconds
    }
    return _source("DEMO_BOT", base, options)


def _source(name: str, base: str, options: Mapping[str, str]) -> Mapping[str, str]:
    """Configures a source as an operator would, but to poll every minute: a demonstration needs quick results."""
    common = {
        "BASE_URL": base,
        "ALLOW_HTTP": "true",  # where --simulate.listen-address is not on loopback
        "POLL__INTERVAL": "1m",
        "POLL__TIMEOUT": "30s",
    }
    return {f"CHAT_USAGE_SOURCES__{name}__{option}": value for option, value in {**common, **options}.items()}


def invitation(exporter: str, platform: str) -> str:
    return (
        f"The exporter is at {exporter}, the simulated platforms at {platform}. Ctrl-C ends all.\n"
        f"Open {exporter}/ in a browser: the status page. Or try:\n"
        f"  curl -s {exporter}/metrics | grep -E 'paradigm_user_queries_last_day|chatcaptain_conversations_last_day'\n"
        f'  curl -s {platform}/control -d \'{{"scenarios": ["outage"]}}\'    # the platforms go down\n'
        f"  curl -s {exporter}/metrics | grep -E 'polls_total|poll_last'   # how polling goes"
    )


async def _demo(
    exporter: Exporter,
    sources: Sequence[Source],
    listening: socket.socket,
    platform: Starlette,
    simulated: socket.socket,
    beside: stack.Stack | None,
    linked: Links,
) -> None:
    ended = end_signal()
    async with serving(platform, simulated), serving(exporter.app, listening), exporter:
        if beside is None:
            await ended.wait()
        else:
            async with stack.running(beside, url(listening), linked) as invitation, asyncio.TaskGroup() as tasks:
                typer.echo(invitation)
                filling = tasks.create_task(past.fill(sources, beside.prometheus.url, typer.echo))
                await ended.wait()
                filling.cancel()
