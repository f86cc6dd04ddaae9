"""`plan` on the command line: tables, JSON, gates; the figures themselves are tested in tests/test_forecast.py."""

import io
import json
import re
import socket
from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from rich.console import Console

from exporter.cli import plan
from exporter.cli.main import run
from exporter.forecast import Size, forecast
from exporter.platforms.paradigm.platform import REPORTS
from tests import environment
from tests.pipeline.pipeline import utc
from tests.test_forecast import target_with

KEY = "planned.key"
FAMILY = re.compile(r"^((?:paradigm|chat_usage|process|python)_\w+) +(\d+)$", re.MULTILINE)

PASSES = {name: int(report.has_days) for name, report in REPORTS.items()}
"""How often a day each report is asked about its past, the passes that a start adds left out."""
PIECES_OF_100 = PASSES | {"used-documents": 2}
"""In how many pieces that goes with 100 companies."""


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Configures one source at a socket that would show a request, and nothing else of the environment."""
    environment.clear(monkeypatch)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        monkeypatch.setenv("PARADIGM_BASE_URL", f"http://127.0.0.1:{listening.getsockname()[1]}")
        monkeypatch.setenv("PARADIGM_API_KEY", KEY)
        yield listening


def test_the_plan_is_printed_without_a_request(platform: socket.socket, capsys: pytest.CaptureFixture[str]) -> None:
    """One line per report, and per family of a report; the lines add up to the total; no key."""
    status = run(["plan", "--companies", "7"])

    printed = capsys.readouterr()
    families = FAMILY.findall(printed.out)
    assert (status, printed.err) == (0, "")
    assert families.count(("paradigm_user_queries_today", "14")) == 1
    assert families.count(("paradigm_tool_uses_7d", str(7 * (50 + 1)))) == 1
    assert families.count(("paradigm_members_ever", "7")) == 1
    assert [name for name, _ in families].count("chat_usage_polls_total") == len(PASSES)
    assert "process_start_time_seconds" in dict(families)
    assert f"at most {sum(int(count) for _, count in families)} series" in printed.out
    assert re.findall(r"^paradigm +(\S+|all reports) +([\d.]+) +(\d+) +(\d+)$", printed.out, re.MULTILINE) == [
        *((name, *(("25.9", "29", "3") if passes else ("24.9", "27", "2"))) for name, passes in PASSES.items()),
        ("all reports", "154.1", "172", "17"),
    ]
    assert KEY not in printed.out
    with pytest.raises(BlockingIOError):
        platform.accept()


@pytest.mark.usefixtures("platform")
def test_what_cannot_be_foreseen_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Below the figures: what they leave out, and what they take for granted."""
    run(["plan"])

    legend = " ".join(capsys.readouterr().out.partition("\nTotal ")[2].split())
    assert "Not counted: chat_usage_field_info" in legend
    assert 'with "reports: auto" it costs one call a day' in legend


@pytest.mark.usefixtures("platform")
def test_json_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """For machines: every figure of the tables, nothing rounded."""
    status = run(["plan", "--format", "json"])
    document = json.loads(capsys.readouterr().out)

    [source] = document["sources"]
    everything = [document["series"], source["series"], *(report["series"] for report in source["reports"])]
    assert status == 0
    assert document["companies_per_source"] == 100
    assert document["total"]["series"] == sum(sum(series.values()) for series in everything)
    assert document["total"]["calls_per_day"] == source["calls_per_day"]
    assert document["most_calls_per_day_in_parts"] == source["calls_per_day"]["most"], "no report has parts"
    assert {report["report"]: report["calls_per_day"] for report in source["reports"]} == {
        name: {"expected": pytest.approx(24 / 1.05 + 2 + pieces), "most": 27 + 2 * pieces}
        for name, pieces in PIECES_OF_100.items()
    }
    for figure in ("expected", "most"):
        together = sum(report["calls_per_day"][figure] for report in source["reports"])
        assert source["calls_per_day"][figure] == pytest.approx(together)
    assert [report["peak_calls_per_minute"] for report in source["reports"]] == [2 + n for n in PIECES_OF_100.values()]
    assert source["peak_calls_per_minute"] == sum(2 + n for n in PIECES_OF_100.values())


CALLS = "up to 174 calls in 24 hours, which is {} more than --max-calls-per-day {}: raise poll.interval"
SERIES = "up to {} series, which is {} more than --max-series {}: exclude companies or families"


@pytest.mark.usefixtures("platform")
class TestGates:
    """A limit is kept up to itself; over it, one line on stderr says which figure and by how much."""

    @pytest.fixture
    def total(self, capsys: pytest.CaptureFixture[str]) -> int:
        """Returns how many series are foretold."""
        run(["plan", "--format=json"])
        total: int = json.loads(capsys.readouterr().out)["total"]["series"]
        return total

    def test_at_the_limits(self, total: int, capsys: pytest.CaptureFixture[str]) -> None:
        """Equal is within."""
        assert run(["plan", "--max-series", str(total), "--max-calls-per-day", "174"]) == 0
        assert capsys.readouterr().err == ""

    def test_over_one_limit(self, capsys: pytest.CaptureFixture[str]) -> None:
        """The plan is printed all the same."""
        assert run(["plan", "--max-calls-per-day", "173"]) == 1

        printed = capsys.readouterr()
        assert printed.err == f"chat-usage-exporter: {CALLS.format(1, 173)}\n"
        assert "paradigm_sessions_today" in printed.out

    def test_over_both_limits(self, total: int, capsys: pytest.CaptureFixture[str]) -> None:
        """Both are on the one line."""
        assert run(["plan", "--max-series", str(total - 5), "--max-calls-per-day", "0"]) == 1

        both = f"{SERIES.format(total, 5, total - 5)}; {CALLS.format(174, 0)}"
        assert capsys.readouterr().err == f"chat-usage-exporter: {both}\n"

    @pytest.mark.parametrize("option", ["--companies", "--max-series", "--max-calls-per-day"])
    def test_a_number_that_is_none(self, option: str, capsys: pytest.CaptureFixture[str]) -> None:
        """Wrong use is 2, not a plan that fails."""
        assert run(["plan", option, "-1"]) == 2
        assert option in capsys.readouterr().err


def test_a_wrong_configuration_is_2(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing can be planned without a source."""
    environment.clear(monkeypatch)

    assert run(["plan"]) == 2
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("platform")
def test_what_is_ignored_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """In both formats, and JSON stays JSON."""
    for name, value in {"PLATFORM": "paradigm", "API_KEY": KEY}.items():
        monkeypatch.setenv(f"CHAT_USAGE_SOURCES__OTHER__{name}", value)
    note = "PARADIGM_API_KEY is ignored, because sources are configured"

    run(["plan", "--format=json"])
    assert json.loads(capsys.readouterr().out)["notes"] == [note]
    run(["plan"])
    assert capsys.readouterr().out.startswith(f"{note}\n")


def test_a_terminal_of_80_columns_cuts_no_family() -> None:
    """However long the name of the source."""
    target = replace(target_with(), source="production-of-the-whole-company-in-europe-and-asia")
    foreseen = forecast([target], Size(10_000), utc(2026, 11, 20))
    terminal = io.StringIO()
    plan.show(foreseen, Console(file=terminal, width=80, force_terminal=True, no_color=True, highlight=False))

    shown = re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue())
    for series in (foreseen.series, foreseen.sources[0].series, foreseen.sources[0].reports[0].series):
        for family, count in series.items():
            assert re.search(rf"^{family} +{count}$", shown, re.MULTILINE)
    assert max(map(len, shown.splitlines())) <= 80
