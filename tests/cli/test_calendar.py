"""The days off of a calendar as time intervals that Alertmanager reads."""

from datetime import date
from pathlib import Path

import pytest
import yaml

from exporter.cli.calendar import intervals
from exporter.cli.main import run

CONFIG = """
sources: {a: {platform: paradigm, api_key: CANARY-of-a-key}}
calendars: {default: {holidays: [12-25]}, fr: {country: FR, holidays: [12-24]}}
"""


def test_days_of_a_month_are_one_interval() -> None:
    [found] = yaml.safe_load("\n".join(intervals([date(2026, 12, 25), date(2026, 12, 26), date(2027, 1, 1)], "UTC")))
    assert found == {
        "name": "chat-usage-holidays",
        "time_intervals": [
            {"years": ["2026"], "months": ["12"], "days_of_month": ["25", "26"], "location": "UTC"},
            {"years": ["2027"], "months": ["1"], "days_of_month": ["1"], "location": "UTC"},
        ],
    }
    assert yaml.safe_load("\n".join(intervals([], "UTC"))) == [{"name": "chat-usage-holidays", "time_intervals": []}]


def test_a_calendar_is_printed_for_years_from_this_one_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "exporter.yml").write_text(CONFIG)
    command = ["calendar", f"--config.file={tmp_path / 'exporter.yml'}"]

    assert run([*command, "--years=2", "--location=Europe/Paris"]) == 0
    [default] = yaml.safe_load(capsys.readouterr().out)
    assert [each["days_of_month"] for each in default["time_intervals"]] == [["25"], ["25"]]
    assert {each["location"] for each in default["time_intervals"]} == {"Europe/Paris"}
    assert run([*command, "--calendar=fr"]) == 0
    [french] = yaml.safe_load(capsys.readouterr().out)
    assert len({each["years"][0] for each in french["time_intervals"]}) == 3
    assert ["24", "25"] in [each["days_of_month"] for each in french["time_intervals"] if each["months"] == ["12"]]
    assert run([*command, "--calendar=de"]) == 2
    assert 'there is no calendar "de"' in capsys.readouterr().err


def test_a_calendar_without_holidays_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "exporter.yml").write_text("sources: {a: {platform: paradigm, api_key: CANARY-of-a-key}}")

    assert run(["calendar", f"--config.file={tmp_path / 'exporter.yml'}"]) == 0
    printed = capsys.readouterr()
    assert 'the calendar "default" has no holidays from' in printed.err
    assert yaml.safe_load(printed.out) == [{"name": "chat-usage-holidays", "time_intervals": []}]
