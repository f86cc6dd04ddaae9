"""The one slot between poller and web: what was published last."""

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple

from exporter.domain.model import DeferredFamily, Expendable, Family, Sample
from exporter.exposition.series_limit import DROPPED, REASONS, SERIES, USUAL_LIMITS, Amounts, PageLimits, kinds_to_drop
from exporter.exposition.text import EMPTY, Chunk, Key, Page, Quoted, join, write
from exporter.metrics.report_view import ReportView, SourceInfo
from exporter.metrics.unmatched import Unmatched, everywhere, unmatched_families

SELECTORS = " selectors"
"""Stands for a report in what is known of all sources' selectors; no report has this name."""


@dataclass(frozen=True, slots=True)
class Published:
    """What is visible outside the poller: the exposition, and the (source, report) pairs that have served figures.

    `views` and `source_infos` are what it was made from; `unmatched` are selectors that match nothing.
    """

    page: Page = field(default_factory=lambda: EMPTY)
    served: frozenset[Key] = frozenset()
    views: Mapping[Key, ReportView] = field(default_factory=dict)
    source_infos: Mapping[str, SourceInfo] = field(default_factory=dict)
    unmatched: Unmatched = field(default_factory=dict)


class RenderedSource(NamedTuple):
    """The families of a source by report, and the `views` and `source_info` that they were made from."""

    reports: Mapping[str, Iterable[Family | DeferredFamily]]
    views: Mapping[str, ReportView] = MappingProxyType({})
    source_info: SourceInfo | None = None


NOTHING = RenderedSource(MappingProxyType({}))


class Board:
    """The slot itself, written by the worker thread alone; `shown` may be read anywhere."""

    def __init__(self, limits: PageLimits = USUAL_LIMITS) -> None:
        self.shown = Published()
        self.limits = limits
        self._chunks: Mapping[Key, tuple[Chunk, ...]] = {}

    def put(self, source: str, rendered: RenderedSource) -> None:
        """Replaces some reports of a source at once."""
        self._show(self._chunks, {source: rendered}, self.limits)

    def replace(self, rendered: Mapping[str, RenderedSource], limits: PageLimits) -> None:
        """Replaces sources in one step or not at all; `NOTHING` removes a source."""
        kept = {key: found for key, found in self._chunks.items() if key[0] not in rendered}
        self._show(kept, rendered, limits)

    def _show(
        self, kept: Mapping[Key, tuple[Chunk, ...]], rendered: Mapping[str, RenderedSource], limits: PageLimits
    ) -> None:
        chunks, served = dict(kept), set(self.shown.served)
        views = {key: view for key, view in self.shown.views.items() if key in kept}
        infos = {source: info for source, info in self.shown.source_infos.items() if (source, "") in kept}
        for source, each in rendered.items():
            views |= {(source, report): view for report, view in each.views.items()}
            infos |= {} if each.source_info is None else {source: each.source_info}
            quoted = Quoted()
            for report, families in each.reports.items():
                chunks[source, report] = tuple(_written(families, kept.get((source, report), ()), quoted))
                if report and any(chunk.series and chunk.has_companies for chunk in chunks[source, report]):
                    served.add((source, report))
        unmatched = everywhere(infos.values())
        chunks = {key: written for key, written in chunks.items() if key[1] != SELECTORS}
        sources = {source for source, _ in chunks}
        for source in infos.keys() | unmatched.keys():
            counts_of_all, named = unmatched_families(source, unmatched.get(source, {}))
            chunks[source, SELECTORS] = (write(counts_of_all), *([write(named)] if named.samples else []))
        counts, sizes = Counter[tuple[str, Expendable]](), Counter[tuple[str, Expendable]]()
        for (source, _), written in chunks.items():
            for chunk in written if source in sources else ():
                counts[source, chunk.expendable] += chunk.series
                sizes[source, chunk.expendable] += len(chunk.piece.plain)
        dropped = kinds_to_drop(counts, limits.series) | kinds_to_drop(sizes, limits.size)
        left = (
            chunk for key in sorted(chunks) for chunk in chunks[key] if chunk.series and chunk.expendable not in dropped
        )
        counted = (write(each) for each in _counted(sources, counts, dropped) if each.samples)
        page = join((*left, *counted))
        self.shown = Published(page, frozenset(served & chunks.keys()), views, infos, unmatched)
        self._chunks, self.limits = chunks, limits


def _written(families: Iterable[Family | DeferredFamily], before: Iterable[Chunk], quoted: Quoted) -> Iterator[Chunk]:
    """Yields written families; reuses the lines of families that are made from the same as before."""
    old = {chunk.family: chunk for chunk in before}
    compared: tuple[object, object, bool] = None, None, True  # mostly the same two as for the family before
    for each in families:
        chunk = old.get(each.name)
        if each.made_from and chunk and chunk.made_from:
            (was, *others_were), (is_now, *others_are) = chunk.made_from, each.made_from
            if compared[0] is not was or compared[1] is not is_now:
                compared = was, is_now, was == is_now
            if compared[2] and others_were == others_are:
                yield chunk
                continue
        yield write(each.made(), quoted)._replace(made_from=each.made_from)


def _counted(sources: Iterable[str], counts: Amounts, dropped: Container[Expendable]) -> tuple[Family, Family]:
    served = Counter[tuple[str, ...]]()
    gone = Counter[tuple[str, ...]]({(source, reason): 0 for source in sources for reason in REASONS.values()})
    for (source, kind), count in counts.items():
        if kind in dropped:
            gone[source, REASONS[kind]] += count
        else:
            served[(source,)] += count
    series, series_dropped = (
        replace(family, samples=tuple(Sample(labels, float(count)) for labels, count in sorted(found.items())))
        for family, found in ((SERIES, served), (DROPPED, gone))
    )
    return series, series_dropped
