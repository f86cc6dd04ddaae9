"""From what is remembered of a source to the families that are on the page; pure, every moment is an argument."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import NamedTuple

from exporter.domain.model import Family
from exporter.domain.selectors import selects
from exporter.exposition.board import RenderedSource
from exporter.ledger.day_status import day_status
from exporter.metrics.label_limits import Kept, keep_labels
from exporter.metrics.report_health import families
from exporter.metrics.report_view import ReportView
from exporter.metrics.source_info import SourceInfo, source_families
from exporter.platforms.api import Report
from exporter.polling.report_state import ReportState
from exporter.polling.target import Target


class Rendered(NamedTuple):
    """What a source has on the page, and the values that open labels have there, by report and family."""

    rendered_source: RenderedSource
    kept: Mapping[str, Mapping[str, Kept]]


def rendered(target: Target, states: Mapping[str, ReportState], reports: Iterable[Report], now: datetime) -> Rendered:
    """Draws some reports of a source, and what the source has once; families are made as they are taken, once."""
    views = {report.name: view(target, report, states[report.name], now) for report in reports}
    parts = {name: _begun(families(each)) for name, each in views.items()}
    serves = [name for name, begun in parts.items() if begun.tells_of_companies]
    source_info = source_view(target, states)
    taken = {name: chain(begun.first, begun.rest) for name, begun in parts.items()}
    rendered_source = RenderedSource({**taken, "": source_families(source_info)}, serves, views, source_info)
    return Rendered(rendered_source, {name: each.kept for name, each in views.items()})


class _Begun(NamedTuple):
    """Families of which as many were made as it took to see whether any tells of companies."""

    first: Iterator[Family]
    rest: Iterator[Family]
    tells_of_companies: bool


def _begun(found: Iterator[Family]) -> _Begun:
    first: list[Family] = []
    for family in found:
        first.append(family)
        if "company_id" in family.label_names:
            return _Begun(iter(first), found, tells_of_companies=True)
    return _Begun(iter(first), found, tells_of_companies=False)


def view(target: Target, report: Report, state: ReportState, now: datetime) -> ReportView:
    """Judges what is held of a report, ready to be made into families."""
    status = day_status(state.ledger, now, state.health.read_at, target.rules)
    if not report.has_days:
        status = replace(status, last_day=None, today=None, empty_day=False)
    return ReportView(
        target.source,
        report,
        state.ledger,
        status,
        state.health,
        target.rules,
        target.limits,
        keep_labels(report, state.ledger, status.last_day, target.limits, state.kept),
        target.min_group,
        target.excluded,
        target.company_limits,
        state.discoveries,
    )


def source_view(target: Target, states: Mapping[str, ReportState]) -> SourceInfo:
    """Puts together what all reports of a source know of its companies."""
    ledgers = [state.ledger for state in states.values()]
    names = {company: name for ledger in ledgers for company, name in ledger.names.items()}
    here = {company for ledger in ledgers for company in ledger.names.keys() - ledger.withdrawn}
    lists = [state.listed for state in states.values() if state.listed is not None]
    listed = {company: name for names in lists for company, name in names.items()} if lists else None
    return SourceInfo(
        target.source,
        target.platform,
        target.rules.settle,
        target.companies,
        names,
        frozenset(names.keys() - here),
        listed,
        dict(_idle(target, states)),
    )


def _idle(target: Target, states: Mapping[str, ReportState]) -> Iterator[tuple[str, int]]:
    """Yields how many words of each selection match nothing of what the platform has, once that was learned."""
    listed = {company: name for state in states.values() for company, name in (state.listed or {}).items()}
    if any(state.listed is not None for state in states.values()):
        for option, words in target.selectors.items():
            yield option, sum(not any(selects(word, *company) for company in listed.items()) for word in words)
    for option, selection in target.selections.items():
        for discovery in (state.discoveries[option] for state in states.values() if option in state.discoveries):
            things = {identity: name for identity, name, *_ in discovery.rows}
            yield from ((f"{option}.{word}", count) for word, count in selection.unmatched(things).items())
