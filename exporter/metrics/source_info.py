"""What the exposition has once per source, whatever its reports are: companies, settle time, unmatched selectors.

A line of it:

    chat_usage_company_info{source="s",platform="paradigm",company_id="17",company="Northwind",expected="false"} 1.0
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from exporter.domain.model import Family, Sample
from exporter.domain.selectors import Companies
from exporter.ledger.ledger import by_number

SETTLE = Family(
    "chat_usage_settle_seconds", "How long after its end a day of the source is complete, as configured.", ("source",)
)
COMPANY_INFO = Family(
    "chat_usage_company_info",
    "Always 1; the companies of a source, and whether it was expected. Expected and never seen: no name.",
    ("source", "platform", "company_id", "company", "expected"),
)
UNMATCHED = Family(
    "chat_usage_config_unmatched_selectors",
    "Selectors of an option that match nothing the platform lists; absent before the first good poll.",
    ("source", "option"),
)
SOURCE_FAMILIES = (SETTLE, COMPANY_INFO, UNMATCHED)


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """All that the families of a source are made from, whatever its reports are.

    `names` are all companies ever held, `withdrawn` those that no report serves; `listed` are those that the platform
    lists, wanted or not, None before the first good poll. `unmatched` counts by option the selectors that match
    nothing.
    """

    source: str
    platform: str
    settle: timedelta
    companies: Companies
    names: Mapping[str, str]
    withdrawn: frozenset[str]
    listed: Mapping[str, str] | None
    unmatched: Mapping[str, int] = field(default_factory=dict)


def source_families(view: SourceInfo) -> tuple[Family, ...]:
    """Returns the families that a source has once."""
    expected = frozenset(view.companies.expected)
    companies = (
        (company, view.names.get(company, ""), str(company in expected).lower())
        for company in sorted((view.names.keys() - view.withdrawn) | expected, key=by_number)
    )
    samples = {
        SETTLE: [Sample((view.source,), view.settle.total_seconds())],
        COMPANY_INFO: [Sample((view.source, view.platform, *labels), 1.0) for labels in companies],
        UNMATCHED: [Sample((view.source, option), float(count)) for option, count in view.unmatched.items()],
    }
    return tuple(replace(family, samples=tuple(found)) for family, found in samples.items())
