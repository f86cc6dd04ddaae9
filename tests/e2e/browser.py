"""Debian's Chromium, driven by Playwright: opens a page and notes all that goes wrong while it does."""

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
"""Chromium's sandbox cannot be set up by root, as in a container of CI."""


@dataclass
class Tab:
    """A page that is open, and the `complaints` that it made: of its console, its scripts, its requests."""

    page: Page
    home: str
    complaints: list[str] = field(default_factory=list)

    def console(self, message: ConsoleMessage) -> None:
        """Notes what the page writes to the console, whatever it is: it has nothing to say there."""
        self.complaints.append(f"{message.type}: {message.text}")

    async def dialog(self, dialog: Dialog) -> None:
        """Notes a window that a script opened, and closes it."""
        self.complaints.append(f"{dialog.type}: {dialog.message}")
        await dialog.dismiss()

    def request(self, request: Request) -> None:
        """Notes a request to another host."""
        if urlsplit(request.url).netloc != urlsplit(self.home).netloc:
            self.complaints.append(f"asks {request.url}")

    def failed(self, request: Request) -> None:
        """Notes a request that failed."""
        self.complaints.append(f"{request.url} failed: {request.failure}")

    async def violations(self) -> str:
        """Returns what axe-core finds wrong, in words; nothing if all is well."""
        found = await Axe().run(self.page)
        return str(found.generate_report()) if found.violations_count else ""

    async def text(self) -> list[str]:
        """Returns the words that a person sees, in order, without what only lays them out."""
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
    """Opens a page in a window of its own, at the moment `now`; the window's height is that of a screen."""
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
    tab.page.on("pageerror", lambda error: tab.complaints.append(str(error)))
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
