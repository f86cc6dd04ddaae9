"""Counting the series of the exposition, and dropping those above the maximum, kind by kind."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

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
"""What is dropped, in this order, by its name; what is never expendable stays, however many series that is."""


class SeriesLimit(NamedTuple):
    """The kinds of series that must go, so that the others are at most the maximum, and what is counted per source."""

    dropped: frozenset[Expendable]
    families: tuple[Family, Family]


def series_limit(chunks: Mapping[Key, Sequence[Chunk]], max_series: int) -> SeriesLimit:
    """Counts the series of each source: those served, and those dropped, by kind."""
    counts = Counter[tuple[str, Expendable]]()
    for (source, _), found in chunks.items():
        for chunk in found:
            counts[source, chunk.expendable] += chunk.series
    left, kinds = counts.total(), set[Expendable]()
    for kind in REASONS:
        if left <= max_series:
            break
        left -= sum(count for (_, each), count in counts.items() if each is kind)
        kinds.add(kind)
    shown = Counter[tuple[str]]()
    dropped = Counter({(source, reason): 0 for source, _ in chunks for reason in REASONS.values()})
    for (source, kind), count in counts.items():
        if kind in kinds:
            dropped[source, REASONS[kind]] += count
        else:
            shown[(source,)] += count
    series = tuple(Sample(labels, float(count)) for labels, count in sorted(shown.items()))
    gone = tuple(Sample(labels, float(count)) for labels, count in sorted(dropped.items()))
    return SeriesLimit(frozenset(kinds), (replace(SERIES, samples=series), replace(DROPPED, samples=gone)))
