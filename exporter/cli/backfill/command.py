"""`backfill`: the past of the platforms, one sample per final day, as a file for promtool or by remote write."""

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from exporter.app import interpreter
from exporter.backfill.manifest import continued, digest, opened
from exporter.backfill.openmetrics_file import Runs
from exporter.backfill.store_client import check_url, http_config, shown_url
from exporter.cli.backfill.arguments import added, asked, loose, sources, span
from exporter.cli.backfill.destinations import Store, compared, into_file, into_store
from exporter.cli.options import ConfigFile, FailedError
from exporter.domain.errors import ConfigError, StoreError
from exporter.platforms.registry import platforms
from exporter.settings import load

TARGET = "--output or --remote-write"


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
    verify: Annotated[
        str | None,
        typer.Option(
            "--verify", metavar="URL", help="Read back what is sent, from the store there; alone: only compare."
        ),
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
    settings = load(config_file, os.environ, platforms(), keeps_state=False)
    chosen = sources(settings, source_name)
    labels = added(label or (), chosen)
    for url in (remote_write, verify):
        if url is not None:
            check_url(url)
    _refuse_misfits(output, remote_write, verify, keeps=manifest_folder is not None, goes_on=goes_on)
    folder = _folder(output, manifest_folder)
    spans = {each.name: span(first, last, each, known=goes_on and folder.exists()) for each in chosen}
    reached = (http_config(http_file), http_file.parent if http_file else Path(), labels)
    store = Store(remote_write or verify or "", *reached, verify)
    options = {"--from": first or "", "--to": last or "", "--label": repr(sorted(labels.items()))}
    question = asked({**options, TARGET: _kept(remote_write) if remote_write else str(output)}, chosen)
    interpreter.collect_rarely()
    interpreter.give_back()
    try:
        if verify is not None and remote_write is None:
            return compared(chosen, spans, store)
        way = partial(continued, loosely=loose(chosen), target=TARGET) if goes_on else opened
        with way(folder, question, spans) as manifest:
            if output is not None:
                into_file(chosen, manifest, Runs(folder, labels), output)
            else:
                into_store(chosen, manifest, store)
    except StoreError as error:
        raise FailedError(str(error)) from error
    except OSError as error:
        place = error.filename or output or folder
        raise FailedError(f"{place}: {error.strerror or error}; mend it, then the same command goes on") from error


def _kept(url: str) -> str:
    """Returns the URL of a store as the manifest keeps it: of a query only what tells it from another one."""
    shown = shown_url(url)
    return shown if shown == url else f"{shown} {digest(url)}"


def _refuse_misfits(output: Path | None, url: str | None, verify: str | None, *, keeps: bool, goes_on: bool) -> None:
    """Raises ConfigError where options do not go together; `keeps` says that a manifest is named."""
    if (output is None) == (url is None and verify is None):
        raise ConfigError("give --output FILE (for promtool), or --remote-write URL, --verify URL or both")
    if goes_on and url is None:
        raise ConfigError("--continue: goes with --remote-write URL alone; a file is written once")
    if verify is not None and url is None and keeps:
        raise ConfigError("--manifest: --verify writes nothing; leave it out")
    if url is not None and not keeps:
        raise ConfigError("--manifest: name a folder that keeps how far it is, as --manifest history.backfill")


def _folder(output: Path | None, manifest: Path | None) -> Path:
    folder = manifest or Path(f"{output}.backfill")
    for each in (folder, output):
        if each is not None and not each.absolute().parent.is_dir():
            raise ConfigError(f"the folder of {each} does not exist; create it")
    if output is not None and output.exists() and not folder.exists():
        raise ConfigError(f"--output: {output} is there already; move it away or choose another file")
    return folder
