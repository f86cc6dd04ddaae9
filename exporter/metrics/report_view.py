"""All that the families of one report of one source are made from; knows no family and no window."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from exporter.ledger.day_status import DayRules, DayStatus
from exporter.ledger.ledger import Ledger
from exporter.metrics.health import Health
from exporter.metrics.label_limits import Kept, LabelLimits
from exporter.metrics.limits import CompanyLimits
from exporter.platforms.api import NO_DISCOVERIES, Discoveries, Report


@dataclass(frozen=True, slots=True)
class ReportView:
    """The held days of one report of one source with their status, how its polls go, and what its operator set.

    `label_limits` says how many values limited labels may have, `kept` which they have, by family; figures about fewer
    than `min_group` people are not served, but 0 is. Families whose names match a glob of `excluded` are not served.
    """

    source: str
    report: Report
    ledger: Ledger
    day_status: DayStatus
    health: Health
    rules: DayRules
    label_limits: LabelLimits = field(default_factory=LabelLimits)
    kept: Mapping[str, Kept] = field(default_factory=dict)
    min_group: int = 0
    excluded: tuple[str, ...] = ()
    company_limits: CompanyLimits = field(default_factory=CompanyLimits)
    discoveries: Discoveries = field(default_factory=lambda: NO_DISCOVERIES)
