"""`backfill`: past days of the platforms, one sample per final day, as a file for promtool or by remote write."""

import re
import shlex
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, closing, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn

from exporter.app import interpreter
from exporter.app.assemble import CLOCK, client_of, fingerprint
from exporter.app.process import run_command
from exporter.backfill.backfill import Backfill, BackfillResult, Destination, ReportJob, Step, jobs_of
from exporter.backfill.figures import helps
from exporter.backfill.manifest import DESTINATION, Manifest, digest, opened
from exporter.backfill.openmetrics_file import Runs
from exporter.backfill.remote_write import RemoteWrite
from exporter.backfill.store_client import client, http_config, shown_url
from exporter.backfill.verify import Comparison, ReadBack
from exporter.cli import tables
from exporter.cli.check import unless_signalled
from exporter.cli.options import ConfigFile, configured, option, option_days, option_value
from exporter.domain.calendars import day_at
from exporter.domain.clock import utcnow
from exporter.domain.errors import ConfigError, FailedError, StoreError
from exporter.domain.model import Days
from exporter.domain.threads import Worker
from exporter.metrics.usage import COMPANY_LABELS
from exporter.polling.probe import LastCodes
from exporter.settings import Settings, Source
from exporter.settings.readers import one_of, spoken

LABEL = re.compile(r"([a-zA-Z_][a-zA-Z0-9_]*)=(.*)", re.DOTALL)
BLOCKS = ("promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=744h")
"""With monthly blocks; promtool's default, one per day, takes 30 times as long."""
SILENCE_SECONDS = 10.0  # between two lines without a terminal; the first and the last piece always get one


def backfill(
    config_file: ConfigFile = None,
    first: Annotated[str | None, option("--from", "DATE", "First day, such as 2024-01-31.")] = None,
    last: Annotated[str | None, option("--to", "DATE", "Last day; by default the newest final one.")] = None,
    source_name: Annotated[str | None, option("--source", "NAME", "Only this source; by default all sources.")] = None,
    output: Annotated[Path | None, option("--output", "FILE", "Write an OpenMetrics file for promtool.")] = None,
    remote_write: Annotated[str | None, option("--remote-write", "URL", "Send to this store by remote write.")] = None,
    verify: Annotated[
        str | None, option("--verify", "URL", "Read samples back from the store's query API; on its own, only compare.")
    ] = None,
    http_file: Annotated[
        Path | None, option("--http.config.file", "FILE", "Credentials and TLS of the store, as for promtool.")
    ] = None,
    manifest_folder: Annotated[
        Path | None, option("--manifest", "FOLDER", "Folder that keeps the progress; by default FILE.backfill.")
    ] = None,
    goes_on: Annotated[bool, typer.Option("--continue", help="Send what became final since the last run.")] = False,
    label: Annotated[list[str] | None, option("--label", "NAME=VALUE", "Label for every series; repeatable.")] = None,
) -> None:
    """Write past days to a file or store, one sample per final day. Repeat the command to continue a killed run."""
    chosen = sources(configured(config_file, keeps_state=False), source_name)
    labels = added(label or (), chosen)
    _refuse_misfits(output, remote_write, verify, keeps=manifest_folder is not None, goes_on=goes_on)
    config, store, comparison = http_config(http_file), None, None
    if remote_write is not None:
        store = RemoteWrite(remote_write, client(remote_write, config), CLOCK, labels, partial(typer.echo, err=True))
    if verify is not None:
        comparison = Comparison(verify, client(verify, config), labels)
    folder = _folder(output, manifest_folder)
    spans = {each.name: span(first, last, each, known=goes_on and folder.exists()) for each in chosen}
    loose = {"--from": first or "", "--to": last or "", **digests(chosen, selection)}
    destination = _kept(remote_write) if remote_write else str(output)
    fixed = {"--label": repr(sorted(labels.items())), DESTINATION: destination, **digests(chosen, fingerprint)}
    interpreter.collect_rarely()
    interpreter.release_large_blocks()
    try:
        if comparison and not store:
            return compared(chosen, spans, comparison)
        with opened(folder, {**loose, **fixed}, spans, loose if goes_on else None) as manifest:
            if store:
                into_store(chosen, manifest, store, comparison)
            elif output:
                into_file(chosen, manifest, Runs(folder, labels), output)
    except StoreError as error:
        raise FailedError(str(error)) from error
    except OSError as error:
        place = error.filename or output or folder
        raise FailedError(f"{place}: {error.strerror or error}; fix it and repeat the command to continue") from error


def _kept(url: str) -> str:
    """Returns the URL of a store for the manifest, with a digest instead of its query."""
    shown = shown_url(url)
    return shown if shown == url else f"{shown} {digest(url)}"


def _refuse_misfits(output: Path | None, url: str | None, verify: str | None, *, keeps: bool, goes_on: bool) -> None:
    if (output is None) == (url is None and verify is None):
        raise ConfigError("give --output FILE (for promtool), or --remote-write URL, --verify URL or both")
    if goes_on and url is None:
        raise ConfigError("--continue: needs --remote-write URL; a file cannot be continued")
    if verify is not None and url is None and keeps:
        raise ConfigError("--manifest: leave it out; --verify alone writes nothing")
    if url is not None and not keeps:
        raise ConfigError("--manifest: is missing; name a folder that keeps the progress, such as history.backfill")


def _folder(output: Path | None, manifest: Path | None) -> Path:
    folder = manifest or Path(f"{output}.backfill")
    for each in (folder, output):
        if each is not None and not each.absolute().parent.is_dir():
            raise ConfigError(f"the folder of {each} does not exist; create it")
    if output is not None and output.exists() and not folder.exists():
        raise ConfigError(f"--output: {output} exists already; move it away or choose another file")
    return folder


def sources(settings: Settings, name: str | None) -> tuple[Source, ...]:
    """Returns the chosen sources whose reports have days; ConfigError if there are none."""
    named = one_of(settings.sources, "there is no source")
    found = settings.sources.values() if name is None else [option_value("--source", named, name)]
    dated = tuple(each for each in found if any(report.has_days for report in each.target.reports))
    if not dated:
        raise ConfigError("reports: none of the configured reports has days; add one that has, or leave reports out")
    return dated


def span(first: str | None, last: str | None, wanted: Source, *, known: bool) -> Days:
    """Returns the days to request from a source; `--from` is optional if the manifest has it (`known`)."""
    rules = wanted.target.rules
    newest = day_at(utcnow(), rules.zone) - timedelta(days=rules.reread_days + 1)  # never read again
    days = option_days(first, last, newest, is_first_known=known)
    if days.last > newest:
        name = "--from" if last is None else "--to"
        why = f"the newest final day of {wanted.name} is {newest} (reread_days is {rules.reread_days})"
        raise ConfigError(f"{name}: {days.last} is not final yet; {why}; choose an earlier day, or wait")
    return days


def added(written: Sequence[str], chosen: Sequence[Source]) -> Mapping[str, str]:
    """Reads the extra labels of every series; ConfigError if one is invalid, repeated or already a label."""
    found: dict[str, str] = {}
    own = {name for each in chosen for report in each.target.reports for m in report.measures for name in m.labels}
    for each in written:
        match = LABEL.fullmatch(each)
        if match is None or match[1].startswith("__") or not match[2]:
            raise ConfigError(f'--label: "{each}" is not a label; write NAME=VALUE, such as job=chat-usage-exporter')
        if match[1] in found or match[1] in own or match[1] in COMPANY_LABELS:
            raise ConfigError(f"--label: {match[1]} is repeated or a label of the figures; choose another name")
        found[match[1]] = match[2]
    return found


def digests(chosen: Sequence[Source], options: Callable[[Source], Mapping[str, str]]) -> Mapping[str, str]:
    """Returns digests of some `options` of the sources, by source and option."""
    return {f"{each.name}: {name}": digest(value) for each in chosen for name, value in options(each).items()}


def selection(chosen: Source) -> Mapping[str, str]:
    """Returns the options that select figures without changing their meaning; they may differ between runs."""
    target = chosen.target
    return {
        "reports": "\n".join(report.name for report in target.reports),
        "families.exclude": "\n".join(target.excluded),
        "label_limits": repr(target.limits),
        "min_group": str(target.min_group),
    }


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
    spans = [manifest.content.spans[each.name] for each in chosen]
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
    async with AsyncExitStack() as stack:
        worker = stack.enter_context(closing(Worker("backfill")))
        for http in clients:
            await stack.enter_async_context(aclosing(http))
        jobs: list[ReportJob] = []
        for each in chosen:
            platform = await stack.enter_async_context(aclosing(client_of(each, LastCodes())))
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
