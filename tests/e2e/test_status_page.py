"""The status page in a real browser: all scenarios, themes and screen widths, with and without JavaScript."""

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from exporter.app.process import serving
from exporter.domain.threads import Worker
from exporter.web.app import create_app
from exporter.web.server.server import listen, url
from tests.e2e.browser import NARROW, WIDE, Tab, browsing, opened
from tests.e2e.running_demo import NOON, running_demo
from tests.web.test_days import named
from tests.web.web_context import web_context

pytestmark = [pytest.mark.anyio, pytest.mark.e2e, pytest.mark.once]

ONE_SCREEN = 800
SCREENSHOTS = Path(__file__).parents[2] / "screenshots"
"""Kept by CI for visual checks."""


class Scene(NamedTuple):
    """Scenarios before the first poll and an hour later, and the expected text of the page."""

    says: tuple[str, ...]
    before: str = "normal"
    after: str = ""
    companies: int = 20

    @property
    def one_report(self) -> bool:
        """Whether only one report is used: retries and many companies take real seconds."""
        return bool(self.after) or self.companies > 100


SCENES = {
    "normal": Scene(
        (
            "All 9 reports are up to date",
            "No company is outside its limits",
            "Thu 19 Nov 2026 · demo · ",
            "Müller & Söhne GmbH",
        )
    ),
    "outage": Scene(("2 of 2 reports need attention", "answers with an error", "1 h ago", "Northwind"), after="outage"),
    "key-rejected": Scene(("The platform refuses the key", "put a new one", "what to do"), after="key-rejected"),
    "late-day": Scene(("has no row of any company yet", "2026-11-18"), before="late-day"),
    "quiet-company": Scene(("2 companies are outside their limits", "warning", "below"), before="quiet-company"),
    "1000-companies": Scene(("page 1 of", "Page 2"), companies=1000),
}


@pytest.fixture(scope="session")
def chromium() -> Path:
    """Returns the path of the browser."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("chromium not found: tools/chromium installs Debian's")
    return Path(found)


@pytest.mark.parametrize("name", SCENES)
async def test_a_scene_in_light_and_dark_on_wide_and_narrow_screens(chromium: Path, name: str) -> None:
    """No console messages, foreign requests, axe violations or horizontal scrolling; same text without JavaScript."""
    scene = SCENES[name]
    SCREENSHOTS.mkdir(exist_ok=True)
    async with (
        running_demo(scene.companies, scene.before, one_report=scene.one_report) as demo,
        browsing(chromium) as browser,
    ):
        if scene.after:
            await demo.poll_after_an_hour(scene.after)
        words = []
        for dark, width in ((False, WIDE), (True, WIDE), (False, NARROW), (True, NARROW)):
            async with opened(browser, demo.url, demo.clock.now(), width=width, dark=dark) as tab:
                label = f"{name}-{'dark' if dark else 'light'}-{'wide' if width == WIDE else 'narrow'}"
                await tab.page.screenshot(path=SCREENSHOTS / f"{label}.png", full_page=True)
                if dark == (width == NARROW):  # so that each of colours and layouts is judged once
                    assert not await tab.violations(), label
                assert await tab.page.evaluate("document.documentElement.scrollWidth") == width, label
                assert tab.errors == [], label
                if name == "normal":  # a phone shows the first company without a thumb
                    assert await tab.page.locator("#company-rows tr").first.evaluate("e => e.offsetTop") < ONE_SCREEN
                words.append(await tab.text())
        async with opened(browser, demo.url, demo.clock.now(), script=False) as tab:
            words.append(await tab.text())

    said = " ".join(words[0])
    assert [each for each in scene.says if each not in said] == []
    assert words[0] == words[1] == words[-1]


async def rows(tab: Tab) -> list[str]:
    """Returns the visible companies."""
    found = await tab.page.locator("#company-rows tr:visible th").all_inner_texts()
    return [" ".join(each.split()) for each in found]


async def test_companies_are_found_with_and_without_javascript(chromium: Path) -> None:
    """Typing filters the page; Enter, headings and links send a request, also by keyboard."""
    async with running_demo(60, one_report=True) as demo, browsing(chromium) as browser:
        async with opened(browser, demo.url, demo.clock.now()) as tab:
            assert len(await rows(tab)) == 50
            await tab.page.get_by_label("Name or id").press_sequentially("müll")
            assert await rows(tab) == ["Müller & Söhne GmbH 2 · demo"]
            assert "1 of the 50 on this page" in " ".join(await tab.text())
            assert tab.errors == []
        for script in (True, False):
            async with opened(browser, demo.url, demo.clock.now(), script=script) as tab:
                await find_by_keyboard(tab)
                assert tab.errors == []


async def find_by_keyboard(tab: Tab) -> None:
    """Searches, sorts and pages by keyboard."""
    page = tab.page
    await page.get_by_label("Name or id").fill("northwind")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**q=northwind**")
    assert {each.partition(" ")[0] for each in await rows(tab)} == {"Northwind"}
    await page.get_by_role("link", name="Show all").press("Enter")
    await page.wait_for_url(lambda url: "q=" not in url)
    await page.get_by_role("link", name="Last day").press("Enter")
    await page.wait_for_url("**sort=-last_day**")
    figures = await page.locator('#company-rows [data-label="Last day"]').all_inner_texts()
    numbers = [int("".join(filter(str.isdigit, each))) for each in figures]
    assert numbers == sorted(numbers, reverse=True)
    await page.get_by_role("link", name="Page 2").press("Enter")
    await page.wait_for_url("**page=2**")
    assert 0 < len(await rows(tab)) < 50


async def test_reports_are_sorted_by_their_headings(chromium: Path) -> None:
    """Ascending and descending, announced to screen readers."""
    async with (
        running_demo() as demo,
        browsing(chromium) as browser,
        opened(browser, demo.url, demo.clock.now()) as tab,
    ):
        await tab.page.locator("summary").press("Enter")  # all are well, so they are folded to one line
        head = tab.page.get_by_role("columnheader", name="Companies")
        for order in ("ascending", "descending"):
            await head.get_by_role("button").press("Enter")
            assert await head.get_attribute("aria-sort") == order
            cells = await tab.page.locator('.reports td[data-label="Companies"]').all_inner_texts()
            numbers = [int(each) if each.strip().isdigit() else -1 for each in cells]
            assert numbers == sorted(numbers, reverse=order == "descending")
        assert tab.errors == []


async def test_names_with_markup_are_text(chromium: Path) -> None:
    """Whatever a company's name is: no script runs, no other host is requested, and the name is readable."""
    worker = Worker("readers")
    with listen("127.0.0.1:0", "test") as listening:
        async with (
            serving(create_app(web_context(named(), worker)), listening),
            browsing(chromium) as browser,
            opened(browser, url(listening), NOON) as tab,
        ):
            await tab.page.get_by_label("Name or id").press_sequentially("<script>")
            assert await rows(tab) == ["<script>alert(\"1\")</script>, & 'x' 6"]
            assert not await tab.violations()
            assert tab.errors == []
    worker.close()
