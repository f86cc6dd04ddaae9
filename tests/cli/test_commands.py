"""docs/commands.md says of each command what the command says of itself."""

import re
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup, TyperOption

from exporter.cli.main import app
from exporter.simulator.scenarios import SCENARIOS

PAGE = (Path(__file__).parents[2] / "docs" / "commands.md").read_text()


def group() -> TyperGroup:
    made = typer.main.get_command(app)
    assert isinstance(made, TyperGroup)
    return made


def section(command: str) -> str:
    """Returns the part of the page below a command's heading."""
    found = re.search(rf"^## {command}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, f"docs/commands.md has no section {command}"
    return found[1]


def options(command: str) -> dict[str, str]:
    """Returns the defaults of a command's options as the page would write them."""
    return {
        option.opts[0]: ""
        if option.default in (None, False)
        else f"`{getattr(option.default, 'value', option.default)}`"
        for option in group().commands[command].params
        if isinstance(option, TyperOption)
    }


@pytest.mark.parametrize("command", group().commands)
def test_each_option_stands_on_the_page_with_its_default(command: str) -> None:
    """None is missing, none is invented; the default of a list is told in words."""
    table = re.findall(r"^\| `(--[\w.-]+)[^`]*` \| ([^|]*?) ?\| ", section(command), re.MULTILINE)
    told = {name: "" if name == "--scenario" else default for name, default in table}

    assert told == options(command)


def test_the_page_has_no_command_that_does_not_exist() -> None:
    """And the table at its top lists all of them."""
    assert re.findall(r"^\| \[`(\w+)`\]", PAGE, re.MULTILINE) == list(group().commands)


def test_each_scenario_stands_on_the_page() -> None:
    """With its own words."""
    for name, scenario in SCENARIOS.items():
        assert f"| `{name}` | {scenario.description} |" in section("simulate")
