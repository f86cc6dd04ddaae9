"""What several commands have: options, named as in the Prometheus family, and the error of a bad result."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from exporter.cli.logs import LogFormat, LogLevel
from exporter.domain.errors import ChatUsageError, ConfigError

T = TypeVar("T")
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config.file", metavar="FILE", help="Configuration file; see config/exporter.example.yml."),
]
LISTEN_OPTION = "--web.listen-address"
ListenAddress = Annotated[
    str, typer.Option(LISTEN_OPTION, metavar="HOST:PORT", help="Address to serve on; no host is every interface.")
]
WebConfigFile = Annotated[
    Path | None,
    typer.Option("--web.config.file", metavar="FILE", help="TLS, client certificates, users, headers; see the docs."),
]
DOCS_OPTION = "--web.docs-url"
DocsUrl = Annotated[
    str,
    typer.Option(DOCS_OPTION, metavar="URL", help="Where the status page finds the runbooks: a copy of docs."),
]
Level = Annotated[LogLevel, typer.Option("--log.level", help="Least severity that is logged.")]
Format = Annotated[LogFormat, typer.Option("--log.format", help="Format of log lines.")]


class FailedError(ChatUsageError):
    """The command did its work and ends with exit status 1; the message has one line for each finding."""


def option_value(name: str, read: Callable[[object], T], written: str) -> T:
    """Reads the value of an option as settings are read; raises ConfigError."""
    try:
        return read(written)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from None
