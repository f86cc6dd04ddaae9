"""What judges a soak, judged: a leak is found in any noise, a wrong figure in any page, and calm passes."""

import os
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from xml.etree import ElementTree as ET

import httpx
import pytest

from tests.soak.flatness import MIB, judged
from tests.soak.picture import THEMES, Panel, Theme, nice, rendered
from tests.soak.report import Report
from tests.soak.right import Account, Result, compare
from tests.soak.sample import sample
from tests.soak.scrapers import MANNERS, Manner, Tally
from tests.soak.truth import Facts, Key
from tests.soak.weather import TROUBLES, spells

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
MINUTES = [float(second) for second in range(0, 600, 5)]
LAST, TODAY = date(2026, 11, 20), date(2026, 11, 21)
MODE: Key = ("paradigm_user_queries", frozenset({("company_id", "1"), ("mode", "chat")}))


def noise(seed: int) -> Callable[[float], float]:
    """Garbage that comes and goes: up to 5 at any moment, once in a while 40."""
    chance = Random(seed)
    return lambda _second: chance.uniform(0, 5) + (40 if chance.random() < 0.05 else 0)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("curve", "flat"),
    [
        pytest.param(lambda _: 0.0, True, id="constant"),
        pytest.param(lambda second: min(second, 200) / 10, True, id="grows in the first half alone"),
        pytest.param(lambda second: second % 60 / 20, True, id="sawtooth"),
        pytest.param(lambda second: -second / 10, True, id="falls"),
        pytest.param(lambda second: second / 30, False, id="leaks 10 in the second half"),
        pytest.param(lambda second: 10.0 * (second > 450), False, id="steps up in the second half and stays"),
        pytest.param(lambda second: second // 60 * 2, False, id="leaks now and then"),
    ],
)
def test_a_leak_is_found_in_noise(seed: int, curve: Callable[[float], float], flat: bool) -> None:
    """4 are allowed; noise of more than that neither hides a leak nor passes for one."""
    disturb = noise(seed)

    verdict = judged(MINUTES, [100 + curve(second) + disturb(second) for second in MINUTES], allowed=4)

    assert verdict.flat is flat, verdict


def test_everything_goes_wrong_before_anything_does_so_again() -> None:
    """Equal seeds make equal weather; between two troubles is a calm."""
    some = list(islice(spells(Random(3)), 2 * len(TROUBLES)))
    troubles = [trouble for spell in some for trouble in spell.troubles]

    assert some == list(islice(spells(Random(3)), 2 * len(TROUBLES)))
    assert set(troubles[: len(TROUBLES)]) == set(TROUBLES)
    assert all(bool(spell.troubles) == (n % 2 == 0) for n, spell in enumerate(some))
    assert any(spell.reload for spell in some)


def truth(_company_id: str, day: date) -> Facts:
    """On every day until today as many queries as the day's number."""
    return {MODE: float(day.day)} if day <= TODAY else {}


def sums(days: int) -> float:
    return float(sum((LAST - timedelta(days=n)).day for n in range(days)))


RIGHT = {"_last_day": 20.0, "_today": 21.0, "_7d": sums(7), "_28d": sums(28)}


def compared(figures: Mapping[str, float], invented: str = "") -> Result:
    """Compares a page with these figures."""
    labels = '{source="s",company_id="1",company="A",mode="chat"}'
    lines = [f"paradigm_user_queries{suffix}{labels} {figure}" for suffix, figure in figures.items()]
    moment = datetime(LAST.year, LAST.month, LAST.day, tzinfo=UTC).timestamp()
    lines.append(f'chat_usage_report_day_timestamp_seconds{{source="s",report="chat-sessions"}} {moment}')
    page = "\n".join([*lines, *([invented] if invented else []), ""])
    return compare(page, Account("s", "paradigm_", ("1",), truth), TODAY)


def test_a_right_page_is_right() -> None:
    """All windows of it, also beside another source."""
    other = 'paradigm_user_queries_last_day{source="other",company_id="1",company="A",mode="chat"} 7'

    assert compared(RIGHT) == Result(4, ())
    assert compared(RIGHT, other) == Result(4, ())


@pytest.mark.parametrize("suffix", RIGHT)
def test_a_wrong_and_a_missing_figure_are_found(suffix: str) -> None:
    """In each window, and the line says what it should be."""
    (wrong,) = compared({**RIGHT, suffix: RIGHT[suffix] + 1}).wrong
    (missing,) = compared({name: figure for name, figure in RIGHT.items() if name != suffix}).wrong

    assert f"paradigm_user_queries{suffix}" in wrong
    assert f"is {RIGHT[suffix] + 1}, should be {RIGHT[suffix]}" in wrong
    assert f"is None, should be {RIGHT[suffix]}" in missing


@pytest.mark.parametrize(("figure", "wrong"), [(0, 0), (3, 1)], ids=["zero", "three"])
def test_who_has_no_row_counts_nothing(figure: int, wrong: int) -> None:
    """A figure that the platform does not tell is 0, or invented."""
    invented = f'paradigm_tool_uses_last_day{{source="s",company_id="1",company="A",tool="T"}} {figure}'

    assert len(compared(RIGHT, invented).wrong) == wrong


@pytest.mark.anyio
@pytest.mark.parametrize("manner", MANNERS, ids=lambda manner: manner.__name__)
async def test_a_scraper_complains_of_what_is_not_there(manner: Manner) -> None:
    """Each manner: an exporter that answers 503, and one that answers nothing."""
    transports = (httpx.MockTransport(lambda _: httpx.Response(503)), httpx.MockTransport(_refuse))
    for transport in transports:
        tally = Tally()
        async with httpx.AsyncClient(base_url="http://exporter", transport=transport) as http:
            await tally.scrape(http, manner)

        assert len(tally.wrong) == 1


def _refuse(_request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("nobody is there")


def test_a_sample_sees_what_the_process_holds(tmp_path: Path) -> None:
    """A file more is a descriptor more."""
    before = sample(os.getpid(), 0)
    with (tmp_path / "file").open("w"):
        during = sample(os.getpid(), 0)

    assert during.descriptors == before.descriptors + 1
    assert during.threads >= 1
    assert during.rss >= during.pss > 1024 * 1024


def test_steps_of_an_axis_are_round() -> None:
    """1, 2 or 5, at any scale."""
    assert [nice(least) for least in (0.03, 0.7, 1.0, 3, 17, 40, 73)] == [0.05, 1, 1, 5, 20, 50, 100]


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_a_picture_is_drawn(theme: Theme) -> None:
    """Well-formed, and nothing stands outside, even where a curve is 0."""
    panels = [Panel("Threads", [0.0, 1.0, 2.0], {"a": [0.0, 0.0, 0.0], "b": [1.0, 1.5, 2.0]})] * 3
    root = ET.fromstring(rendered(panels, theme))  # noqa: S314 our own

    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    texts = [(float(each.attrib["x"]), float(each.attrib["y"])) for each in root.iter() if "x" in each.attrib]
    assert texts
    assert all(0 <= x <= width and 0 <= y <= height for x, y in texts)


def test_the_picture_in_the_documentation_is_of_its_figures() -> None:
    """And of a soak that was long, flat and right; `make soak` makes all three files."""
    report = Report.load(PICTURES)

    assert report.passed
    assert report.minutes >= 45
    assert report.compared > 1000
    assert report.troubles.keys() == set(TROUBLES)
    page = (PICTURES.parent / "development" / "reliability.md").read_text()
    told = (f"| {report.compared:,} | 0 |", f"| {report.scrapes.count:,} (", f"{report.outcomes['ok']:,.0f} good")
    grew = tuple(f"| {each.grew / MIB:.2f} MiB |" for name, each in report.verdicts().items() if name in ("rss", "pss"))
    assert [figure for figure in (*told, *grew) if figure not in page] == []
    for theme in THEMES:
        assert (PICTURES / f"soak-{theme.name}.svg").read_text() == rendered(report.panels(), theme)
