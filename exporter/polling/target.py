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
    """One source as the poller knows it: what to ask, whom to hold, what days mean, which families are unwanted.

    The platform may lack a report that is not `required`. `limits` hold for limited labels, `min_group` for people.
    `selections` are those among the platform's own options, by name; they select from the discovery of that name.
    `company_limits` has the limits of activities and the calendars of companies; `selectors` are those in it, by
    option.
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
