"""`export`: starts ChatCaptain's asynchronous export of statistics, or resumes one, and saves its file."""

import asyncio
import shlex
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct
from rich.console import Console
from rich.progress import DownloadColumn, TimeElapsedColumn

from exporter.app.assemble import CLOCK, client_of, endpoint_of
from exporter.app.process import run_command
from exporter.cli import tables
from exporter.cli.check import unless_signalled
from exporter.cli.options import ConfigFile, configured, option, option_days, option_value
from exporter.domain.calendars import ONE_DAY, day_at
from exporter.domain.clock import Clock, utcnow
from exporter.domain.errors import ConfigError, FailedError, NotFoundError, ReportError, SchemaError
from exporter.domain.model import Days
from exporter.domain.wording import printable
from exporter.http import RetryBudget, download
from exporter.platforms.chatcaptain import export_job as job
from exporter.polling.ask import Fetch
from exporter.polling.probe import LastCodes
from exporter.settings import Settings, Source
from exporter.settings.readers import duration, size

PLATFORM = "chatcaptain"
FIRST_WAIT, LONGEST_WAIT, GROWTH = 2.0, 30.0, 1.5
"""Seconds between two requests for the status."""
MOST_PROMISES = 3  # how often the platform may report the export as complete without a link
RETRY_SECONDS = 60.0  # seconds that all retries together may wait


class Order(Struct, frozen=True):
    """What to export: days of a chatbot, saved at `target` within `seconds`; `export_id` resumes an export."""

    source: Source
    days: Days
    target: Path
    rules: download.DownloadRules
    export_id: str | None
    seconds: float
    show: Callable[[str], None]
    clock: Clock = CLOCK

    @property
    def chatbot_id(self) -> str:
        return str(self.source.account.options["chatbot_id"])


def export(
    config_file: ConfigFile = None,
    source_name: Annotated[str | None, option("--source", "NAME", "The source; needed if there are several.")] = None,
    first: Annotated[str | None, option("--from", "DATE", "First day, such as 2026-01-31.")] = None,
    last: Annotated[str | None, option("--to", "DATE", "Last day; by default yesterday.")] = None,
    output: Annotated[Path, option("--output", "FILE", "File to write.")] = Path("chatcaptain-export"),
    export_id: Annotated[str | None, option("--export-id", "ID", "Resume this export instead of starting one.")] = None,
    deadline: Annotated[str, option("--deadline", "TIME", "Give up after this long.")] = "30m",
    max_size: Annotated[str, option("--max-size", "SIZE", "Maximum size of the file.")] = "1GiB",
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Export a chatbot's statistics from ChatCaptain to a file."""
    chosen = chatbot(configured(config_file, keeps_state=False), source_name)
    if output.exists() and not force:
        raise ConfigError(f"--output: {output} exists already; choose another file, or replace it with --force")
    if not output.absolute().parent.is_dir():
        raise ConfigError(f"--output: the folder of {output} does not exist; create it")
    yesterday = day_at(utcnow(), chosen.target.rules.zone) - ONE_DAY
    days = option_days(first, last, yesterday, is_first_known=export_id is not None)
    with tables.progress(Console(stderr=True), DownloadColumn(), TimeElapsedColumn(), transient=False) as show:
        most = option_value("--max-size", size, max_size)
        rules = download.DownloadRules(endpoint_of(chosen), most, lambda done: show(done=done))
        seconds = option_value("--deadline", duration, deadline).total_seconds()
        order = Order(chosen, days, output.absolute(), rules, export_id, seconds, show)
        end = "the export was saved; resume it with the --export-id shown above"
        done = run_command(unless_signalled(_exported(order), end))
    typer.echo(f"{output}: {done} bytes")


def chatbot(settings: Settings, name: str | None) -> Source:
    """Returns the source to ask; ConfigError if it does not exist, is no chatbot, or must be chosen."""
    bots = {each.name: each for each in settings.sources.values() if each.platform.name == PLATFORM}
    if name is None and len(bots) == 1:
        (name,) = bots
    if name not in bots:
        wish = "choose one" if name is None else f"{name} is not a"
        raise ConfigError(f"--source: {wish} source of the platform {PLATFORM}; known: {', '.join(bots) or 'none'}")
    return bots[name]


async def _exported(order: Order) -> int:
    async with aclosing(client_of(order.source, LastCodes())) as client:
        return await exported(client, order)


async def exported(fetch: Fetch, order: Order) -> int:
    """Starts or resumes an export, saves its file and returns its size. FailedError names the id to resume with."""
    export_id, name = order.export_id, order.source.name
    if export_id is None:
        request = job.start(order.chatbot_id, order.days, order.source.target.rules.zone)
        try:
            export_id = job.started(await fetch.get(request, RetryBudget(0)))
        except ReportError as error:
            raise FailedError(f"{name}: the export was not started: {error}") from error
    shown = shlex.quote(printable(export_id))  # people copy it into a shell
    order.show(f"export {shown} of {name}; resume with --export-id {shown}")
    try:
        async with asyncio.timeout(order.seconds):
            return await _saved(fetch, order, export_id)
    except TimeoutError:
        why = f"is not complete after {order.seconds:g} s; raise --deadline"
    except NotFoundError:
        why = "is unknown to the platform, or no longer kept; start a new one without --export-id"
    except ReportError as error:
        why = f"failed: {error}"
    except OSError as error:
        why = f"cannot be saved at {order.target}: {error.strerror or error}; free space or choose another file"
    raise FailedError(f"{name}: export {shown} {why}. Resume with --export-id {shown}")


async def _saved(fetch: Fetch, order: Order, export_id: str) -> int:
    """Waits for the link and follows it; if it is refused, asks once more for a link."""
    deadline = order.clock.monotonic() + order.seconds

    async def saved() -> int:
        link = await _link(fetch, order, export_id, deadline)
        order.show("downloading")
        return await download.save(link, order.target, order.rules)

    try:
        return await saved()
    except download.LinkRefusedError:
        return await saved()


async def _link(fetch: Fetch, order: Order, export_id: str, deadline: float) -> str:
    """Polls the status until there is a link, which may come a little after the status is complete."""
    promises, wait, retry_budget = 0, FIRST_WAIT, RetryBudget(RETRY_SECONDS)
    request = job.ask(order.chatbot_id, export_id, order.days)
    while True:
        word, link, claimed = job.progress(await fetch.get(request, retry_budget))
        order.show(f"the platform says: {word}")
        if link is not None:
            return link
        promises += claimed
        if promises >= MOST_PROMISES:
            raise SchemaError(f"the platform says {word}, but gives no downloadUrl")
        if order.clock.monotonic() + wait > deadline:
            raise TimeoutError
        await order.clock.sleep(wait)
        wait = min(wait * GROWTH, LONGEST_WAIT)
