"""What is remembered of a report between two polls, and how a poller keeps it beyond its process.

Knows no file and no format: `StateStore` is two callables.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

from exporter.domain.model import Days
from exporter.ledger.ledger import Ledger
from exporter.metrics.health import Health
from exporter.metrics.label_limits import Kept
from exporter.platforms.api import Discoveries


@dataclass(frozen=True, slots=True)
class ReportState:
    """What is remembered of one report between two polls.

    `listed` are the companies of the last good answers, wanted or not, None before the first.
    `past` are the pieces of the held history that the pass after the newest flip has not asked for yet, newest first;
    `flipped` is the last day that this pass belongs to. `kept` are the values that open labels have, by family.
    `discoveries` are what the report learned of its platform. `widened` tells that companies are wanted whose past was
    never held: the next good poll plans the pass anew, and sums wait for its end.
    """

    ledger: Ledger
    health: Health
    listed: Mapping[str, str] | None = None
    past: tuple[Days, ...] = ()
    flipped: date | None = None
    kept: Mapping[str, Kept] = field(default_factory=dict)
    widened: bool = False
    discoveries: Discoveries = field(default_factory=dict)


def nothing() -> Mapping[str, ReportState]:
    """Remembers nothing: a start from empty."""
    return {}


def forget(_states: Mapping[str, ReportState]) -> None:
    """Keeps nothing."""


@dataclass(frozen=True, slots=True)
class StateStore:
    """Where one source's states, by report, come from at the start and go after polls; called in the worker thread."""

    load: Callable[[], Mapping[str, ReportState]] = nothing
    save: Callable[[Mapping[str, ReportState]], None] = forget


NO_STATE = StateStore()
"""Every start is from empty, and the platform is asked for all of it."""
