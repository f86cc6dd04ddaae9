"""What is polled of one source; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from exporter.domain.scope import Scope
from exporter.domain.selectors import Companies, Entry, Selection
from exporter.ledger.day_status import DayRules
from exporter.metrics.label_limits import LabelLimits
from exporter.metrics.limits import CompanyLimits
from exporter.platforms.api import Report


@dataclass(frozen=True, slots=True)
class Target:
    """One source as the poller knows it.

    The platform may lack reports that are not `required`. `limits` are those of limited labels, `min_group` of
    people. `selections` are the platform's own, by name, each for the discovery of that name. `selectors` are
    those in `company_limits`, by option.
    """

    source: str
    platform: str
    reports: tuple[Report, ...]
    scope: Scope
    rules: DayRules
    interval: timedelta
    companies: Companies = field(default_factory=Companies)
    required: frozenset[str] = frozenset()
    limits: LabelLimits = field(default_factory=LabelLimits)
    min_group: int = 0
    excluded: tuple[str, ...] = ()
    selections: Mapping[str, Selection] = field(default_factory=dict)
    company_limits: CompanyLimits = field(default_factory=CompanyLimits)
    selectors: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)
