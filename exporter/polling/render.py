"""Renders a source for its readers: families for the exposition, lines for the log; every moment is an argument."""

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from exporter.domain.selectors import Entry, unmatched
from exporter.domain.text import enumerated, printable
from exporter.exposition.board import RenderedSource
from exporter.ledger.day_status import day_status
from exporter.metrics.label_limits import keep_labels
from exporter.metrics.report_health import Unmatched, deferred_families, source_families
from exporter.metrics.report_view import ReportView, SourceInfo
from exporter.metrics.target import Target
from exporter.metrics.usage import MONTH
from exporter.platforms.api import Report
from exporter.polling.poll_result import PollResult
from exporter.polling.report_state import ReportState

log = logging.getLogger(__name__)

MOST_SELECTORS = 50
"""Selectors that one line names."""


def rendered(
    target: Target, states: Mapping[str, ReportState], reports: Iterable[Report], now: datetime
) -> RenderedSource:
    """Renders some reports of a source, and its own families; families are made once, on demand."""
    views = {report.name: view(target, report, states[report.name], now) for report in reports}
    source_info = source_view(target, states)
    by_report = {name: deferred_families(each) for name, each in views.items()}
    return RenderedSource({**by_report, "": source_families(source_info)}, views, source_info)


def view(target: Target, report: Report, state: ReportState, now: datetime) -> ReportView:
    """Returns the held days of a report with their status now."""
    status = day_status(state.ledger, now, state.health.read_at, target.rules)
    if not report.has_days:
        status = replace(status, last_day=None, today=None, empty_day=False)
    month = () if status.last_day is None else MONTH.ending(status.last_day)
    has_limited_labels = any(any(measure.limits) for measure in report.measures)
    kept = keep_labels(report, state.ledger, month, target.limits, state.kept) if has_limited_labels else {}
    return ReportView(target, report, state.ledger, status, state.health, kept, state.discoveries)


def source_view(target: Target, states: Mapping[str, ReportState]) -> SourceInfo:
    """Combines what all reports of a source know of its companies."""
    ledgers = [state.ledger for state in states.values()]
    here = {company for ledger in ledgers for company in ledger.names.keys() - ledger.withdrawn}
    names = {company: name for ledger in ledgers for company, name in ledger.names.items()}
    lists = [state.listed for state in states.values() if state.listed is not None]
    listed = {company: name for each in lists for company, name in each.items()} if lists else None
    idle: dict[str, tuple[Entry, ...]] = {}
    # A first poll asks only for a few days.
    healths = [(state.health, state.to_refresh) for state in states.values()]
    is_settled = all(health.last_attempt and (health.history or not left) for health, left in healths)
    if listed is not None and is_settled:
        known = {**names, **listed}
        idle |= {option: unmatched(entries, known) if entries else () for option, entries in target.selectors.items()}
    for option, selection in target.selections.items():
        for discovery in (state.discoveries[option] for state in states.values() if option in state.discoveries):
            things = {identity: name for identity, name, *_ in discovery.rows}
            own = selection.entries(target.source, option)
            idle |= {name: unmatched(entries, things) for name, entries in own.items()}
    return SourceInfo(target, names, frozenset(names.keys() - here), listed, idle)


def log_poll(source: str, report: str, state: ReportState, result: PollResult) -> None:
    """Logs the one line of a poll, by the state after it."""
    fields: dict[str, object] = {
        "source": source,
        "report": report,
        "outcome": state.health.outcome,
        "seconds": round(state.health.duration or 0.0, 3),
        "companies": len(state.ledger.names),
        "days": len(state.ledger.blocks),
    }
    for name, counts in (("left_out", result.left_out), ("unread", result.unread)):
        if counts:
            fields[name] = " ".join(f"{each}={count}" for each, count in sorted(counts.items()))
    if result.reason:
        fields["reason"] = result.reason
    if result.error is None and not result.reason:
        log.info("polled", extra=fields)
    elif result.error is None:
        log.warning("polled in part", extra=fields)
    elif state.health.supported:
        log.warning("poll failed", extra=fields)
    else:
        log.info("the platform lacks the report; it is asked again in a day", extra=fields)


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
