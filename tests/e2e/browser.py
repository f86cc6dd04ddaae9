"""Opens pages in Debian's Chromium with Playwright, and records all errors."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, ConsoleMessage, Dialog, Page, Request, async_playwright

WIDE, NARROW = 1280, 390
AS_ROOT = ["--no-sandbox"] if os.geteuid() == 0 else []
"""Root, as in a CI container, cannot set up Chromium's sandbox."""


@dataclass
class Tab:
    """An open page, and its `errors`: console messages, script errors, failed or foreign requests."""

    page: Page
    home: str
    errors: list[str] = field(default_factory=list)

    def console(self, message: ConsoleMessage) -> None:
        """Records every console message; there should be none."""
        self.errors.append(f"{message.type}: {message.text}")

    async def dialog(self, dialog: Dialog) -> None:
        """Records and closes a dialog."""
        self.errors.append(f"{dialog.type}: {dialog.message}")
        await dialog.dismiss()

    def request(self, request: Request) -> None:
        """Records a request to another host."""
        if urlsplit(request.url).netloc != urlsplit(self.home).netloc:
            self.errors.append(f"asks {request.url}")

    def failed(self, request: Request) -> None:
        """Records a failed request."""
        self.errors.append(f"{request.url} failed: {request.failure}")

    async def violations(self) -> str:
        """Returns the violations that axe-core finds, as text."""
        found = await Axe().run(self.page)
        return str(found.generate_report()) if found.violations_count else ""

    async def text(self) -> list[str]:
        """Returns the visible words in order."""
        return (await self.page.inner_text("body")).split()


@asynccontextmanager
async def browsing(chromium: Path) -> AsyncIterator[Browser]:
    """Runs a browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=AS_ROOT)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def opened(
    browser: Browser, url: str, now: datetime, *, width: int = WIDE, dark: bool = False, script: bool = True
) -> AsyncIterator[Tab]:
    """Opens a page in a new window of screen height, with the clock at `now`."""
    context = await browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
        java_script_enabled=script,
        reduced_motion="reduce",
    )
    if script:
        await context.clock.set_fixed_time(now)
    tab = Tab(await context.new_page(), url)
    tab.page.on("console", tab.console)
    tab.page.on("pageerror", lambda error: tab.errors.append(str(error)))
    tab.page.on("dialog", tab.dialog)
    tab.page.on("request", tab.request)
    tab.page.on("requestfailed", tab.failed)
    try:
        answer = await tab.page.goto(url)
        assert answer is not None
        assert answer.ok
        yield tab
    finally:
        await context.close()
