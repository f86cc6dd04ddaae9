"""Renders the status page, once per publication, minute and query, in the thread of those who read."""

import gzip
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from exporter import __version__
from exporter.domain import calendars
from exporter.exposition.board import Published
from exporter.exposition.text import Key
from exporter.web.status import text
from exporter.web.status.company_page import HEIGHT, WIDTH, CompanyPage, CompanyQuery
from exporter.web.status.company_rows import ShownCompanies, companies, totals
from exporter.web.status.problems import FailedReload, Level, ReportRow, all_problems, is_fresh, report_problems

if TYPE_CHECKING:
    from jinja2 import Template

CACHED_PAGES = 64  # at most
DOCS = "https://example.org/chat-usage-exporter/docs"
"""Where the folder docs is, with the runbooks in it, as in alert_rules: an example, to which nothing links."""
GRAFANA = "https://grafana.example.org"
"""Likewise, of Grafana."""
GZIP_LEVEL = 4


class Links(NamedTuple):
    """Where the page links to: the folder docs, and Grafana with our dashboards; an empty one is not known."""

    docs: str = DOCS
    grafana: str = ""


NO_LINKS = Links()


class PageState(NamedTuple):
    """What a page is about, whatever its query: `failed_reload` is why the last reload failed, None if it did not."""

    shown: Published
    now: datetime
    next_polls: Mapping[str, datetime | None]
    failed_reload: FailedReload | None = None


@cache
def template() -> "Template":
    """Compiles the page, which takes a tenth of a second: at the first view, not at the start."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 1 MiB that no scrape needs

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        Level=Level, text=text, calendars=calendars, version=__version__, width=WIDTH, height=HEIGHT
    )
    return environment.get_template("status.html.jinja")


class StatusPage:
    """Renders pages and keeps those of the newest publication; used by one thread alone."""

    def __init__(self, assets: Mapping[str, str], links: Links = NO_LINKS) -> None:
        self._links = {"docs": "" if links.docs == DOCS else links.docs, "grafana": links.grafana, "assets": assets}
        self._shown: Published | None = None
        self._fresh: frozenset[Key] = frozenset()
        self._companies = ShownCompanies((), {})
        self._pages: dict[tuple[CompanyQuery, str, FailedReload | None], tuple[bytes, bytes]] = {}

    def page(self, state: PageState, query: CompanyQuery) -> tuple[bytes, bytes]:
        """Returns the page of a query as of the present minute, plain and compressed."""
        fresh = frozenset(key for key, view in state.shown.views.items() if is_fresh(view, state.now))
        if state.shown is not self._shown or fresh != self._fresh:
            self._shown, self._fresh, self._companies = state.shown, fresh, companies(state.shown, fresh)
            self._pages.clear()
        key = query, text.moment(state.now), state.failed_reload
        if key not in self._pages:
            plain = self._render(state, query)
            self._pages[key] = plain, gzip.compress(plain, GZIP_LEVEL)
        while len(self._pages) > CACHED_PAGES:
            del self._pages[next(iter(self._pages))]
        return self._pages[key]

    def _render(self, state: PageState, query: CompanyQuery) -> bytes:
        reports = [ReportRow(view, report_problems(view, state.now)) for _, view in sorted(state.shown.views.items())]
        page = template().render(
            **self._links,
            **state._asdict(),
            query=query,
            reports=reports,
            problems=all_problems(state.shown, reports, state.failed_reload),
            companies=CompanyPage(self._companies, query, state.shown.views),
            totals=tuple(totals(state.shown, self._companies)),
            activities=sorted({name for names in self._companies.activities.values() for name in names}),
        )
        return page.encode()
