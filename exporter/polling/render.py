"""Turns the states of a source into its families; pure, every moment is an argument."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from exporter.domain.selectors import Entry, unmatched
from exporter.exposition.board import RenderedSource
from exporter.ledger.day_status import day_status
from exporter.metrics.label_limits import keep_labels
from exporter.metrics.report_health import deferred_families, source_families
from exporter.metrics.report_view import ReportView, SourceInfo
from exporter.platforms.api import Report
from exporter.polling.target import ReportState, Target


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
    has_limited_labels = any(any(measure.limits) for measure in report.measures)
    return ReportView(
        target.source,
        report,
        state.ledger,
        status,
        state.health,
        target.rules,
        target.limits,
        keep_labels(report, state.ledger, status.last_day, target.limits, state.kept) if has_limited_labels else {},
        target.min_group,
        target.excluded,
        target.company_limits,
        state.discoveries,
    )


def source_view(target: Target, states: Mapping[str, ReportState]) -> SourceInfo:
    """Combines what all reports of a source know of its companies."""
    ledgers = [state.ledger for state in states.values()]
    withdrawn = frozenset[str]().union(*(ledger.withdrawn for ledger in ledgers))
    here = {company for ledger in ledgers for company in withdrawn & ledger.names.keys() - ledger.withdrawn}
    names = _merged(ledger.names for ledger in ledgers)
    lists = [state.listed for state in states.values() if state.listed is not None]
    listed = _merged(lists) if lists else None
    idle: dict[str, tuple[Entry, ...]] = {}
    if listed is not None and all(map(_is_settled, states.values())):
        by_option = {**target.companies.entries(target.source, "companies"), **target.selectors}
        idle |= {option: unmatched(entries, {**names, **listed}) for option, entries in by_option.items()}
    for option, selection in target.selections.items():
        for discovery in (state.discoveries[option] for state in states.values() if option in state.discoveries):
            things = {identity: name for identity, name, *_ in discovery.rows}
            own = selection.entries(target.source, option)
            idle |= {name: unmatched(entries, things) for name, entries in own.items()}
    return SourceInfo(
        target.source,
        target.platform,
        target.rules.settle,
        target.companies,
        names,
        withdrawn - here,
        listed,
        idle,
    )


def _merged(of_reports: Iterable[Mapping[str, str]]) -> Mapping[str, str]:
    merged: dict[str, str] = {}
    for each in of_reports:
        merged |= each
    return merged


def _is_settled(state: ReportState) -> bool:
    """Returns whether a report was asked for all days; a first poll asks only for a few."""
    return state.health.last_attempt is not None and (state.health.history or not state.to_refresh)
