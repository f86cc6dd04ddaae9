"""`demo`: the simulated platforms, and the exporter polling them over HTTP, in one process."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Annotated

import typer

from exporter.app.assemble import assemble
from exporter.app.process import ENDING, event_at, run_command, serving
from exporter.cli import logs
from exporter.cli.demo import stack
from exporter.cli.demo.simulate import Channels, Companies, Scenarios, Seed
from exporter.cli.options import LISTEN_OPTION, DocsUrl, Format, GrafanaUrl, Level, links, option
from exporter.domain.clock import utcnow
from exporter.platforms.registry import platforms
from exporter.settings import load
from exporter.simulator.app import create_app
from exporter.simulator.chatcaptain.bots import USUAL_CHANNELS, Bots
from exporter.simulator.paradigm.world import World
from exporter.web.server.server import listen, url
from exporter.web.status.page import DOCS

PLATFORM_OPTION = "--simulate.listen-address"


def demo(
    listen_address: Annotated[str, option(LISTEN_OPTION, "HOST:PORT", "Address of the exporter.")] = "127.0.0.1:9854",
    platform_address: Annotated[
        str, option(PLATFORM_OPTION, "HOST:PORT", "Address of the simulated platforms.")
    ] = "127.0.0.1:0",
    companies: Companies = 20,
    channels: Channels = USUAL_CHANNELS,
    seed: Seed = 1,
    scenario: Scenarios = None,
    with_stack: Annotated[
        bool,
        typer.Option(stack.OPTION, help="Also start Prometheus and Alertmanager, with the shipped rules and routes."),
    ] = False,
    prometheus_address: Annotated[
        str, option("--stack.prometheus-address", "HOST:PORT", "Address of Prometheus; port 0 is a free one.")
    ] = stack.LOOPBACK,
    alertmanager_address: Annotated[
        str, option("--stack.alertmanager-address", "HOST:PORT", "Address of Alertmanager; port 0 is a free one.")
    ] = stack.LOOPBACK,
    docs_url: DocsUrl = DOCS,
    grafana_url: GrafanaUrl = None,
    log_level: Level = "info",
    log_format: Format = "logfmt",
) -> None:
    """Serve figures of simulated platforms, without a key or network. Runs until Ctrl-C."""
    addresses = {"prometheus": prometheus_address, "alertmanager": alertmanager_address}
    programs, linked = stack.find(addresses) if with_stack else None, links(docs_url, grafana_url)
    world, bots = World.from_seed(seed, companies), Bots.from_seed(seed, channel_count=channels)
    platform = create_app(world, utcnow, scenarios=tuple(scenario or ()), bots=bots)
    with listen(listen_address, LISTEN_OPTION) as listening, listen(platform_address, PLATFORM_OPTION) as simulated:
        settings = load(None, demonstration(world, bots, url(simulated)), platforms())
        exporter = assemble(settings, links=linked)
        logs.configure(log_level, log_format)
        typer.echo(invitation(url(listening), url(simulated)))

        async def served() -> None:
            ended = event_at(*ENDING)
            async with (
                serving(platform, simulated),
                serving(exporter.app, listening),
                exporter.polling(),
                AsyncExitStack() as beside,
            ):
                if programs:
                    typer.echo(await beside.enter_async_context(stack.running(programs, url(listening), linked)))
                    tasks = await beside.enter_async_context(asyncio.TaskGroup())
                    filling = tasks.create_task(stack.fill(list(settings.sources.values()), programs.prometheus))
                    beside.callback(filling.cancel)
                await ended.wait()

        run_command(served())


def demonstration(world: World, bots: Bots, base: str) -> Mapping[str, str]:
    """Configures both platforms as an operator would by environment variables.

    They are polled every minute, also at a --simulate.listen-address that is not on loopback.
    """
    chatbot = bots.chatbots[0]
    common = {"BASE_URL": base, "ALLOW_HTTP": "true", "POLL__INTERVAL": "1m", "POLL__TIMEOUT": "30s"}
    bot = {
        "PLATFORM": "chatcaptain",
        "API_KEY": chatbot.key,
        "CHATBOT_ID": chatbot.id,
        "COMPANY": chatbot.habits.name,
        "POLL__REQUESTS_PER_MINUTE": "6000",  # one request per day and channel: the past shows within seconds
    }
    sources = {"DEMO": {"PLATFORM": "paradigm", "API_KEY": world.keys.admin}, "DEMO_BOT": bot}
    return {
        f"CHAT_USAGE_SOURCES__{name}__{option}": value
        for name, own in sources.items()
        for option, value in {**common, **own}.items()
    }


def invitation(exporter: str, platform: str) -> str:
    return (
        f"The exporter is at {exporter}, the simulated platforms at {platform}. Ctrl-C ends both.\n"
        f"Open the status page, {exporter}/, in a browser. Or try:\n"
        f"  curl -s {exporter}/metrics | grep -E 'paradigm_user_queries_last_day|chatcaptain_conversations_last_day'\n"
        f'  curl -s {platform}/control -d \'{{"scenarios": ["outage"]}}\'    # a platform outage\n'
        f"  curl -s {exporter}/metrics | grep -E 'polls_total|poll_last'   # the state of polling"
    )
