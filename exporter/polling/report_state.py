"""The state of a report between two polls, and where it is kept beyond its process; knows no file and no format."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

from exporter.domain.model import Days
from exporter.ledger.ledger import Ledger
from exporter.metrics.label_limits import Kept
from exporter.metrics.report_view import Health
from exporter.platforms.api import Discoveries


@dataclass(frozen=True, slots=True)
class ReportState:
    """What is known of one report between two polls.

    `listed` are the companies of the last good answers, wanted or not, None before the first.
    `to_refresh` are the pieces of the held days that the refresh pass has not asked for yet, newest first;
    `refreshed_for` is the last day that this pass belongs to. `kept` are the values that limited labels have, by
    family. `discoveries` are those of the platform. `widened` says that companies are wanted whose past was never
    held: the next good poll plans the pass anew, and sums wait for its end.
    """

    ledger: Ledger
    health: Health
    listed: Mapping[str, str] | None = None
    to_refresh: tuple[Days, ...] = ()
    refreshed_for: date | None = None
    kept: Mapping[str, Kept] = field(default_factory=dict)
    widened: bool = False
    discoveries: Discoveries = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StateStore:
    """Loads one source's states, by report, at the start and saves them after polls; called in the worker thread."""

    load: Callable[[], Mapping[str, ReportState]]
    save: Callable[[Mapping[str, ReportState]], None]
