"""The one slot between poller and web: what was published last. Reuses lines of unchanged families and companies."""

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple

from exporter.domain.model import Expendable, Family, Sample
from exporter.exposition.series_limit import DROPPED, REASONS, SERIES, USUAL_LIMITS, Amounts, PageLimits, kinds_to_drop
from exporter.exposition.text import EMPTY, Chunk, Key, Page, Quoted, join, write
from exporter.metrics.report_health import deferred_families
from exporter.metrics.report_view import DeferredFamily, ReportView, SourceInfo, Tables, changed_companies
from exporter.metrics.unmatched import Unmatched, everywhere, unmatched_families

MOST_CHANGED = 0.5
"""Up to this share of changed companies lines are updated; above it all are made anew."""
SELECTORS = " selectors"
"""The key, instead of a report, of the families about a source's selectors; no report has this name."""


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
                was, now = self.shown.views.get((source, report)), each.views.get(report)
                before = _Report(kept.get((source, report), ()), was, now, quoted)
                chunks[source, report] = tuple(before.written(families))
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


class _Report:
    """Writes the families of a report; of lines that were written before, only those of changed companies anew.

    `was` and `now` are the report's views when the lines were written, and now.
    """

    def __init__(self, chunks: Iterable[Chunk], was: ReportView | None, now: ReportView | None, quoted: Quoted) -> None:
        self._chunks = {chunk.family: chunk for chunk in chunks}
        self._was, self._now = was, now
        self._quoted = quoted
        self._common: tuple[object, object, bool] = None, None, True  # mostly the same two as of the family before
        self._differing: dict[tuple[int, int], Set[str]] = {}
        self._some: dict[tuple[bool, frozenset[str]], Mapping[str, Family | DeferredFamily]] = {}

    def written(self, families: Iterable[Family | DeferredFamily]) -> Iterator[Chunk]:
        for each in families:
            if isinstance(each, DeferredFamily):
                yield (self._updated(each) or write(each.made(), self._quoted))._replace(made_from=each.made_from)
            else:
                yield write(each, self._quoted)

    def _updated(self, each: DeferredFamily) -> Chunk | None:
        """Returns the lines of a family as they were written before, and updated; None if they must be made anew."""
        chunk, now = self._chunks.get(each.name), each.made_from
        if chunk is None or chunk.made_from is None or now is None:
            return None
        was = chunk.made_from
        if self._common[0] is not was.common or self._common[1] is not now.common:
            self._common = was.common, now.common, was.common == now.common
        if not self._common[2] or was.days.keys() != now.days.keys():
            return None
        changed = frozenset[str]().union(*(self._changed(was.days[day], tables) for day, tables in now.days.items()))
        return self._with_companies(chunk, each.name, changed) if changed else chunk

    def _with_companies(self, chunk: Chunk, family: str, companies: frozenset[str]) -> Chunk | None:
        """Returns a chunk with the present figures of some companies; None if it must be made anew."""
        if self._was is None or self._now is None or len(companies) > MOST_CHANGED * len(self._now.ledger.names):
            return None
        some = self._of(self._now, companies)[family].made()
        if chunk.has_companies:
            return chunk.with_companies(write(some, self._quoted), companies)
        counts = Counter(dict(chunk.samples))
        counts.update(dict(some.samples))
        counts.subtract(dict(self._of(self._was, companies)[family].made().samples))
        is_alike = all(counts.values()) and len(counts) == len(chunk.samples)
        samples = tuple(Sample(labels, count) for labels, count in counts.items())
        return write(replace(some, samples=samples), self._quoted) if is_alike else None

    def _changed(self, before: Tables, now: Tables) -> Set[str]:
        """Returns the companies whose rows of a day differ; cached, since families share days."""
        if before is now:
            return frozenset()
        key = id(before), id(now)
        if key not in self._differing:
            self._differing[key] = changed_companies(before, now)
        return self._differing[key]

    def _of(self, view: ReportView, companies: frozenset[str]) -> Mapping[str, Family | DeferredFamily]:
        """Returns the families of some companies, by name."""
        key = view is self._now, companies
        if key not in self._some:
            self._some[key] = {each.name: each for each in deferred_families(view, companies)}
        return self._some[key]


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
