"""docs/commands.md says of each command what the command says of itself."""

import re
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup, TyperOption

from exporter.cli.main import program
from exporter.simulator.scenarios import SCENARIOS

PAGE = (Path(__file__).parents[2] / "docs" / "commands.md").read_text()


def group() -> TyperGroup:
    made = typer.main.get_command(program())
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


def told(heading: str) -> dict[str, str]:
    """Returns the options that a section lists with their defaults; that of a list is told in words."""
    listed = re.findall(r"^\* `(--[\w.-]+)[^`]*`(?: \((`.*?`)\))?: ", section(heading), re.MULTILINE)
    return {name: "" if name == "--scenario" else default for name, default in listed}


@pytest.mark.parametrize("command", group().commands)
def test_each_option_stands_on_the_page_with_its_default(command: str) -> None:
    """None is missing, none is invented, and none of those that several have stands twice."""
    common = told("Common options")
    of_its_own = {name: default for name, default in options(command).items() if name not in common}

    assert told(command) == of_its_own
    assert common | options(command) == {**options(command), **common}


def test_each_common_option_is_one_of_several_commands() -> None:
    for name in told("Common options"):
        assert sum(name in options(command) for command in group().commands) > 1


def test_the_page_has_no_command_that_does_not_exist() -> None:
    """And the table at its top lists all of them."""
    assert re.findall(r"^\| \[`(\w+)`\]", PAGE, re.MULTILINE) == list(group().commands)


def test_each_scenario_stands_on_the_page() -> None:
    """And none is invented; the platforms themselves describe them, at /control."""
    listed = section("simulate").partition("Scenarios:")[2].partition("`GET /control`")[0]

    assert sorted(re.findall("`([^`]+)`", listed)) == sorted(SCENARIOS)
