"""The one slot between poller and web: what was published last."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from exporter.domain.model import Family
from exporter.exposition.series_limit import cardinality, too_many
from exporter.exposition.text import EMPTY, Chunk, Key, Page, Quoted, join, write
from exporter.metrics.report_health import View
from exporter.metrics.source_info import SourceView


@dataclass(frozen=True, slots=True)
class Published:
    """What everybody outside the poller may see: the page, and the (source, report) pairs that have served figures.

    `views` and `rosters` are what the page was made from, by source and report, and by source.
    """

    page: Page = field(default_factory=lambda: EMPTY)
    served: frozenset[Key] = frozenset()
    views: Mapping[Key, View] = field(default_factory=dict)
    rosters: Mapping[str, SourceView] = field(default_factory=dict)


class Sheet(NamedTuple):
    """What a source has on the page: families by report, and the names of the reports that have figures there.

    `views` (by report) and `roster` are what the families were made from.
    """

    reports: Mapping[str, Iterable[Family]]
    serves: Iterable[str] = ()
    views: Mapping[str, View] = MappingProxyType({})
    roster: SourceView | None = None


NOTHING = Sheet(MappingProxyType({}))


class Board:
    """The one slot between poller and web. Written by the worker thread alone; `shown` is for anybody."""

    def __init__(self, max_series: int = 2_000_000) -> None:
        self.shown = Published()
        self._max_series = max_series
        self._chunks: Mapping[Key, tuple[Chunk, ...]] = {}

    def publish(self, source: str, reports: Mapping[str, Iterable[Family]], serves: Iterable[str] = ()) -> None:
        """Replaces what some reports of a source have on the page, all at once; `serves` names those with figures."""
        self.put(source, Sheet(reports, serves))

    def put(self, source: str, sheet: Sheet) -> None:
        """Does the same, with what the families were made from."""
        self._show(self._chunks, {source: sheet})

    def replace(self, sheets: Mapping[str, Sheet], max_series: int) -> None:
        """Replaces all that some sources have on the page, in one step; a source with `NOTHING` goes."""
        self._max_series = max_series
        self._show({key: found for key, found in self._chunks.items() if key[0] not in sheets}, sheets)

    def _show(self, kept: Mapping[Key, tuple[Chunk, ...]], sheets: Mapping[str, Sheet]) -> None:
        written = {
            (source, report): tuple(write(family, quoted) for family in families)
            for source, sheet in sheets.items()
            for quoted in (Quoted(),)
            for report, families in sheet.reports.items()
        }
        chunks = {**kept, **written}
        gone = too_many((chunk for found in chunks.values() for chunk in found), self._max_series)
        left = (chunk for key in sorted(chunks) for chunk in chunks[key] if chunk.expendable not in gone)
        counts = (write(family) for family in cardinality(chunks, gone) if family.samples)
        served = self.shown.served | {(source, report) for source, sheet in sheets.items() for report in sheet.serves}
        views = {key: view for key, view in self.shown.views.items() if key in kept}
        views |= {(source, report): view for source, sheet in sheets.items() for report, view in sheet.views.items()}
        rosters = {source: roster for source, roster in self.shown.rosters.items() if (source, "") in kept}
        rosters |= {source: sheet.roster for source, sheet in sheets.items() if sheet.roster is not None}
        self._chunks = chunks
        self.shown = Published(join((*left, *counts)), served & chunks.keys(), views, rosters)
