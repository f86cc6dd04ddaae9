"""Where the results of polls go: the board, telemetry, the log, a store of states; knows no file format."""

import asyncio
import logging
from collections.abc import Callable, Mapping

from msgspec import Struct, field

from exporter.domain.threads import Worker
from exporter.domain.wording import enumerated, printable
from exporter.exposition.board import Board
from exporter.exposition.telemetry import Telemetry
from exporter.metrics.report_health import Unmatched
from exporter.metrics.target import ReportState

log = logging.getLogger(__name__)

MOST_SELECTORS = 50
"""Selectors that one line names."""


class SelectorLog(Struct):
    """Logs selectors that match nothing, once until they change or the configuration is reloaded."""

    logged: Unmatched = {}

    def note(self, unmatched: Unmatched, *, reloaded: bool = False) -> None:
        """Logs one line per source and option with new unmatched selectors; all are new after a reload."""
        before, self.logged = {} if reloaded else self.logged, unmatched
        for source, by_option in sorted(unmatched.items()):
            for option, selectors in sorted(by_option.items()):
                known = before.get(source, {}).get(option, ())
                if new := [printable(each) for each in selectors if each not in known]:
                    fields = {"source": source, "option": option, "selectors": enumerated(new, MOST_SELECTORS)}
                    log.warning("selectors match nothing", extra=fields)


class PollOutputs(Struct, frozen=True):
    """Where results go; one source at a time holds `refresh_lock`, so that a start causes no burst of requests.

    `release_memory` is called after a refresh pass, whose answers are the largest.
    """

    board: Board
    telemetry: Telemetry
    worker: Worker
    refresh_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    selector_log: SelectorLog = field(default_factory=SelectorLog)
    release_memory: Callable[[], None] = lambda: None


class StateStore(Struct, frozen=True):
    """Loads one source's states, by report, and saves them after polls; called in the worker thread."""

    load: Callable[[], Mapping[str, ReportState]]
    save: Callable[[Mapping[str, ReportState]], None]
