"""`backfill`: past days of the platforms, one sample per final day, as a file for promtool or by remote write."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from exporter.app import interpreter
from exporter.app.assemble import CLOCK
from exporter.backfill.manifest import DESTINATION, digest, opened
from exporter.backfill.openmetrics_file import Runs
from exporter.backfill.remote_write import RemoteWrite
from exporter.backfill.store_client import client, http_config, shown_url
from exporter.backfill.verify import Comparison
from exporter.cli.backfill.arguments import added, asked, loose, sources, span
from exporter.cli.backfill.destinations import compared, into_file, into_store
from exporter.cli.options import ConfigFile, configured, option
from exporter.domain.errors import ConfigError, FailedError, StoreError


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
    goes_on: Annotated[
        bool, typer.Option("--continue", help="Send days that became final since the last run.")
    ] = False,
    label: Annotated[
        list[str] | None, option("--label", "NAME=VALUE", "Extra label of every series; may be repeated.")
    ] = None,
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
    options = {"--from": first or "", "--to": last or "", "--label": repr(sorted(labels.items()))}
    question = asked({**options, DESTINATION: _kept(remote_write) if remote_write else str(output)}, chosen)
    interpreter.collect_rarely()
    interpreter.give_back()
    try:
        if comparison and not store:
            return compared(chosen, spans, comparison)
        with opened(folder, question, spans, loose(chosen) if goes_on else None) as manifest:
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
