"""Options shared by commands, named as in the Prometheus family, and the error of a failed command."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from exporter.cli.logs import LogFormat, LogLevel
from exporter.domain.errors import ConfigError
from exporter.web.status.page import DOCS, GRAFANA, Links

T = TypeVar("T")
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config.file", metavar="FILE", help="Configuration file; see config/exporter.example.yml."),
]
LISTEN_OPTION = "--web.listen-address"
ListenAddress = Annotated[
    str, typer.Option(LISTEN_OPTION, metavar="HOST:PORT", help="Address to serve on; without a host, every interface.")
]
WebConfigFile = Annotated[
    Path | None,
    typer.Option("--web.config.file", metavar="FILE", help="TLS, users and headers, in exporter-toolkit's format."),
]
DOCS_OPTION = "--web.docs-url"
DocsUrl = Annotated[
    str,
    typer.Option(DOCS_OPTION, metavar="URL", help="Address of the docs folder, for the status page's runbook links."),
]
GRAFANA_OPTION = "--web.grafana-url"
GrafanaUrl = Annotated[
    str | None,
    typer.Option(GRAFANA_OPTION, metavar="URL", help="Address of Grafana, for the status page's links to dashboards."),
]
Level = Annotated[LogLevel, typer.Option("--log.level", help="Lowest severity that is logged.")]
Format = Annotated[LogFormat, typer.Option("--log.format", help="Format of log lines.")]


def option_value(name: str, read: Callable[[object], T], written: str) -> T:
    """Reads the value of an option as settings are read; raises ConfigError."""
    try:
        return read(written)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from None


def links(docs_url: str, grafana_url: str | None) -> Links:
    """Reads the addresses that pages and alerts link to; raises ConfigError."""
    grafana = _address(grafana_url, GRAFANA_OPTION, GRAFANA) if grafana_url else ""
    return Links(_address(docs_url, DOCS_OPTION, DOCS), grafana)


def _address(url: str, option: str, example: str) -> str:
    if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", url):
        raise ConfigError(f'{option}: "{url}" is not the address of a web page; write it as {example}')
    return url.rstrip("/")
