"""Which kinds of series are dropped above the maximum of series or bytes, and the families that count them."""

from collections.abc import Mapping
from typing import NamedTuple

from exporter.domain.model import Expendable, Family

SERIES = Family(
    "chat_usage_series", "Series of the source on /metrics, without the exporter's live metrics.", ("source",)
)
DROPPED = Family(
    "chat_usage_series_dropped",
    "Series of the source dropped because of limits.max_series or limits.max_size, by reason.",
    ("source", "reason"),
)
REASONS = {
    Expendable.CHANNELS: "channels",
    Expendable.LIMITED_LABELS: "open_labels",
    Expendable.MONTH: "28d",
    Expendable.WEEK: "7d",
}
"""Kinds of series in the order in which they are dropped, with their label values."""


class SeriesLimits(NamedTuple):
    """Maximum series of an exposition, and bytes of text."""

    series: int = 2_000_000
    size: int = 512 * 2**20


USUAL_LIMITS = SeriesLimits()
Amounts = Mapping[tuple[str, Expendable], int]  # series or bytes of each source, by kind


def kinds_to_drop(amounts: Amounts, most: int) -> frozenset[Expendable]:
    """Returns the kinds of series to drop so that the rest is at most `most` series or bytes."""
    left, dropped = sum(amounts.values()), set[Expendable]()
    for kind in REASONS:
        if left <= most:
            break
        left -= sum(count for (_, each), count in amounts.items() if each is kind)
        dropped.add(kind)
    return frozenset(dropped)
