"""Entry point: finds the command, and turns every failure into one line on stderr and an exit status."""

import gc
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec

import typer

from exporter import __version__
from exporter.domain.errors import ConfigError, FailedError
from exporter.domain.wording import printable

PROGRAM = "chat-usage-exporter"
FAILED = 1
WRONG_USE = 2
ANY_ARGUMENTS = {"allow_extra_args": True, "ignore_unknown_options": True}
OPTIONAL = ("rich", "httpx._main")
"""Optional imports of typer and httpx; without them `serve` takes 3 MiB and a tenth of its start time less."""
DEMO = "exporter.cli.demo"
NAMES = ("serve", "check", "plan", "demo", "simulate", "backfill", "export", "calendar", "metrics")
COMMANDS: Mapping[str, str] = {name: f"exporter.cli.{name}" for name in NAMES} | {
    "demo": f"{DEMO}.command",
    "simulate": f"{DEMO}.simulate",
}
"""The module of each command, imported only for that command: `serve` needs the fewest libraries."""


def program(commands: Iterable[str] = COMMANDS) -> typer.Typer:
    """Returns the program with these commands."""
    app = typer.Typer(
        name=PROGRAM,
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,  # its tracebacks show local variables, which may hold a key
        rich_markup_mode=None,
    )
    app.callback()(options)
    for name in commands:
        if COMMANDS[name].startswith(DEMO) and not find_spec(DEMO):
            app.command(name, hidden=True, context_settings=ANY_ARGUMENTS)(simulated_platforms)
        else:
            with _quick_imports(without=OPTIONAL if name == "serve" else ()):
                module = import_module(COMMANDS[name])
            app.command()(getattr(module, name))
    return app


@contextmanager
def _quick_imports(without: Iterable[str]) -> Iterator[None]:
    """Hides modules from the imports in the block and pauses garbage collection, which took a sixth of the start."""
    gc.disable()
    absent = [each for each in without if each not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None halts an import
    try:
        yield
    finally:
        for each in absent:
            del sys.modules[each]
        gc.enable()


def simulated_platforms(_context: typer.Context) -> None:
    """Stands for `demo` and `simulate` in the production image, which lacks the simulated platforms."""
    raise ConfigError("this image has no simulated platforms; build the Dockerfile's target `demo`, or run `make demo`")


def show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{PROGRAM} {__version__}")
        raise typer.Exit


def options(
    _version: bool = typer.Option(False, "--version", callback=show_version, is_eager=True, help="Show the version."),
) -> None:
    """A Prometheus exporter for AI chat platforms: serves each company's daily usage as gauges."""


def run(arguments: Sequence[str]) -> int:
    """Runs one command and returns the exit status: 0 good, 1 failed, 2 wrong use or configuration, 130 interrupted."""
    first = arguments[0] if arguments else ""
    try:
        app = program([first] if first in COMMANDS else COMMANDS)
        return app(list(arguments), prog_name=PROGRAM, standalone_mode=False) or 0
    except (ConfigError, FailedError) as error:
        for line in str(error).splitlines():
            print(f"{PROGRAM}: {printable(line)}", file=sys.stderr)  # noqa: T201 the only place that prints failures
        return WRONG_USE if isinstance(error, ConfigError) else FAILED
    except typer.TyperException as error:
        text = error.format_message()
        if "\n" not in text:  # else it is the help, because no command was given
            called = getattr(getattr(error, "ctx", None), "command_path", PROGRAM)
            command = next((each for each in arguments if each in COMMANDS), None) if called == PROGRAM else None
            place = f" before the command; put options after {command}" if command else ""
            text = f"{PROGRAM}: {text.rstrip('.')}{place}; see {called} --help"
        print(text, file=sys.stderr)  # noqa: T201 the same
        return error.exit_code
    except OSError as error:  # of standard output, such as a full disk; all others are translated where they appear
        print(f"{PROGRAM}: {error.strerror or error}; free space, or change where it writes", file=sys.stderr)  # noqa: T201 standard output is full
        return FAILED


def main() -> None:
    sys.exit(run(sys.argv[1:]))
