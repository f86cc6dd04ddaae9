"""The one slot between poller and web: what was published last. Reuses lines of unchanged families and companies."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import replace
from datetime import date
from functools import cache, partial

from msgspec import Struct, structs

from exporter.domain.model import Expendable, Sample
from exporter.exposition.series_limit import USUAL_LIMITS, PageLimits, counted, kinds_to_drop
from exporter.exposition.text import EMPTY, Chunk, Key, Page, Quoted, join, write
from exporter.ledger.ledger import Ledger
from exporter.metrics.report_health import Unmatched, deferred_families, unmatched_everywhere, unmatched_families
from exporter.metrics.report_view import DeferredFamily, ReportView, SourceInfo
from exporter.metrics.target import Health


class Published(Struct, frozen=True):
    """What is visible outside the poller: the exposition, and the (source, report) pairs that have served figures.

    `views` and `source_infos` are what it was made from; `unmatched` are selectors that match nothing.
    """

    page: Page = EMPTY
    served: frozenset[Key] = frozenset()
    views: Mapping[Key, ReportView] = {}
    source_infos: Mapping[str, SourceInfo] = {}
    unmatched: Unmatched = {}


class RenderedSource(Struct, frozen=True):
    """The families of a source by report, and the `views` and `source_info` that they were made from."""

    reports: Mapping[str, Iterable[DeferredFamily]]
    views: Mapping[str, ReportView] = {}
    source_info: SourceInfo | None = None


NOTHING = RenderedSource({})


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
        chunks, views = dict(kept), {key: view for key, view in self.shown.views.items() if key in kept}
        infos = {source: info for source, info in self.shown.source_infos.items() if (source, "") in kept}
        for source, each in rendered.items():
            chunks |= self._written(source, each, kept)
            views |= {(source, report): view for report, view in each.views.items()}
            infos |= {} if each.source_info is None else {source: each.source_info}
        served = {
            (source, report)
            for (source, report), written in chunks.items()
            if report and any(chunk.series and chunk.family.has_companies for chunk in written)
        }
        unmatched = unmatched_everywhere(infos.values())
        page = _page(chunks, unmatched, limits)
        self.shown = Published(page, self.shown.served & chunks.keys() | served, views, infos, unmatched)
        self._chunks, self.limits = chunks, limits

    def _written(
        self, source: str, rendered: RenderedSource, kept: Mapping[Key, tuple[Chunk, ...]]
    ) -> Mapping[Key, tuple[Chunk, ...]]:
        """Returns the lines of the families of a source; `kept` are those that were written before."""
        written, quoted = dict[Key, tuple[Chunk, ...]](), Quoted()
        for report, families in rendered.reports.items():
            key = source, report
            was, now = self.shown.views.get(key), rendered.views.get(report)
            if was and now:
                written[key] = tuple(_with_changes(kept.get(key, ()), was, now, families, quoted))
            elif report or key not in kept or rendered.source_info != self.shown.source_infos.get(source):
                written[key] = tuple(write(each.made(), quoted, each.days) for each in families)
        return written


def _with_changes(
    chunks: Iterable[Chunk], was: ReportView, now: ReportView, families: Iterable[DeferredFamily], quoted: Quoted
) -> Iterator[Chunk]:
    """Writes the families of a report; of lines that were written before, only those of changed companies anew.

    `was` and `now` are the report's views when the `chunks` were written, and now.
    """
    changed = _changed_companies(was, now)
    before = {} if changed is None else {chunk.family.name: chunk for chunk in chunks}
    of_before, of_now = (cache(partial(_of_companies, view)) for view in (was, now))
    for each in families:
        chunk, updated = before.get(each.family.name), None
        if changed is not None and chunk and chunk.days is not None and chunk.days == each.days:
            companies = frozenset[str]().union(*(changed[day] for day in chunk.days & changed.keys()))
            if not companies:
                updated = chunk
            elif len(companies) <= len(now.ledger.names) / 2:  # else all lines are made anew
                earlier, some = (of_view(companies)[each.family.name] for of_view in (of_before, of_now))
                updated = _updated(chunk, companies, earlier, some, quoted)
        yield updated or write(each.made(), quoted, each.days)


def _changed_companies(was: ReportView, now: ReportView) -> Mapping[date, Set[str]] | None:
    """Returns the companies whose rows changed, by day; None if settings, companies or columns changed too.

    This is fast, since most of them are the same objects.
    """
    alike = []
    for view in (was, now):
        ledger, status = view.ledger, structs.replace(view.day_status, today=None, running=None)
        health = Health(view.health.interval, history=view.health.history)
        rest = structs.replace(view, ledger=Ledger(), day_status=status, health=health)
        alike.append((rest, ledger.names, ledger.withdrawn, ledger.first_days, ledger.columns()))
    if alike[0] != alike[1]:
        return None
    parts, (old, new) = now.ledger.first_days, (was.ledger, now.ledger)
    days = [day for day in old.blocks.keys() | new.blocks.keys() if old.blocks.get(day) is not new.blocks.get(day)]
    return {
        day: set[str]().union(*(new.table(day, part).changed_since(old.table(day, part)) for part in parts))
        for day in days
    }


def _of_companies(view: ReportView, companies: frozenset[str]) -> Mapping[str, DeferredFamily]:
    return {each.family.name: each for each in deferred_families(view, companies)}


def _updated(
    chunk: Chunk, companies: Set[str], was: DeferredFamily, now: DeferredFamily, quoted: Quoted
) -> Chunk | None:
    """Returns a chunk with the present figures of some companies; None if it must be made anew.

    `was` and `now` are its family with these companies alone, when it was written, and now.
    """
    some = now.made()
    if chunk.family.has_companies:
        return chunk.with_companies(write(some, quoted), companies)
    counts = Counter(dict(chunk.family.samples))
    counts.update(dict(some.samples))
    counts.subtract(dict(was.made().samples))
    is_alike = all(counts.values()) and len(counts) == len(chunk.family.samples)
    samples = tuple(Sample(labels, count) for labels, count in counts.items())
    return write(replace(some, samples=samples), quoted, chunk.days) if is_alike else None


def _page(chunks: Mapping[Key, tuple[Chunk, ...]], unmatched: Unmatched, limits: PageLimits) -> Page:
    """Puts the lines of all sources together, with families that count them; drops some above the limits."""
    sources = {source for source, _ in chunks}
    every = [(source, chunk) for (source, _), written in sorted(chunks.items()) for chunk in written]
    for source in sorted(sources | unmatched.keys()):
        every += [(source, write(each)) for each in unmatched_families(source, unmatched.get(source, {}))]
    counts, sizes = Counter[tuple[str, Expendable]](), Counter[tuple[str, Expendable]]()
    for source, chunk in every:
        if source in sources:
            counts[source, chunk.family.expendable] += chunk.series
            sizes[source, chunk.family.expendable] += len(chunk.piece.plain)
    dropped = kinds_to_drop(counts, limits.series) | kinds_to_drop(sizes, limits.size)
    left = (chunk for _, chunk in every if chunk.series and chunk.family.expendable not in dropped)
    counts_of_series = (write(each) for each in counted(sources, counts, dropped) if each.samples)
    return join((*left, *counts_of_series))
