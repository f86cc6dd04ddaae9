"""Dropping series above the maximum, by kind, and counting what is shown and dropped."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from exporter.domain.model import Expendable, Family, Sample
from exporter.exposition.text import Chunk, Key

SERIES = Family(
    "chat_usage_series", "Series of the source on the page, the exporter's live metrics left out.", ("source",)
)
DROPPED = Family(
    "chat_usage_series_dropped",
    "Series of the source that limits.max_series keeps off the page, by what they are.",
    ("source", "reason"),
)
REASONS = {
    Expendable.CHANNELS: "channels",
    Expendable.LIMITED_LABELS: "open_labels",
    Expendable.MONTH: "28d",
    Expendable.WEEK: "7d",
}


def too_many(chunks: Iterable[Chunk], max_series: int) -> frozenset[Expendable]:
    """Returns the kinds of series that must go, in their order, so that the others are at most `max_series`.

    What is never expendable stays, however many that is.
    """
    counts = Counter[Expendable]()
    for chunk in chunks:
        counts[chunk.expendable] += chunk.series
    dropped: set[Expendable] = set()
    for kind in REASONS:
        if counts.total() <= max_series:
            break
        del counts[kind]
        dropped.add(kind)
    return frozenset(dropped)


def cardinality(chunks: Mapping[Key, Sequence[Chunk]], dropped_kinds: frozenset[Expendable]) -> tuple[Family, Family]:
    """Counts the series of each source: those served, and those dropped, by kind."""
    shown, dropped = Counter[tuple[str, ...]](), Counter[tuple[str, ...]]()
    for (source, _), found in chunks.items():
        dropped.update({(source, reason): 0 for reason in REASONS.values()})
        for chunk in found:
            if chunk.expendable in dropped_kinds:
                dropped[source, REASONS[chunk.expendable]] += chunk.series
            else:
                shown[(source,)] += chunk.series
    return replace(SERIES, samples=_counted(shown)), replace(DROPPED, samples=_counted(dropped))


def _counted(counts: Mapping[tuple[str, ...], int]) -> tuple[Sample, ...]:
    return tuple(Sample(labels, float(count)) for labels, count in sorted(counts.items()))
