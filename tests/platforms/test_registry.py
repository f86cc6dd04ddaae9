"""Platforms are found by their entry points, and what they are asked for is as narrow as the operator is."""

import subprocess
import sys
from datetime import date
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from exporter.domain.errors import ConfigError
from exporter.domain.model import Days
from exporter.domain.scope import Scope
from exporter.platforms.api import Report
from exporter.platforms.paradigm import platform as paradigm
from exporter.platforms.paradigm.report import base_url
from exporter.platforms.registry import ENTRY_POINTS, platforms


def test_paradigm_is_found_as_a_plugin_would_be() -> None:
    """The built-in platform takes the same way."""
    assert platforms()["paradigm"] is paradigm.PLATFORM


@pytest.mark.parametrize(
    ("target", "complaint"),
    [
        ("exporter.platforms.paradigm.platform:CHAT_SESSIONS", "is no exporter.platforms.api.Platform"),
        ("exporter.platforms.nowhere:PLATFORM", "cannot be loaded"),
    ],
)
def test_a_plugin_that_does_not_work_is_one_line(target: str, complaint: str) -> None:
    """It names the plugin and what to do."""
    entry = EntryPoint("broken", target, ENTRY_POINTS)

    with pytest.raises(ConfigError, match=f'the platform "broken" .*{complaint}.*uninstall its package'):
        platforms([entry])


@pytest.mark.parametrize("order", [1, -1])
def test_two_platforms_of_one_name_are_refused(order: int) -> None:
    """Whichever is found first; one that is found twice, as in two folders of the path, is one."""
    built_in = EntryPoint("paradigm", "exporter.platforms.paradigm.platform:PLATFORM", ENTRY_POINTS)
    plugin = EntryPoint("paradigm", "exporter.platforms.chatcaptain.platform:PLATFORM", ENTRY_POINTS)

    assert platforms([built_in, built_in]) == {"paradigm": paradigm.PLATFORM}
    with pytest.raises(ConfigError, match=r'the platform "paradigm" .* from another package; uninstall one of them'):
        platforms([built_in, plugin][::order])


def test_what_lies_in_the_current_folder_is_no_plugin(tmp_path: Path) -> None:
    """Nor a library of ours: `python -m` would look there first."""
    info = tmp_path / "stray-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stray\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[{ENTRY_POINTS}]\nstray = stray:PLATFORM\n")
    for name in ("stray", "typer"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('loaded')\n")
    (tmp_path / "c.yml").write_text("sources:\n  a: {platform: stray, api_key: some-key}\n")
    command = [sys.executable, "-m", "exporter.cli", "check", "--config.file=c.yml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "loaded" not in done.stderr
    assert "stray" in done.stderr


def test_a_day_before_the_first_is_no_range() -> None:
    """A question with its end before its start is never asked."""
    with pytest.raises(ValueError, match="2026-03-01 is before 2026-03-02"):
        Days(date(2026, 3, 2), date(2026, 3, 1))


@pytest.mark.parametrize(
    "written",
    [
        "https://paradigm.example.com",
        "https://paradigm.example.com/",
        "https://paradigm.example.com/api/v2",
        "https://paradigm.example.com/api/v2/",
        " HTTPS://Paradigm.Example.COM/api/v2 ",
    ],
)
def test_all_forms_of_a_base_url_mean_one_instance(written: str) -> None:
    """With and without `/api/v2`, with and without a slash, in capitals."""
    assert base_url(written) == "https://paradigm.example.com"


@pytest.mark.parametrize("path", ["/api/v1", "/api/v2/reporting/chat-sessions/", "/llm/api/v3/"])
def test_an_endpoint_is_no_base_url(path: str) -> None:
    """Every report would be a 404."""
    with pytest.raises(ValueError, match="ends in an endpoint or another API version"):
        base_url(f"https://paradigm.example.com{path}")


def test_a_path_prefix_stays() -> None:
    """A reverse proxy may put the instance below a path."""
    assert base_url("https://x.example/llm/api/v2/") == "https://x.example/llm"


def test_one_question_covers_all_days() -> None:
    """Both ends are named, so that the zone of the source decides what today is."""
    days = Days(date(2028, 2, 28), date(2028, 3, 1))

    (request,) = paradigm.CHAT_SESSIONS.plan(days, Scope())

    assert request.path == "/api/v2/reporting/chat-sessions/"
    assert request.params == {"start_date": "2028-02-28", "end_date": "2028-03-01"}
    assert (request.days, request.instead) == (days, None)


def test_a_filter_is_followed_by_the_question_without_it() -> None:
    """`company_id` works for admins; a company admin may be refused."""
    days = Days(date(2026, 3, 1), date(2026, 3, 2))

    (request,) = paradigm.CHAT_SESSIONS.plan(days, Scope("17"))

    assert request.params["company_id"] == "17"
    assert request.instead == paradigm.CHAT_SESSIONS.plan(days, Scope())[0]


@pytest.mark.parametrize("report", paradigm.REPORTS.values(), ids=paradigm.REPORTS)
def test_every_measure_has_a_column_in_some_part_and_every_column_a_measure(report: Report) -> None:
    """What is declared is fed, and what is fed is declared; tools are not known beforehand."""
    fed = {column.family for columns in report.parts.values() for column in columns}

    assert {measure.family for measure in report.measures} - {"paradigm_tool_uses"} == fed
    assert all(report.parts)
