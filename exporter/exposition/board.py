"""The one slot between poller and web: what was published last."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from exporter.domain.model import Family
from exporter.exposition.series_limit import series_limit
from exporter.exposition.text import EMPTY, Chunk, Key, Page, Quoted, join, write
from exporter.metrics.report_view import ReportView
from exporter.metrics.source_info import SourceInfo


@dataclass(frozen=True, slots=True)
class Published:
    """What is visible outside the poller: the exposition, and the (source, report) pairs that have served figures.

    `views` and `source_infos` are what the exposition was made from, by source and report, and by source.
    """

    page: Page = field(default_factory=lambda: EMPTY)
    served: frozenset[Key] = frozenset()
    views: Mapping[Key, ReportView] = field(default_factory=dict)
    source_infos: Mapping[str, SourceInfo] = field(default_factory=dict)


class RenderedSource(NamedTuple):
    """What is served of a source: families by report; `views` (by report) and `source_info` are what made them."""

    reports: Mapping[str, Iterable[Family]]
    views: Mapping[str, ReportView] = MappingProxyType({})
    source_info: SourceInfo | None = None


NOTHING = RenderedSource(MappingProxyType({}))


class Board:
    """The one slot between poller and web. Written by the worker thread alone; `shown` is for anybody."""

    def __init__(self, max_series: int = 2_000_000) -> None:
        self.shown = Published()
        self._max_series = max_series
        self._chunks: Mapping[Key, tuple[Chunk, ...]] = {}

    def put(self, source: str, rendered: RenderedSource) -> None:
        """Replaces what is served of some reports of a source, all at once."""
        self._show(self._chunks, {source: rendered})

    def replace(self, rendered: Mapping[str, RenderedSource], max_series: int) -> None:
        """Replaces all that is served of some sources, in one step; a source with `NOTHING` goes."""
        self._max_series = max_series
        self._show({key: found for key, found in self._chunks.items() if key[0] not in rendered}, rendered)

    def _show(self, kept: Mapping[Key, tuple[Chunk, ...]], rendered: Mapping[str, RenderedSource]) -> None:
        chunks, served = dict(kept), set(self.shown.served)
        for source, each in rendered.items():
            quoted = Quoted()
            for report, families in each.reports.items():
                found = []
                for family in families:
                    found.append(write(family, quoted))
                    if report and "company_id" in family.label_names:
                        served.add((source, report))
                chunks[source, report] = tuple(found)
        limit = series_limit(chunks, self._max_series)
        left = (chunk for key in sorted(chunks) for chunk in chunks[key] if chunk.expendable not in limit.dropped)
        counts = (write(family) for family in limit.families if family.samples)
        views = {key: view for key, view in self.shown.views.items() if key in kept}
        views |= {(source, report): view for source, each in rendered.items() for report, view in each.views.items()}
        infos = {source: info for source, info in self.shown.source_infos.items() if (source, "") in kept}
        infos |= {source: each.source_info for source, each in rendered.items() if each.source_info is not None}
        self._chunks = chunks
        self.shown = Published(join((*left, *counts)), frozenset(served & chunks.keys()), views, infos)
