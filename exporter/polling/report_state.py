"""The state of a report between polls, and where it is stored; knows no file format."""

from collections.abc import Callable, Mapping
from datetime import date

from msgspec import Struct

from exporter.domain.model import Days
from exporter.ledger.ledger import Ledger
from exporter.metrics.label_limits import Kept
from exporter.metrics.target import Health
from exporter.platforms.api import Discoveries


class ReportState(Struct, frozen=True):
    """The state of one report between polls.

    `listed` are the companies of the last good answers, wanted or not, None before the first. `to_refresh` are
    the pieces that the refresh pass still has to ask for, newest first; `refreshed_for` is its last day. `kept`
    are values of limited labels, by family. `widened`: newly wanted companies lack their past, so the next good
    poll starts a new pass, and sums wait for it.
    """

    ledger: Ledger
    health: Health
    listed: Mapping[str, str] | None = None
    to_refresh: tuple[Days, ...] = ()
    refreshed_for: date | None = None
    kept: Mapping[str, Kept] = {}
    widened: bool = False
    discoveries: Discoveries = {}


class StateStore(Struct, frozen=True):
    """Loads one source's states, by report, and saves them after polls; called in the worker thread."""

    load: Callable[[], Mapping[str, ReportState]]
    save: Callable[[Mapping[str, ReportState]], None]
