"""`check`: validates the configuration."""

import os

import typer

from exporter import source
from exporter.cli.options import ConfigFile
from exporter.settings import Source, load


def check(config_file: ConfigFile = None) -> None:
    """Validate the configuration without asking any platform; exit 2 and one line per mistake if it is wrong."""
    settings = load(config_file, os.environ, source.platforms())
    for note in settings.notes:
        typer.echo(note)
    for each in settings.sources.values():
        typer.echo(describe(each))
    typer.echo("The configuration is valid.")


def describe(each: Source) -> str:
    """Says in one line what is polled of a source."""
    minutes = each.poll.interval.total_seconds() / 60
    return (
        f"{each.name}: {each.platform.title} at {each.base_url}, every {minutes:g} min, days of {each.zone.key}, "
        f"reports {', '.join(each.reports)}"
    )
