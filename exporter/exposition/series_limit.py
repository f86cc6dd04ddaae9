"""What is dropped above the maximum of series, kind by kind, and the families that tell of it."""

from collections.abc import Mapping

from exporter.domain.model import Expendable, Family

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

SeriesCounts = Mapping[tuple[str, Expendable], int]
"""How many series each source has, by kind."""


def kinds_to_drop(counts: SeriesCounts, max_series: int) -> frozenset[Expendable]:
    """Returns the kinds of series that must go, so that the others are at most `max_series`."""
    left, dropped = sum(counts.values()), set[Expendable]()
    for kind in REASONS:
        if left <= max_series:
            break
        left -= sum(count for (_, each), count in counts.items() if each is kind)
        dropped.add(kind)
    return frozenset(dropped)
