"""Hands a backfill on to a file or store, or compares with one; shows progress, rate and time left meanwhile."""

import shlex
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn

from exporter.app.assemble import CLOCK, client_of
from exporter.app.process import run_command
from exporter.backfill.backfill import Backfill, BackfillResult, Destination, ReportJob, Step, jobs_of
from exporter.backfill.figures import helps
from exporter.backfill.manifest import Manifest, opened
from exporter.backfill.openmetrics_file import Runs
from exporter.backfill.remote_write import RemoteWrite
from exporter.backfill.store_client import shown_url
from exporter.backfill.verify import Comparison, ReadBack
from exporter.cli import tables
from exporter.cli.check import unless_signalled
from exporter.domain.errors import ConfigError, FailedError
from exporter.domain.model import Days
from exporter.domain.threads import Worker
from exporter.polling.probe import LastCodes
from exporter.settings import Source
from exporter.settings.readers import spoken

BLOCKS = ("promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=744h")
"""With monthly blocks; promtool's default, one per day, takes 30 times as long."""
SILENCE_SECONDS = 10.0  # between two lines without a terminal; the first and the last piece always get one


def into_file(chosen: Sequence[Source], manifest: Manifest, runs: Runs, output: Path) -> None:
    """Asks for the remaining days, writes the file and prints the next step."""
    if manifest.content.finished:
        runs.clear()  # of a run that was killed during this step
        if not output.exists():
            raise ConfigError(f"{output}: was written but is missing; delete {manifest.folder} to start over")
        typer.echo(f"{output}: is already complete; nothing was requested")
    else:
        _hand_on(chosen, manifest, runs)
        written = runs.merge(output, {name: text for each in chosen for name, text in helps(each.target).items()})
        manifest.write(finished=True)
        runs.clear()
        typer.echo(f"{output}: {written.samples} samples of {written.families} families, {_days(chosen, manifest)}")
    typer.echo("To import it, make blocks in Prometheus' data folder; its retention must cover the first day:")
    typer.echo(f"  {shlex.join(BLOCKS)} {shlex.quote(str(output))} DATA_FOLDER")


def into_store(chosen: Sequence[Source], manifest: Manifest, store: RemoteWrite, comparison: Comparison | None) -> None:
    """Sends the remaining days, and prints which days the store has and whether they were read back."""
    if manifest.content.finished:
        checked = "nothing was left to send; to compare, use --verify URL alone"
    elif comparison:
        _hand_on(chosen, manifest, ReadBack(store, comparison), store.http, comparison.http)
        checked = f"read back from {shown_url(comparison.url)}"
    else:
        _hand_on(chosen, manifest, store, store.http)
        checked = "not read back: add --verify URL"
    manifest.write(finished=True)
    typer.echo(f"{shown_url(store.url)}: has all final days, {_days(chosen, manifest)}; {checked}")


def compared(chosen: Sequence[Source], spans: Mapping[str, Days], comparison: Comparison) -> None:
    """Compares platforms and store; FailedError lists the first differences."""
    with TemporaryDirectory() as folder, opened(Path(folder), {}, spans) as manifest:
        _hand_on(chosen, manifest, comparison, comparison.http)
        days = _days(chosen, manifest)
    sums = f"{comparison.differing} of {comparison.compared} sums per company and month"
    summary = f"{shown_url(comparison.url)}: {sums} differ, {days}"
    if comparison.differing:
        raise FailedError("\n".join((*comparison.lines, f"{summary}; a store keeps the first value it got")))
    typer.echo(summary)


def _days(chosen: Sequence[Source], manifest: Manifest) -> str:
    spans = [manifest.span(each.name) for each in chosen]
    return f"{min(each.first for each in spans)} to {max(each.last for each in spans)}"


def _hand_on(
    chosen: Sequence[Source], manifest: Manifest, destination: Destination, *clients: httpx.AsyncClient
) -> None:
    with progress(Console(stderr=True), time.monotonic) as report_step:
        end = "all days were read; repeat the command to continue"
        result = run_command(unless_signalled(ask_all(chosen, manifest, report_step, destination, *clients), end))
    for each in result.left_out:
        typer.echo(f"left out: {each}", err=True)
    if result.failed:
        raise FailedError("\n".join((*result.failed, "days are missing; repeat the command to continue")))


async def ask_all(
    chosen: Sequence[Source],
    manifest: Manifest,
    report_step: Callable[[Step], None],
    destination: Destination,
    *clients: httpx.AsyncClient,
) -> BackfillResult:
    """Asks for the remaining days, passes them on and closes `clients`; StoreError or OSError of the destination."""
    async with AsyncExitStack() as closing:
        worker = Worker("backfill")
        closing.callback(worker.close)
        for http in clients:
            closing.push_async_callback(http.aclose)
        jobs: list[ReportJob] = []
        for each in chosen:
            platform = client_of(each, LastCodes())
            closing.push_async_callback(platform.aclose)
            jobs += jobs_of(each.target, platform)
        return await Backfill(jobs, manifest, destination, worker, CLOCK, report_step).run()


def seconds_left(step: Step, rate: float) -> float:
    """Returns how long the rest takes at this rate, or by the rate limit if that takes longer (it allows a burst)."""
    return max(step.left / rate, step.seconds_left)


@contextmanager
def progress(console: Console, monotonic: Callable[[], float]) -> Iterator[Callable[[Step], None]]:
    """Gives a function to call after each piece; days count once per report."""
    began, printed_at = monotonic(), float("-inf")
    with tables.progress(console, BarColumn(), MofNCompleteColumn()) as show:

        def report(step: Step) -> None:
            nonlocal printed_at
            now, what, pace = monotonic(), f"{step.piece.source}: {step.piece.report}", ""
            if now > began:
                rate = step.asked / (now - began)
                pace = f"{rate:.1f} requests/s, {spoken(timedelta(seconds=seconds_left(step, rate)))} left"
            if console.is_terminal:
                show(f"{what}, {pace}", done=step.done, total=step.total)
            elif step.done >= step.total or now - printed_at >= SILENCE_SECONDS:
                printed_at = now
                show(f"{what} until {step.piece.days.last}; {step.done} of {step.total} days, {pace}")

        yield report
