"""The families of a report: its figures, unless stale, and its health; and the families of a source.

chat_usage_report_day_timestamp_seconds{source="production",report="chat-sessions"} 1.7724096e+09
chat_usage_config_unmatched_selector_info{source="production",option="companies.exclude",selector="id:12"} 1
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import chain

from exporter.domain import calendars
from exporter.domain.errors import OUTCOMES
from exporter.domain.model import Family, Sample
from exporter.domain.selectors import literal
from exporter.ledger.table import by_number
from exporter.metrics.activities import activity_families
from exporter.metrics.report_view import CompanyIndex, DeferredFamily, ReportView, SourceInfo
from exporter.metrics.usage import SUMS, usage_families
from exporter.platforms.api import INVARIANTS

REPORT_LABELS = ("source", "report")


def families(view: ReportView) -> Iterator[Family]:
    """Yields the families of one report that have samples, one at a time: all would be too large."""
    yield from (family for each in deferred_families(view) if (family := each.made()).samples)


def deferred_families(view: ReportView, among: Collection[str] | None = None) -> Iterator[DeferredFamily]:
    """Yields the families of one report, by default of all companies; whether they have samples shows when made."""
    index = CompanyIndex(view, among)
    figures = iter(()) if view.day_status.stale else usage_families(index)
    found = chain(figures, activity_families(index), map(DeferredFamily, _health(view)))
    return (each for each in found if not any(fnmatchcase(each.family.name, glob) for glob in view.target.excluded))


REPORT_GAUGES: Mapping[str, tuple[str, Callable[[ReportView], float | None]]] = {
    "chat_usage_report_up": ("1 if the last poll of the report succeeded.", lambda v: v.health.outcome == "ok"),
    "chat_usage_report_supported": (
        "1 if the platform has the report, 0 if not; then it is asked once a day.",
        lambda v: v.health.supported,
    ),
    "chat_usage_report_day_timestamp_seconds": (
        "Start of the day that the _last_day families of the report describe, in seconds since 1970.",
        lambda v: calendars.start(day, v.target.rules.zone).timestamp() if (day := v.day_status.last_day) else None,
    ),
    "chat_usage_report_empty_day": (
        "1 while a complete business day without any row waits before it counts as zero.",
        lambda v: v.day_status.empty_day if v.report.has_days else None,
    ),
    "chat_usage_report_companies": (
        "Companies with a row on the last day.",
        lambda v: len(v.ledger.companies_listed(day)) if (day := v.day_status.last_day) else None,
    ),
    "chat_usage_report_companies_withdrawn": (
        "Companies whose rows the platform withdrew; they have no series until it lists them again.",
        lambda v: len(v.ledger.withdrawn),
    ),
    "chat_usage_report_restated_ratio": (
        "Largest share of a complete day that the last poll changed: sum of changes / sum.",
        lambda v: v.health.restated_ratio,
    ),
    "chat_usage_poll_last_attempt_timestamp_seconds": (
        "Time of the report's last poll, in seconds since 1970; 0: never.",
        lambda v: v.health.last_attempt.timestamp() if v.health.last_attempt else 0.0,
    ),
    "chat_usage_poll_last_success_timestamp_seconds": (
        "Time of the report's last successful poll, in seconds since 1970; 0: never.",
        lambda v: v.health.last_success.timestamp() if v.health.last_success else 0.0,
    ),
    "chat_usage_poll_interval_seconds": (
        "Configured time between two polls, in seconds.",
        lambda v: v.health.interval.total_seconds(),
    ),
    "chat_usage_poll_duration_seconds": (
        "Duration of the report's last poll, from the first request to the last answer read, in seconds.",
        lambda v: v.health.duration,
    ),
}
"""HELP and value by name; None is no sample."""
LAST_OUTCOME = Family(
    "chat_usage_poll_last_outcome",
    "1 for the outcome of the report's last poll, 0 for the others.",
    (*REPORT_LABELS, "outcome"),
)

COVERAGE = Family(
    "chat_usage_report_window_coverage_ratio",
    "Share of the window's days that were read after their end, 0 to 1.",
    (*REPORT_LABELS, "window"),
)
RESTATEMENTS = Family(
    "chat_usage_report_restatements_total",
    "Figures (per company, day, measure and label) that changed after they were served as complete.",
    REPORT_LABELS,
    kind="counter",
)

DRIFT = Family(
    "chat_usage_schema_drift",
    "Fields of the last good answer that differ from the documentation: unknown, missing or retyped.",
    (*REPORT_LABELS, "kind"),
)
UNREAD = Family(
    "chat_usage_report_unread",
    "Days of which an item (a component, or a channel by id) could not be read at the last poll.",
    (*REPORT_LABELS, "item"),
)
VIOLATIONS = Family(
    "chat_usage_invariant_violations",
    "Rows of the last good answer that are impossible, by the violated invariant.",
    (*REPORT_LABELS, "invariant"),
)
FIELD_INFO = Family(
    "chat_usage_field_info",
    "Always 1; the platform's description of a field of the report.",
    (*REPORT_LABELS, "field", "unit", "description"),
)
REPORT_FAMILIES = (LAST_OUTCOME, UNREAD, DRIFT, VIOLATIONS, FIELD_INFO, COVERAGE, RESTATEMENTS)


def _health(view: ReportView) -> Iterator[Family]:
    """Yields the health of the report and, once something was read, whether its figures can be trusted."""
    labels, health = (view.target.source, view.report.name), view.health
    by_label: dict[Family, Mapping[str, float]] = {UNREAD: health.unread}  # figures by the family's last label
    by_label[LAST_OUTCOME] = {outcome: health.outcome == outcome for outcome in OUTCOMES}
    if health.read_at is not None:
        by_label[DRIFT] = {kind: health.drift.get(kind, 0) for kind in ("unknown", "missing", "retyped")}
        invariants = dict.fromkeys((*view.report.invariants, *INVARIANTS, *health.violations))
        by_label[VIOLATIONS] = {name: health.violations.get(name, 0) for name in invariants}
        yield replace(FIELD_INFO, samples=tuple(Sample((*labels, *note), 1.0) for note in health.fields))
    if (last := view.day_status.last_day) is not None:
        covered = view.day_status.covered
        by_label[COVERAGE] = {
            each.suffix[1:]: len(covered.intersection(each.ending(last))) / each.days for each in SUMS
        }
    for family, values in by_label.items():
        samples = (Sample((*labels, label), float(value)) for label, value in values.items())
        yield replace(family, samples=tuple(samples))
    yield replace(RESTATEMENTS, samples=(Sample(labels, float(health.restatements)),))
    for name, (text, value_of) in REPORT_GAUGES.items():
        value = value_of(view)
        yield Family(name, text, REPORT_LABELS, () if value is None else (Sample(labels, float(value)),))


SETTLE = Family(
    "chat_usage_settle_seconds", "Configured time after its end when a day is complete, in seconds.", ("source",)
)
COMPANY_INFO = Family(
    "chat_usage_company_info",
    "Always 1; companies of a source; an expected one that was never seen has its selector as id and no name.",
    ("source", "platform", "company_id", "company", "expected"),
)
UNMATCHED = Family(
    "chat_usage_config_unmatched_selectors",
    "Configured selectors that match nothing; one for several sources counts if it matches in none of them.",
    ("source", "option"),
)
UNMATCHED_INFO = Family(
    "chat_usage_config_unmatched_selector_info",
    "Always 1; a configured selector that matches nothing, at most 100 per source.",
    ("source", "option", "selector"),
)
SOURCE_FAMILIES = (SETTLE, COMPANY_INFO, UNMATCHED, UNMATCHED_INFO)
MOST_SELECTORS = 100  # selectors of a source that have a series; all are counted

Unmatched = Mapping[str, Mapping[str, tuple[str, ...]]]  # selectors by source (or glob of sources) and option


def source_families(info: SourceInfo) -> tuple[Family, Family]:
    """Returns the settle time and the companies of a source; `unmatched_families` need all sources."""
    target = info.target
    settle = Sample((target.source,), target.rules.settle.total_seconds())
    expected = {each for each in info.names.items() if target.companies.expects(*each)}
    expected |= {(literal(each), "") for each in info.never_seen}
    here = {each for each in info.names.items() if each[0] not in info.withdrawn}
    companies = [
        Sample((target.source, target.platform, *company, str(company in expected).lower()), 1.0)
        for company in sorted(here | expected, key=lambda each: by_number(each[0]))
    ]
    return replace(SETTLE, samples=(settle,)), replace(COMPANY_INFO, samples=tuple(companies))


def unmatched_everywhere(infos: Collection[SourceInfo]) -> Unmatched:
    """Returns the selectors that match nothing in all of their sources, once these have been read."""
    unmatched = {info.target.source: {each for found in info.unmatched.values() for each in found} for info in infos}
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for info in infos:
        for option, entries in info.unmatched.items():
            found.setdefault(info.target.source, {}).setdefault(option, ())
            for entry in entries:
                holders = [own for source, own in unmatched.items() if fnmatchcase(source, entry.source)]
                if all(entry in own for own in holders):
                    written = found.setdefault(entry.source, {}).get(option, ())
                    found[entry.source][option] = tuple(dict.fromkeys((*written, entry.selector)))
    return found


def unmatched_families(unmatched: Unmatched) -> Iterator[tuple[str, Family]]:
    """Yields the families of each source, or glob of sources."""
    for source, by_option in sorted(unmatched.items()):
        counts = (Sample((source, option), float(len(selectors))) for option, selectors in by_option.items())
        yield source, replace(UNMATCHED, samples=tuple(counts))
        named = [(source, option, each) for option, selectors in sorted(by_option.items()) for each in selectors]
        yield source, replace(UNMATCHED_INFO, samples=tuple(Sample(each, 1.0) for each in named[:MOST_SELECTORS]))
