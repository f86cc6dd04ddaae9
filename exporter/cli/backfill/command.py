"""`backfill`: past days of the platforms, one sample per final day, as a file for promtool or by remote write."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from exporter.app import interpreter
from exporter.app.assemble import CLOCK, fingerprint
from exporter.backfill.manifest import DESTINATION, digest, opened
from exporter.backfill.openmetrics_file import Runs
from exporter.backfill.remote_write import RemoteWrite
from exporter.backfill.store_client import client, http_config, shown_url
from exporter.backfill.verify import Comparison
from exporter.cli.backfill.destinations import compared, into_file, into_store
from exporter.cli.options import ConfigFile, configured, option, option_days, option_value
from exporter.domain.calendars import day_at
from exporter.domain.clock import utcnow
from exporter.domain.errors import ConfigError, FailedError, StoreError
from exporter.domain.model import Days
from exporter.metrics.usage import COMPANY_LABELS
from exporter.settings import Settings, Source
from exporter.settings.readers import one_of

LABEL = re.compile(r"([a-zA-Z_][a-zA-Z0-9_]*)=(.*)", re.DOTALL)


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
    settings = configured(config_file, keeps_state=False)
    chosen = sources(settings, source_name)
    labels = added(label or (), chosen)
    _refuse_misfits(output, remote_write, verify, keeps=manifest_folder is not None, goes_on=goes_on)
    config, store, comparison = http_config(http_file), None, None
    if remote_write is not None:
        http = client(remote_write, config)
        store = RemoteWrite(remote_write, http, CLOCK, labels, partial(typer.echo, err=True))
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
