"""Renders the status page, once per publication, minute and choice, in the thread of those who read."""

import gzip
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from exporter import __version__
from exporter.exposition.board import Published
from exporter.web.api.find import DailyFiguresFinder
from exporter.web.status import text as words
from exporter.web.status.company_page import company_page
from exporter.web.status.company_rows import Companies, companies
from exporter.web.status.problems import FailedReload, Level
from exporter.web.status.query import CompanyQuery
from exporter.web.status.report_rows import sources, troubles
from exporter.web.status.sparkline import HEIGHT, WIDTH

MOST_PAGES = 64
DOCS = "https://example.org/chat-usage-exporter/docs"
"""Where the folder docs is, with the runbooks in it, as in alert_rules; an operator may have it elsewhere."""
GZIP_LEVEL = 4


@dataclass(frozen=True, slots=True)
class RenderedPage:
    """A rendered page, plain and compressed."""

    plain: bytes
    gzipped: bytes


class StatusPage:
    """Renders pages and keeps those of the newest publication; used by one thread alone."""

    def __init__(self, finder: DailyFiguresFinder, assets: Mapping[str, str], docs: str = DOCS) -> None:
        folder = Path(__file__).parent / "templates"
        environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.globals.update(
            Level=Level, words=words, version=__version__, docs=docs, assets=assets, width=WIDTH, height=HEIGHT
        )
        self._template = environment.get_template("status.html.jinja")
        self._archive = finder
        self._of: Published | None = None
        self._companies = Companies((), {})
        self._prints: OrderedDict[tuple[CompanyQuery, str, FailedReload | None], RenderedPage] = OrderedDict()

    def page(
        self,
        shown: Published,
        choice: CompanyQuery,
        next_polls: Mapping[str, datetime | None],
        now: datetime,
        refusal: FailedReload | None = None,
    ) -> RenderedPage:
        """Returns the page of a choice as of the present minute; `refusal` is why the last reload failed."""
        if shown is not self._of:
            self._of, self._companies = shown, companies(shown)
            self._prints.clear()
        key = choice, words.moment(now), refusal
        if key not in self._prints:
            plain = self._rendered(shown, choice, next_polls, now, refusal)
            self._prints[key] = RenderedPage(plain, gzip.compress(plain, GZIP_LEVEL))
        while len(self._prints) > MOST_PAGES:
            self._prints.popitem(last=False)
        return self._prints[key]

    def _rendered(
        self,
        shown: Published,
        choice: CompanyQuery,
        next_polls: Mapping[str, datetime | None],
        now: datetime,
        refusal: FailedReload | None,
    ) -> bytes:
        blocks = sources(shown, next_polls, now)
        activities = {name for names in self._companies.activities.values() for name in names}
        return self._template.render(
            now=now,
            choice=choice,
            sources=blocks,
            troubles=troubles(blocks, refusal),
            refused=refusal is not None,
            companies=company_page(self._companies, choice, shown, self._archive.all_daily(shown.views), now),
            activities=sorted(activities),
            ago=partial(_ago, now),
        ).encode()


def _ago(now: datetime, at: datetime) -> str:
    """Says how long ago a moment is, or how far ahead."""
    return f"{words.span(now - at)} ago" if at <= now else f"in {words.span(at - now)}"
