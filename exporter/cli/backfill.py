"""`backfill`: the past of the platforms, one sample per final day, as a file from which promtool makes blocks."""

import asyncio
import os
import re
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import date
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from exporter import source
from exporter.cli.check import unless_signalled
from exporter.cli.failed import FailedError
from exporter.cli.options import ConfigFile
from exporter.cli.pace import progress
from exporter.cli.wiring import CLOCK, client_of, fingerprint, utcnow, watch
from exporter.dated import Dated
from exporter.errors import ConfigError
from exporter.figures import COMPANY_LABELS
from exporter.history.backfill import Backfill, Came, Errand, Step
from exporter.history.manifest import Manifest, digest, opened
from exporter.history.openmetrics import Runs, Written
from exporter.history.past import Piece, helps, newest_final
from exporter.model import Days
from exporter.probe import LastCodes
from exporter.settings import Settings, Source, load
from exporter.settings.units import day
from exporter.worker import Worker

BLOCKS = ("promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=744h")
"""A block per month: by default promtool makes one per day, which takes 30 times as long."""
LABEL = re.compile(r"([a-zA-Z_][a-zA-Z0-9_]*)=(.*)", re.DOTALL)


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
    label: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="NAME=VALUE", help="A further label of every series; may be given again."),
    ] = None,
) -> None:
    """Ask the platforms for their past and write one sample per final day. Killed, the same command goes on."""
    settings = load(config_file, os.environ, source.platforms())
    if output is None:
        raise ConfigError("--output: say where the file goes, as --output history.om")
    if not output.absolute().parent.is_dir():
        raise ConfigError(f"--output: the folder of {output} does not exist; create it")
    chosen = sources(settings, source_name)
    labels = added(label or (), chosen)
    spans = {each.name: span(first, last, each) for each in chosen}
    question = asked({"--from": first or "", "--to": last or "", "--label": repr(sorted(labels.items()))}, chosen)
    folder = output.with_name(f"{output.name}.backfill")
    if output.exists() and not folder.exists():
        raise ConfigError(f"--output: {output} is there already; move it away or choose another file")
    try:
        with opened(folder, question, spans) as manifest:
            _write(chosen, manifest, Runs(folder, labels), output)
    except OSError as error:
        place = error.filename or output
        raise FailedError(f"{place}: {error.strerror or error}; mend it, then the same command goes on") from error


def sources(settings: Settings, name: str | None) -> tuple[Source, ...]:
    """Returns the sources whose past is wanted: those that have reports whose figures have days.

    Raises:
        ConfigError: there is none, or none of that name.
    """
    if name is not None and name not in settings.sources:
        raise ConfigError(f"--source: there is no source {name}; there are: {', '.join(settings.sources)}")
    found = [settings.sources[name]] if name is not None else list(settings.sources.values())
    dated = tuple(each for each in found if any(report.has_days for report in watch(each).reports))
    if not dated:
        raise ConfigError("reports: no report that is configured has figures of days; add one, or leave reports out")
    return dated


def span(first: str | None, last: str | None, wanted: Source) -> Days:
    """Returns the days that are wanted of a source.

    Raises:
        ConfigError: they are no dates, in the wrong order, or not final yet.
    """
    if first is None:
        raise ConfigError("--from: say from which day on, as --from 2024-01-31")
    newest = newest_final(utcnow(), watch(wanted).rules)
    begin = _day("--from", first)
    end = newest if last is None else _day("--to", last)
    if end > newest:
        raise ConfigError(
            f"--to: {end} may still change: the newest final day of {wanted.name} is {newest} (reread_days is "
            f"{wanted.reread_days}); leave --to out, or wait"
        )
    if end < begin:
        raise ConfigError(f"--from: {begin} is after {end}, the last day that is asked; choose an earlier one")
    return Days(begin, end)


def _day(option: str, written: str) -> date:
    try:
        return day(written)
    except ValueError as error:
        raise ConfigError(f"{option}: {error}") from None


def added(written: Sequence[str], chosen: Sequence[Source]) -> Mapping[str, str]:
    """Reads labels that every series gets.

    Raises:
        ConfigError: one is no label, or the series have it already.
    """
    found: dict[str, str] = {}
    own = {name for each in chosen for report in watch(each).reports for m in report.measures for name in m.labels}
    for each in written:
        match = LABEL.fullmatch(each)
        if match is None or match[1].startswith("__") or not match[2]:
            raise ConfigError(f'--label: "{each}" is no label; write NAME=VALUE, as job=chat-usage-exporter')
        if match[1] in found or match[1] in own or match[1] in COMPANY_LABELS:
            raise ConfigError(f"--label: {match[1]} is given twice, or is a label of the figures; choose another name")
        found[match[1]] = match[2]
    return found


def asked(options: Mapping[str, str], chosen: Sequence[Source]) -> Mapping[str, str]:
    """Returns what the figures hang on, by name; of what the configuration says only digests."""
    parts = dict(options)
    for each in chosen:
        watched = watch(each)
        told = {
            **fingerprint(each),
            "reports": "\n".join(report.name for report in watched.reports),
            "families.exclude": "\n".join(watched.excluded),
            "label_limits": repr(watched.limits),
            "min_group": str(watched.min_group),
            "history_days": str(watched.rules.keep_days),
        }
        parts |= {f"{each.name}: {name}": digest(value) for name, value in told.items()}
    return parts


def _write(chosen: Sequence[Source], manifest: Manifest, runs: Runs, output: Path) -> None:
    """Asks for what is left, writes the file and says what to do with it."""
    if manifest.finished:
        runs.clear()  # of a run that was killed while it did
        if not output.exists():
            raise ConfigError(f"{output} was written and is gone; delete the folder {manifest.folder} to begin anew")
        typer.echo(f"{output}: is complete already; nothing was asked")
    else:
        written = _written(chosen, manifest, runs, output)
        spans = [manifest.span(each.name) for each in chosen]
        first, last = min(each.first for each in spans), max(each.last for each in spans)
        typer.echo(f"{output}: {written.samples} samples of {written.families} families, {first} to {last}")
    typer.echo("Make blocks of it, into the data folder of Prometheus or a new one, whose retention must reach so far:")
    typer.echo(f"  {shlex.join(BLOCKS)} {shlex.quote(str(output))} DATA_FOLDER")


def _written(chosen: Sequence[Source], manifest: Manifest, runs: Runs, output: Path) -> Written:
    with progress(Console(stderr=True), time.monotonic) as tell:
        came = asyncio.run(unless_signalled(_asked(chosen, manifest, runs, tell)))
    if came is None:
        raise FailedError("ended before all days were asked; the same command goes on from there")
    conclude(came)
    written = runs.merge(output, {name: text for each in chosen for name, text in helps(watch(each)).items()})
    manifest.finish()
    runs.clear()
    return written


def conclude(came: Came) -> None:
    """Says what was left out.

    Raises:
        FailedError: some report is not done; a line for each.
    """
    for each in came.left_out:
        typer.echo(f"left out: {each}", err=True)
    if came.failed:
        raise FailedError("\n".join((*came.failed, "days are missing; the same command goes on from there")))


async def _asked(chosen: Sequence[Source], manifest: Manifest, runs: Runs, tell: Callable[[Step], None]) -> Came:
    async with AsyncExitStack() as closing:
        worker = Worker("backfill")
        closing.callback(worker.close)
        errands = []
        for each in chosen:
            client = client_of(each, LastCodes())
            closing.push_async_callback(client.aclose)
            errands.append(Errand(watch(each), client))

        async def take(piece: Piece, figures: Sequence[Dated]) -> None:
            await worker.run(partial(runs.take, piece, figures))

        return await Backfill(manifest, take, worker, CLOCK, tell).run(errands)
