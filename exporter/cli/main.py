"""Entry point: finds the command, and turns every failure into one line on stderr and an exit status."""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec

import typer

from exporter import __version__
from exporter.cli.backfill.command import backfill
from exporter.cli.calendar import calendar
from exporter.cli.check import check
from exporter.cli.export import export
from exporter.cli.metrics import metrics
from exporter.cli.options import FailedError
from exporter.cli.plan import plan
from exporter.cli.serve import serve
from exporter.domain.errors import ConfigError
from exporter.domain.text import printable

PROGRAM = "chat-usage-exporter"
FAILED = 1
WRONG_USE = 2
ANY_ARGUMENTS = {"allow_extra_args": True, "ignore_unknown_options": True}

app = typer.Typer(
    name=PROGRAM,
    help="Serves the daily usage figures of chat platforms as Prometheus gauges.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # a traceback of ours shows no local variable, so no key
    rich_markup_mode=None,
)


def simulated_platforms(_context: typer.Context) -> None:
    """Says where the simulated platforms are to be had: the image for production does not hold them."""
    raise ConfigError("this image has no simulated platforms; build the Dockerfile's target `demo`, or run `make demo`")


simulated: tuple[Callable[..., None], ...] = ()
if find_spec("exporter.cli.demo"):
    simulated = import_module("exporter.cli.demo.command").demo, import_module("exporter.cli.demo.simulate").simulate
commands: tuple[Callable[..., None], ...] = (serve, check, plan, *simulated, backfill, export, calendar, metrics)
for command in commands:
    app.command()(command)
NAMES = frozenset(command.__name__ for command in commands)
if not simulated:
    for name in ("demo", "simulate"):
        app.command(name, hidden=True, context_settings=ANY_ARGUMENTS)(simulated_platforms)


def show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{PROGRAM} {__version__}")
        raise typer.Exit


@app.callback()
def options(
    _version: bool = typer.Option(
        False, "--version", callback=show_version, is_eager=True, help="Show the version and exit."
    ),
) -> None:
    """Serves the daily usage figures of chat platforms as Prometheus gauges."""


def run(arguments: Sequence[str]) -> int:
    """Runs one command and returns the exit status: 0 good, 1 failed, 2 wrong use or configuration, 130 interrupted."""
    try:
        return app(list(arguments), prog_name=PROGRAM, standalone_mode=False) or 0
    except (ConfigError, FailedError) as error:
        for line in str(error).splitlines():
            print(f"{PROGRAM}: {printable(line)}", file=sys.stderr)  # noqa: T201 the one place that speaks of failures
        return WRONG_USE if isinstance(error, ConfigError) else FAILED
    except typer.TyperException as error:
        text = error.format_message()
        if "\n" not in text:  # that would be the help, for who gave no command
            asked = getattr(getattr(error, "ctx", None), "command_path", PROGRAM)
            command = next((each for each in arguments if each in NAMES), None) if asked == PROGRAM else None
            place = f" before the command; options stand after {command}" if command else ""
            text = f"{PROGRAM}: {text.rstrip('.')}{place}; see {asked} --help"
        print(text, file=sys.stderr)  # noqa: T201 the same
        return error.exit_code
    except OSError as error:  # of standard output, such as a full disk; all others are translated where they appear
        print(f"{PROGRAM}: {error.strerror or error}; free or change what it writes to", file=sys.stderr)  # noqa: T201 the same
        return FAILED


def main() -> None:
    sys.exit(run(sys.argv[1:]))
