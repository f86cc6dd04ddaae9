"""Options shared by commands, named as in the Prometheus family, and how their values are read."""

import os
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from typer.models import OptionInfo

from exporter.cli.logs import LogFormat, LogLevel
from exporter.domain.errors import ConfigError
from exporter.domain.model import Days
from exporter.platforms.registry import platforms
from exporter.settings import Settings, load
from exporter.settings.readers import day
from exporter.web.status.page import DOCS, GRAFANA, Links

T = TypeVar("T")


def option(name: str, metavar: str, text: str, least: int | None = None, most: int | None = None) -> OptionInfo:
    """Declares an option that takes a value, with its help text."""
    made: OptionInfo = typer.Option(name, metavar=metavar, help=text, min=least, max=most)
    return made


ConfigFile = Annotated[Path | None, option("--config.file", "FILE", "Configuration; see config/exporter.example.yml.")]
LISTEN_OPTION = "--web.listen-address"
ListenAddress = Annotated[str, option(LISTEN_OPTION, "HOST:PORT", "Where to serve; without a host, every interface.")]
WebConfigFile = Annotated[
    Path | None, option("--web.config.file", "FILE", "TLS, users and headers, in exporter-toolkit's format.")
]
DOCS_OPTION = "--web.docs-url"
DocsUrl = Annotated[str, option(DOCS_OPTION, "URL", "Address of the docs folder, for the status page's runbook links.")]
GRAFANA_OPTION = "--web.grafana-url"
GrafanaUrl = Annotated[str | None, option(GRAFANA_OPTION, "URL", "Address of Grafana, for links to its dashboards.")]
Level = Annotated[LogLevel, typer.Option("--log.level", help="Lowest severity that is logged.")]
Format = Annotated[LogFormat, typer.Option("--log.format", help="Format of log lines.")]


def configured(config_file: Path | None, *, keeps_state: bool = True) -> Settings:
    """Reads the configuration file and the environment; ConfigError has one line per mistake."""
    return load(config_file, os.environ, platforms(), keeps_state=keeps_state)


def option_value(name: str, read: Callable[[object], T], written: str) -> T:
    """Reads the value of an option as settings are read; raises ConfigError."""
    try:
        return read(written)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from None


def option_days(first: str | None, last: str | None, newest: date, *, is_first_known: bool) -> Days:
    """Reads `--from` and `--to`, by default up to the `newest` day; `--from` may be left out if that day is known."""
    if first is None and not is_first_known:
        raise ConfigError("--from: is missing; give the first day, such as --from 2026-01-31")
    end = newest if last is None else option_value("--to", day, last)
    begin = end if first is None else option_value("--from", day, first)
    if last is None:
        end = max(begin, end)
    if end < begin:
        raise ConfigError(f"--from: {begin} is after the last day, {end}; choose an earlier one")
    return Days(begin, end)


def links(docs_url: str, grafana_url: str | None) -> Links:
    """Reads the addresses that pages and alerts link to; raises ConfigError."""
    grafana = _address(grafana_url, GRAFANA_OPTION, GRAFANA) if grafana_url else ""
    return Links(_address(docs_url, DOCS_OPTION, DOCS), grafana)


def _address(url: str, option: str, example: str) -> str:
    if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", url):
        raise ConfigError(f'{option}: "{url}" is not the address of a web page; write it as {example}')
    return url.rstrip("/")
