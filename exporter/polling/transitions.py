"""What a start or new settings make of the states of reports, and when these are due; pure, moments are arguments."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec.structs import replace

from exporter.ledger.ledger import narrowed
from exporter.metrics.target import ReportState, Target


def taken_over(states: Mapping[str, ReportState], old: Target, new: Target) -> Mapping[str, ReportState]:
    """Returns what new settings, or those of a start, keep of the same platform's reports, by name."""
    kept: dict[str, ReportState] = {}
    widened = not new.companies.within(old.companies)
    for name, state in ((report.name, states[report.name]) for report in new.reports if report.name in states):
        health = replace(state.health, interval=new.interval)
        kept[name] = replace(state, ledger=narrowed(state.ledger, new.companies.wants), health=health)
        if widened or new.rules.keep_days > old.rules.keep_days:
            kept[name] = replace(kept[name], to_refresh=(), refreshed_for=None, widened=state.widened or widened)
    return kept


def due_at(states: Iterable[ReportState], now: datetime) -> datetime:
    """Returns when the next poll is due: at once if a report, past days or a company were never asked for."""
    due = []
    for state in states:
        if state.to_refresh or state.widened or state.health.last_attempt is None:
            return now
        due.append(state.health.last_attempt + state.health.interval)
    return max(now, min(due))
