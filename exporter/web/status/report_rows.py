"""How sources and reports are, as the status page shows it: health, last day, polls, and what is wrong. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from exporter.domain import calendars
from exporter.exposition.board import Published
from exporter.metrics.report_view import ReportView
from exporter.web.status.problems import FailedReload, Level, Problem, of_configuration, of_report, of_source
from exporter.web.status.text import day_ago


class ReportRow(NamedTuple):
    """One report and what is wrong with it; `ago` says how long ago its last day was."""

    view: ReportView
    problems: tuple[Problem, ...]
    ago: str

    @property
    def level(self) -> Level:
        return max((each.level for each in self.problems), default=Level.GOOD)

    @property
    def health(self) -> str:
        if not self.view.health.supported:
            return "not on this platform"
        if self.view.health.last_attempt is None:
            return "not polled yet"
        return {Level.GOOD: "good", Level.NOTE: "good", Level.WARNING: "warning", Level.BAD: "bad"}[self.level]


class SourceRows(NamedTuple):
    """One source, its reports, and what is wrong with it as a whole."""

    name: str
    platform: str
    zone: str
    next_poll: datetime | None
    reports: tuple[ReportRow, ...]
    problems: tuple[Problem, ...]


class PlacedProblem(NamedTuple):
    """What is wrong, and with what: the configuration, a source, or some reports of one."""

    where: str
    problem: Problem


def source_rows(shown: Published, next_polls: Mapping[str, datetime | None], now: datetime) -> tuple[SourceRows, ...]:
    by_source = {source: tuple(keys) for source, keys in groupby(sorted(shown.views), key=lambda key: key[0])}
    return tuple(
        SourceRows(
            name=source,
            platform=shown.source_infos[source].platform,
            zone=shown.views[keys[0]].rules.zone.key,
            next_poll=next_polls.get(source),
            reports=tuple(_report_row(shown.views[key], now) for key in keys),
            problems=of_source(shown.source_infos[source], shown.unmatched),
        )
        for source, keys in by_source.items()
    )


def _report_row(view: ReportView, now: datetime) -> ReportRow:
    day, today = view.day_status.last_day, calendars.day_at(now, view.rules.zone)
    return ReportRow(view, of_report(view, now), "" if day is None else day_ago(day, today))


def all_problems(sources: Sequence[SourceRows], failed_reload: FailedReload | None) -> tuple[PlacedProblem, ...]:
    """Returns what is wrong, the worst first; what several reports of a source have is shown once."""
    found = [] if failed_reload is None else [PlacedProblem("configuration", of_configuration(failed_reload))]
    for source in sources:
        found += _of_reports(source)
        found += [PlacedProblem(source.name, problem) for problem in source.problems]
    return tuple(sorted(found, key=lambda each: -each.problem.level))


def _of_reports(source: SourceRows) -> Iterator[PlacedProblem]:
    """Yields the problems of a source's reports; where they differ in the reason alone, with the first reason."""
    shared: dict[Problem, tuple[Problem, list[str]]] = {}
    for report in source.reports:
        for problem in report.problems:
            shared.setdefault(problem._replace(why=""), (problem, []))[1].append(report.view.report.name)
    for problem, names in shared.values():
        is_every = len(names) == len(source.reports) > 1
        yield PlacedProblem(f"{source.name}, {f'all {len(names)} reports' if is_every else ', '.join(names)}", problem)
