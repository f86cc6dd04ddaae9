"""The one slot between poller and web: what was published last. Reuses lines of unchanged families and companies."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from datetime import date, datetime
from functools import cache, partial

from msgspec import Struct, structs

from exporter.domain.model import Expendable, Sample
from exporter.exposition.series_limit import DROPPED, REASONS, SERIES, USUAL_LIMITS, SeriesLimits, kinds_to_drop
from exporter.exposition.text import EMPTY, Chunk, Exposition, Key, Quoted, join, write
from exporter.ledger.ledger import Ledger
from exporter.metrics.report_health import (
    Unmatched,
    deferred_families,
    source_families,
    unmatched_everywhere,
    unmatched_families,
)
from exporter.metrics.report_view import DeferredFamily, ReportView, SourceInfo, source_view, view
from exporter.metrics.target import Health, ReportState, Target
from exporter.platforms.api import Report


class Published(Struct, frozen=True):
    """What is visible outside the poller: the exposition, and the (source, report) pairs that have served figures.

    `views` and `source_infos` are what it was made from; `unmatched` are selectors that match nothing.
    """

    exposition: Exposition = EMPTY
    served: frozenset[Key] = frozenset()
    views: Mapping[Key, ReportView] = {}
    source_infos: Mapping[str, SourceInfo] = {}
    unmatched: Unmatched = {}


class RenderedSource(Struct, frozen=True):
    """The families of a source by report, the `views` that they are made from, and what all reports know of it."""

    reports: Mapping[str, Iterable[DeferredFamily]]
    views: Mapping[str, ReportView] = {}
    source_info: SourceInfo | None = None


NOTHING = RenderedSource({})


def rendered(
    target: Target, states: Mapping[str, ReportState], reports: Iterable[Report], now: datetime
) -> RenderedSource:
    """Renders some reports of a source; families are made once, on demand."""
    views = {report.name: view(target, report, states[report.name], now) for report in reports}
    source_info = source_view(target, states)
    by_report = {name: deferred_families(each) for name, each in views.items()}
    return RenderedSource(by_report, views, source_info)


class Board:
    """The slot itself, written by the worker thread alone; `shown` may be read anywhere."""

    def __init__(self, limits: SeriesLimits = USUAL_LIMITS) -> None:
        self.shown = Published()
        self.limits = limits
        self._chunks: Mapping[Key, tuple[Chunk, ...]] = {}
        self._unmatched: Sequence[tuple[str, Chunk]] = ()  # by source, or glob of sources

    def put(self, source: str, rendered: RenderedSource) -> None:
        """Replaces some reports of a source at once."""
        self._show(self._chunks, {source: rendered}, self.limits)

    def replace(self, rendered: Mapping[str, RenderedSource], limits: SeriesLimits) -> None:
        """Replaces sources in one step or not at all; `NOTHING` removes a source."""
        kept = {key: found for key, found in self._chunks.items() if key[0] not in rendered}
        self._show(kept, rendered, limits)

    def _show(
        self, kept: Mapping[Key, tuple[Chunk, ...]], rendered: Mapping[str, RenderedSource], limits: SeriesLimits
    ) -> None:
        before, chunks = self.shown, dict(kept)
        views = {key: view for key, view in before.views.items() if key in kept}
        infos = {source: info for source, info in before.source_infos.items() if (source, "") in kept}
        for source, each in rendered.items():
            for report, families in each.reports.items():
                key, now = (source, report), each.views.get(report)
                chunks[key] = tuple(_written(families, kept.get(key, ()), before.views.get(key), now))
            views |= {(source, report): view for report, view in each.views.items()}
            if (info := each.source_info) and info != infos.get(source):
                chunks[source, ""] = tuple(map(write, source_families(info)))
                infos[source] = info
        served = {
            (source, report)
            for (source, report), written in chunks.items()
            if report and any(chunk.series and chunk.family.has_companies for chunk in written)
        }
        unmatched, unmatched_chunks = before.unmatched, self._unmatched
        if infos != before.source_infos:
            unmatched = unmatched_everywhere(infos.values())
            unmatched_chunks = [(source, write(family)) for source, family in unmatched_families(unmatched)]
        exposition = _exposition(chunks, unmatched_chunks, limits)
        self.shown = Published(exposition, before.served & chunks.keys() | served, views, infos, unmatched)
        self._chunks, self._unmatched, self.limits = chunks, unmatched_chunks, limits


def _written(
    families: Iterable[DeferredFamily], chunks: Iterable[Chunk], was: ReportView | None, now: ReportView | None
) -> Iterator[Chunk]:
    """Writes families; of lines of a report that were written before, only those of changed companies anew.

    `was` and `now` are the report's views when the `chunks` were written, and now.
    """
    quoted = Quoted()
    if not was or not now or (changed := _changed_companies(was, now)) is None:
        yield from (write(each.made(), quoted, each.days) for each in families)
        return
    before = {chunk.family.name: chunk for chunk in chunks}
    of_before, of_now = (cache(partial(_of_companies, each)) for each in (was, now))
    for each in families:
        chunk, updated = before.get(each.family.name), None
        if chunk and each.days is not None and each.days == chunk.days:
            companies = frozenset[str]().union(*(changed[day] for day in each.days & changed.keys()))
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
    for each in (was, now):
        ledger, status = each.ledger, structs.replace(each.day_status, today=None, running=None)
        health = Health(each.health.interval, history=each.health.history)
        rest = structs.replace(each, ledger=Ledger(), day_status=status, health=health)
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


def _exposition(
    chunks: Mapping[Key, tuple[Chunk, ...]], unmatched: Iterable[tuple[str, Chunk]], limits: SeriesLimits
) -> Exposition:
    """Puts the lines of all sources together, with families that count them; drops some above the limits."""
    sources = {source for source, _ in chunks}
    every = [(source, chunk) for (source, _), written in sorted(chunks.items()) for chunk in written]
    every += unmatched
    counts, sizes = Counter[tuple[str, Expendable]](), Counter[tuple[str, Expendable]]()
    for source, chunk in every:
        if source in sources:
            counts[source, chunk.family.expendable] += chunk.series
            sizes[source, chunk.family.expendable] += len(chunk.piece.plain)
    dropped = frozenset[Expendable]()
    if counts.total() > limits.series or sizes.total() > limits.size:
        dropped = kinds_to_drop(counts, limits.series) | kinds_to_drop(sizes, limits.size)
    left = [chunk for _, chunk in every if chunk.series and chunk.family.expendable not in dropped]
    served = Counter[tuple[str, ...]]({(source,): 0 for source in sources})
    gone = Counter[tuple[str, ...]]({(source, reason): 0 for source in sources for reason in REASONS.values()})
    for (source, kind), count in counts.items():
        if kind in dropped:
            gone[source, REASONS[kind]] += count
        else:
            served[(source,)] += count
    for family, found in ((SERIES, served), (DROPPED, gone)) if sources else ():
        samples = tuple(Sample(labels, float(count)) for labels, count in sorted(found.items()))
        left.append(write(replace(family, samples=samples)))
    return join(left)
