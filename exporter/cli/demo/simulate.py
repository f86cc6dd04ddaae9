"""`simulate`: serves only the simulated platforms, for tests and demonstrations."""

import asyncio
from datetime import timedelta
from typing import Annotated

import typer
from msgspec.structs import replace

from exporter.app.process import serving_until_signalled
from exporter.cli.options import option, option_value
from exporter.domain.clock import utcnow
from exporter.settings import readers
from exporter.simulator.app import create_app
from exporter.simulator.chatcaptain.bots import USUAL_CHANNELS, Bots
from exporter.simulator.paradigm.companies import MOST_COMPANIES
from exporter.simulator.paradigm.world import HISTORY, World
from exporter.web.server.server import listen, url

OPTION = "--listen-address"

Companies = Annotated[int, option("--companies", "N", "Number of simulated companies.", least=1, most=MOST_COMPANIES)]
Channels = Annotated[int, option("--channels", "N", "How many channels its chatbot has.", least=1, most=200)]
Seed = Annotated[int, option("--seed", "N", "Equal seeds make equal figures and keys.")]
Scenarios = Annotated[list[str] | None, option("--scenario", "NAME", "Fault to simulate; repeatable.")]


def simulate(
    listen_address: Annotated[str, option(OPTION, "HOST:PORT", "Address to serve on.")] = "127.0.0.1:9855",
    companies: Companies = 20,
    channels: Channels = USUAL_CHANNELS,
    seed: Seed = 1,
    scenario: Scenarios = None,
    timezone: Annotated[str, option("--timezone", "ZONE", "The zone of its days.")] = "UTC",
    keep_days: Annotated[
        int, option("--keep-days", "N", "How many days before today it keeps.", least=1, most=36_500)
    ] = HISTORY.days,
) -> None:
    """Serve the simulated platforms alone. Runs until SIGTERM or SIGINT."""
    keeps = timedelta(days=keep_days)
    zone = option_value("--timezone", readers.zone, timezone)
    world = replace(World.from_seed(seed, companies, zone), keeps=keeps)
    bots = replace(Bots.from_seed(seed, channel_count=channels, zone=zone), keeps=keeps)
    app = create_app(world, utcnow, scenarios=tuple(scenario or ()), bots=bots)
    with listen(listen_address, OPTION) as listening:
        typer.echo(announcement(world, bots, url(listening)))
        asyncio.run(serving_until_signalled(app, listening))


def announcement(world: World, bots: Bots, base: str) -> str:
    bot = bots.chatbots[0]
    return (
        f"A simulated Paradigm of {len(world.companies)} companies (seed {world.seed}) is at {base}\n"
        f"  key of an admin          {world.keys.admin}\n"
        f"  key of a company admin   {world.keys.company_admin}\n"
        f"  an expired key           {world.keys.expired}\n"
        f"A simulated ChatCaptain with a chatbot of {len(bot.channels)} channels is at {base}/v1\n"
        f"  id of the chatbot        {bot.id}\n"
        f"  its key                  {bot.key}\n"
        f"Their state and the requests that they got: {base}/control\n"
        "To serve Paradigm's figures, in another terminal:\n"
        f"  PARADIGM_BASE_URL={base}/api/v2 PARADIGM_API_KEY={world.keys.admin} chat-usage-exporter serve\n"
        "To serve ChatCaptain's, in a file for --config.file:\n"
        f"  sources: {{bot: {{platform: chatcaptain, base_url: '{base}', chatbot_id: {bot.id}, api_key: {bot.key}}}}}"
    )
