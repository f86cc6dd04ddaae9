"""`backfill`: the past of the platforms, one sample per final day, as a file for promtool or by remote write."""

import asyncio
import os
import shlex
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.console import Console

from exporter import source
from exporter.cli.check import unless_signalled
from exporter.cli.failed import FailedError
from exporter.cli.options import ConfigFile
from exporter.cli.pace import progress
from exporter.cli.wanted import added, asked, sources, span
from exporter.cli.wiring import CLOCK, client_of, watch
from exporter.errors import ConfigError, StoreError
from exporter.fetch import Clock
from exporter.history.backfill import Backfill, Came, Destination, Errand, Step
from exporter.history.manifest import Manifest, opened
from exporter.history.openmetrics import Runs
from exporter.history.past import helps
from exporter.history.remote_write import RemoteWrite
from exporter.history.store import HttpConfig, client, http_config
from exporter.probe import LastCodes
from exporter.settings import Source, load
from exporter.worker import Worker

BLOCKS = ("promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=744h")
"""A block per month: by default promtool makes one per day, which takes 30 times as long."""
OF_A_RUN = ("--from", "--to", "--output or --remote-write")
"""What may differ when a manifest is continued."""


class Store(NamedTuple):
    """A store that takes remote write: its URL, what is told it of us, and the labels that series get."""

    url: str
    config: HttpConfig
    folder: Path
    labels: Mapping[str, str]

    @asynccontextmanager
    async def reached(self) -> AsyncIterator[RemoteWrite]:
        """Opens the way to it."""
        async with client(self.url, self.config, self.folder) as http:
            yield RemoteWrite(self.url, http, Clock(), self.labels)


def backfill(
    config_file: ConfigFile = None,
    first: Annotated[str | None, typer.Option("--from", metavar="DATE", help="First day, as 2024-01-31.")] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="Last day; by default the newest final one.")
    ] = None,
    source_name: Annotated[
        str | None, typer.Option("--source", metavar="NAME", help="Only this source; by default all.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="Write this OpenMetrics file, for promtool.")
    ] = None,
    remote_write: Annotated[
        str | None, typer.Option("--remote-write", metavar="URL", help="Send to this store by remote write instead.")
    ] = None,
    http_file: Annotated[
        Path | None,
        typer.Option("--http.config.file", metavar="FILE", help="How the store is reached, as for promtool."),
    ] = None,
    manifest_folder: Annotated[
        Path | None,
        typer.Option("--manifest", metavar="FOLDER", help="Where it keeps how far it is; by default beside FILE."),
    ] = None,
    goes_on: Annotated[
        bool, typer.Option("--continue", help="Send what became final since the manifest's last day.")
    ] = False,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="NAME=VALUE", help="A further label of every series; may be given again."),
    ] = None,
) -> None:
    """Ask the platforms for their past and write one sample per final day. Killed, the same command goes on."""
    settings = load(config_file, os.environ, source.platforms())
    folder = _folder(output, remote_write, manifest_folder, goes_on=goes_on)
    chosen = sources(settings, source_name)
    labels = added(label or (), chosen)
    spans = {each.name: span(first, last, each, known=goes_on and folder.exists()) for each in chosen}
    options = {"--from": first or "", "--to": last or "", "--label": repr(sorted(labels.items()))}
    question = asked({**options, OF_A_RUN[-1]: remote_write or str(output)}, chosen)
    try:
        with opened(folder, question, spans, OF_A_RUN if goes_on else ()) as manifest:
            if goes_on:
                manifest.extend(spans)
            if output is not None:
                _to_file(chosen, manifest, Runs(folder, labels), output)
            else:
                config = http_config(http_file)
                store = Store(str(remote_write), config, http_file.parent if http_file else Path(), labels)
                _to_store(chosen, manifest, store)
    except StoreError as error:
        raise FailedError(str(error)) from error
    except OSError as error:
        place = error.filename or output or folder
        raise FailedError(f"{place}: {error.strerror or error}; mend it, then the same command goes on") from error


def _folder(output: Path | None, url: str | None, manifest: Path | None, *, goes_on: bool) -> Path:
    """Returns where the manifest is.

    Raises:
        ConfigError: the options do not go together, or nothing can be written where they point to.
    """
    if (output is None) == (url is None):
        raise ConfigError("give either --output FILE or --remote-write URL: a file for promtool, or a store")
    if goes_on and url is None:
        raise ConfigError("--continue: a file is written once; give --remote-write URL")
    if output is None and manifest is None:
        raise ConfigError("--manifest: name a folder that keeps how far it is, as --manifest history.backfill")
    folder = manifest or Path(f"{output}.backfill")
    for each in (folder, output):
        if each is not None and not each.absolute().parent.is_dir():
            raise ConfigError(f"the folder of {each} does not exist; create it")
    if output is not None and output.exists() and not folder.exists():
        raise ConfigError(f"--output: {output} is there already; move it away or choose another file")
    return folder


def _to_file(chosen: Sequence[Source], manifest: Manifest, runs: Runs, output: Path) -> None:
    """Asks for what is left, writes the file and says what to do with it."""
    if manifest.finished:
        runs.clear()  # of a run that was killed while it did
        if not output.exists():
            raise ConfigError(f"{output} was written and is gone; delete the folder {manifest.folder} to begin anew")
        typer.echo(f"{output}: is complete already; nothing was asked")
    else:
        _ended(chosen, manifest, lambda: nullcontext(runs))
        written = runs.merge(output, {name: text for each in chosen for name, text in helps(watch(each)).items()})
        manifest.finish()
        runs.clear()
        typer.echo(f"{output}: {written.samples} samples of {written.families} families, {_days(chosen, manifest)}")
    typer.echo("Make blocks of it, into the data folder of Prometheus or a new one, whose retention must reach so far:")
    typer.echo(f"  {shlex.join(BLOCKS)} {shlex.quote(str(output))} DATA_FOLDER")


def _to_store(chosen: Sequence[Source], manifest: Manifest, store: Store) -> None:
    """Sends what is left, if anything is, and says up to which day the store has all."""
    if not manifest.finished:
        _ended(chosen, manifest, store.reached)
        manifest.finish()
    typer.echo(f"{store.url}: has all final days, {_days(chosen, manifest)}")


def _days(chosen: Sequence[Source], manifest: Manifest) -> str:
    spans = [manifest.span(each.name) for each in chosen]
    return f"{min(each.first for each in spans)} to {max(each.last for each in spans)}"


def _ended(
    chosen: Sequence[Source], manifest: Manifest, opening: Callable[[], AbstractAsyncContextManager[Destination]]
) -> None:
    """Hands all on that is left, and says what was left out.

    Raises:
        FailedError: it was interrupted, or a report is not done; a line for each.
    """
    with progress(Console(stderr=True), time.monotonic) as tell:
        came = asyncio.run(unless_signalled(_asked(chosen, manifest, opening, tell)))
    if came is None:
        raise FailedError("ended before all days were asked; the same command goes on from there")
    for each in came.left_out:
        typer.echo(f"left out: {each}", err=True)
    if came.failed:
        raise FailedError("\n".join((*came.failed, "days are missing; the same command goes on from there")))


async def _asked(
    chosen: Sequence[Source],
    manifest: Manifest,
    opening: Callable[[], AbstractAsyncContextManager[Destination]],
    tell: Callable[[Step], None],
) -> Came:
    async with AsyncExitStack() as closing:
        worker = Worker("backfill")
        closing.callback(worker.close)
        destination = await closing.enter_async_context(opening())
        errands = []
        for each in chosen:
            platform = client_of(each, LastCodes())
            closing.push_async_callback(platform.aclose)
            errands.append(Errand(watch(each), platform))
        return await Backfill(manifest, destination, worker, CLOCK, tell).run(errands)
