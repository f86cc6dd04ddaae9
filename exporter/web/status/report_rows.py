"""How sources and reports are, as the status page shows it: health, last day, polls, and what is wrong. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import NamedTuple

from exporter.domain import calendars
from exporter.exposition.board import Published
from exporter.metrics.report_health import REPORT_GAUGES
from exporter.metrics.report_view import ReportView
from exporter.web.status.problems import FailedReload, Level, Problem, of_configuration, of_report, of_source
from exporter.web.status.text import day_ago

COMPANIES = next(gauge.value for gauge in REPORT_GAUGES if gauge.name == "chat_usage_report_companies")


class ReportRow(NamedTuple):
    """One report: how it is in a word, what is wrong, its last day, polls and companies."""

    source: str
    report: str
    level: Level
    word: str
    findings: tuple[Problem, ...]
    day: date | None
    ago: str
    last_success: datetime | None
    last_attempt: datetime | None
    companies: int | None


class SourceBlock(NamedTuple):
    """One source, its reports, and what is wrong with it as a whole."""

    name: str
    platform: str
    zone: str
    next_poll: datetime | None
    reports: tuple[ReportRow, ...]
    findings: tuple[Problem, ...]


class ProblemGroup(NamedTuple):
    """One finding, and the reports of a source that have it; none if it is about the source as a whole."""

    source: str
    reports: tuple[str, ...]
    of: int
    finding: Problem

    @property
    def where(self) -> str:
        """The reports in words."""
        if not self.reports:
            return self.source
        is_every = len(self.reports) == self.of > 1
        return f"{self.source}, {f'all {self.of} reports' if is_every else ', '.join(self.reports)}"


def sources(shown: Published, next_polls: Mapping[str, datetime | None], now: datetime) -> tuple[SourceBlock, ...]:
    """Says how every source and report is."""
    by_source = {source: tuple(keys) for source, keys in groupby(sorted(shown.views), key=lambda key: key[0])}
    return tuple(
        SourceBlock(
            name=source,
            platform=shown.source_infos[source].platform,
            zone=shown.views[keys[0]].rules.zone.key,
            next_poll=next_polls.get(source),
            reports=tuple(report_row(shown.views[key], now) for key in keys),
            findings=of_source(shown.source_infos[source]),
        )
        for source, keys in by_source.items()
    )


def troubles(blocks: Sequence[SourceBlock], refusal: FailedReload | None) -> tuple[ProblemGroup, ...]:
    """Returns what is wrong, the worst first; what several reports of a source have is shown once."""
    found: dict[tuple[str, Level, str, str], ProblemGroup] = {}
    if refusal is not None:
        found["", Level.WARNING, "", ""] = ProblemGroup("configuration", (), 0, of_configuration(refusal))
    for block in blocks:
        for report in block.reports:
            for finding in report.findings:
                key = block.name, finding.level, finding.what, finding.runbook
                before = found[key].reports if key in found else ()
                first = found[key].finding if key in found else finding
                found[key] = ProblemGroup(block.name, (*before, report.report), len(block.reports), first)
        for finding in block.findings:
            key = block.name, finding.level, finding.what, ""
            found[key] = ProblemGroup(block.name, (), len(block.reports), finding)
    return tuple(sorted(found.values(), key=lambda each: -each.finding.level))


def report_row(view: ReportView, now: datetime) -> ReportRow:
    """Says how a report is."""
    found, day = of_report(view, now), view.day_status.last_day
    level = max((each.level for each in found), default=Level.GOOD)
    companies = None if day is None else COMPANIES(view)
    today = calendars.day_at(now, view.rules.zone)
    return ReportRow(
        source=view.source,
        report=view.report.name,
        level=level,
        word=_word(view, level),
        findings=found,
        day=day,
        ago="" if day is None else day_ago(day, today),
        last_success=view.health.last_success,
        last_attempt=view.health.last_attempt,
        companies=None if companies is None else int(companies),
    )


def _word(view: ReportView, level: Level) -> str:
    if not view.health.supported:
        return "not on this platform"
    if view.health.last_attempt is None:
        return "not polled yet"
    return {Level.GOOD: "good", Level.NOTE: "good", Level.WARNING: "look at it", Level.BAD: "bad"}[level]
