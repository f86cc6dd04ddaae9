"""Dropping series above the maximum, by kind, and counting what is shown and dropped."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from exporter.domain.model import Expendable, Family, Sample
from exporter.exposition.text import Chunk, Key

SERIES = "chat_usage_series"
SERIES_HELP = "Series of the source on the page, the exporter's live metrics left out."
DROPPED = "chat_usage_series_dropped"
DROPPED_HELP = "Series of the source that limits.max_series keeps off the page, by what they are."
REASONS = {
    Expendable.CHANNELS: "channels",
    Expendable.OPEN_LABELS: "open_labels",
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
    """Counts the series of each source: those on the page, and those that are kept off it, by kind."""
    shown, dropped = Counter[tuple[str, ...]](), Counter[tuple[str, ...]]()
    for (source, _), found in chunks.items():
        dropped.update({(source, reason): 0 for reason in REASONS.values()})
        for chunk in found:
            if chunk.expendable in dropped_kinds:
                dropped[source, REASONS[chunk.expendable]] += chunk.series
            else:
                shown[(source,)] += chunk.series
    return (
        Family(SERIES, SERIES_HELP, ("source",), _counted(shown)),
        Family(DROPPED, DROPPED_HELP, ("source", "reason"), _counted(dropped)),
    )


def _counted(counts: Mapping[tuple[str, ...], int]) -> tuple[Sample, ...]:
    return tuple(Sample(labels, float(count)) for labels, count in sorted(counts.items()))
