"""The soak test finds leaks despite noise, and wrong figures; a correct run passes."""

import os
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from xml.etree import ElementTree as ET

import httpx
import pytest

from tests.soak.chart import THEMES, Panel, Theme, render, round_step
from tests.soak.check_figures import CheckedSource, Result, check
from tests.soak.platform_figures import Facts, Key
from tests.soak.process_sample import sample
from tests.soak.random_faults import FAULTS, random_periods
from tests.soak.result import SoakResult
from tests.soak.scrapers import SCRAPERS, ScrapeLog, Scraper
from tests.soak.trend import MIB, trend

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
MINUTES = [float(second) for second in range(0, 600, 5)]
LAST, TODAY = date(2026, 11, 20), date(2026, 11, 21)
MODE: Key = ("paradigm_user_queries", frozenset({("company_id", "1"), ("mode", "chat")}))


def noise(seed: int) -> Callable[[float], float]:
    """Returns random temporary growth: up to 5, now and then 45."""
    random = Random(seed)
    return lambda _second: random.uniform(0, 5) + (40 if random.random() < 0.05 else 0)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("curve", "is_flat"),
    [
        pytest.param(lambda _: 0.0, True, id="constant"),
        pytest.param(lambda second: min(second, 200) / 10, True, id="grows only in the first half"),
        pytest.param(lambda second: second % 60 / 20, True, id="sawtooth"),
        pytest.param(lambda second: -second / 10, True, id="falls"),
        pytest.param(lambda second: second / 30, False, id="leaks 10 in the second half"),
        pytest.param(lambda second: 10.0 * (second > 450), False, id="steps up in the second half and stays"),
        pytest.param(lambda second: second // 60 * 2, False, id="leaks now and then"),
    ],
)
def test_a_leak_is_found_in_noise(seed: int, curve: Callable[[float], float], is_flat: bool) -> None:
    """Noise above the allowed growth of 4 neither hides a leak nor counts as one."""
    noise_at = noise(seed)

    result = trend(MINUTES, [100 + curve(second) + noise_at(second) for second in MINUTES], allowed=4)

    assert result.is_flat is is_flat, result


def test_each_fault_occurs_before_any_is_repeated() -> None:
    """Equal seeds give equal periods; every second period has no faults."""
    periods = list(islice(random_periods(Random(3)), 2 * len(FAULTS)))
    faults = [fault for period in periods for fault in period.faults]

    assert periods == list(islice(random_periods(Random(3)), 2 * len(FAULTS)))
    assert set(faults[: len(FAULTS)]) == set(FAULTS)
    assert all(bool(period.faults) == (n % 2 == 0) for n, period in enumerate(periods))
    assert any(period.reload for period in periods)


def platform_figures(_company_id: str, day: date) -> Facts:
    """Returns as many queries as the day of the month."""
    return {MODE: float(day.day)} if day <= TODAY else {}


def sums(days: int) -> float:
    return float(sum((LAST - timedelta(days=n)).day for n in range(days)))


CORRECT = {"_last_day": 20.0, "_today": 21.0, "_7d": sums(7), "_28d": sums(28)}


def checked(figures: Mapping[str, float], further_sample: str = "") -> Result:
    """Checks an exposition with these figures."""
    labels = '{source="s",company_id="1",company="A",mode="chat"}'
    lines = [f"paradigm_user_queries{suffix}{labels} {figure}" for suffix, figure in figures.items()]
    moment = datetime(LAST.year, LAST.month, LAST.day, tzinfo=UTC).timestamp()
    lines.append(f'chat_usage_report_day_timestamp_seconds{{source="s",report="chat-sessions"}} {moment}')
    exposition = "\n".join([*lines, *([further_sample] if further_sample else []), ""])
    return check(exposition, CheckedSource("s", "paradigm_", ("1",), platform_figures), TODAY)


def test_correct_figures_pass() -> None:
    """In all windows, also next to another source."""
    other = 'paradigm_user_queries_last_day{source="other",company_id="1",company="A",mode="chat"} 7'

    assert checked(CORRECT) == Result(4, ())
    assert checked(CORRECT, other) == Result(4, ())


@pytest.mark.parametrize("suffix", CORRECT)
def test_wrong_and_missing_figures_are_found(suffix: str) -> None:
    """In each window; the error names the expected figure."""
    (wrong,) = checked({**CORRECT, suffix: CORRECT[suffix] + 1}).errors
    (missing,) = checked({name: figure for name, figure in CORRECT.items() if name != suffix}).errors

    assert f"paradigm_user_queries{suffix}" in wrong
    assert f"is {CORRECT[suffix] + 1}, should be {CORRECT[suffix]}" in wrong
    assert f"is None, should be {CORRECT[suffix]}" in missing


@pytest.mark.parametrize(("figure", "errors"), [(0, 0), (3, 1)], ids=["zero", "three"])
def test_a_figure_that_the_platform_does_not_report_must_be_0(figure: int, errors: int) -> None:
    """Any other value is an error."""
    unreported = f'paradigm_tool_uses_last_day{{source="s",company_id="1",company="A",tool="T"}} {figure}'

    assert len(checked(CORRECT, unreported).errors) == errors


@pytest.mark.anyio
@pytest.mark.parametrize("scraper", SCRAPERS, ids=lambda scraper: scraper.__name__)
async def test_a_scraper_logs_errors(scraper: Scraper) -> None:
    """A response of 503, and no response."""
    transports = (httpx.MockTransport(lambda _: httpx.Response(503)), httpx.MockTransport(_refuse))
    for transport in transports:
        log = ScrapeLog()
        async with httpx.AsyncClient(base_url="http://exporter", transport=transport) as http:
            await log.scrape(http, scraper)

        assert len(log.errors) == 1


def _refuse(_request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("connection refused")


def test_a_sample_counts_the_resources_of_a_process(tmp_path: Path) -> None:
    """One more open file is one more descriptor."""
    before = sample(os.getpid(), 0)
    with (tmp_path / "file").open("w"):
        during = sample(os.getpid(), 0)

    assert during.descriptors == before.descriptors + 1
    assert during.threads >= 1
    assert during.rss >= during.pss > 1024 * 1024


def test_axis_steps_are_round() -> None:
    """1, 2 or 5, at any scale."""
    assert [round_step(least) for least in (0.03, 0.7, 1.0, 3, 17, 40, 73)] == [0.05, 1, 1, 5, 20, 50, 100]


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_a_chart_is_well_formed(theme: Theme) -> None:
    """Nothing lies outside, even if a curve is 0."""
    panels = [Panel("Threads", [0.0, 1.0, 2.0], {"a": [0.0, 0.0, 0.0], "b": [1.0, 1.5, 2.0]})] * 3
    root = ET.fromstring(render(panels, theme))  # noqa: S314 our own output

    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    texts = [(float(each.attrib["x"]), float(each.attrib["y"])) for each in root.iter() if "x" in each.attrib]
    assert texts
    assert all(0 <= x <= width and 0 <= y <= height for x, y in texts)


def test_the_chart_and_figures_in_the_documentation_agree() -> None:
    """Both are of a long run that passed; `make soak` writes all three files."""
    result = SoakResult.load(PICTURES)

    assert result.passed
    assert result.minutes >= 45
    assert result.compared > 1000
    assert result.faults.keys() == set(FAULTS)
    page = (PICTURES.parent / "development" / "reliability.md").read_text()
    documented = (f"| {result.compared:,} | 0 |", f"| {result.scrapes.count:,} (", f"{result.outcomes['ok']:,.0f} good")
    growth = tuple(
        f"| {each.growth / MIB:.2f} MiB |" for name, each in result.trends().items() if name in ("rss", "pss")
    )
    assert [figure for figure in (*documented, *growth) if figure not in page] == []
    for theme in THEMES:
        assert (PICTURES / f"soak-{theme.name}.svg").read_text() == render(result.panels(), theme)
