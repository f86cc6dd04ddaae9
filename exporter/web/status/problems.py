"""What is wrong with reports and sources, each problem with the runbook of its alert; pure.

The conditions are those of the alert rules (alert_rules/data.yml, platform.yml), but shown at once: an alert waits.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from enum import IntEnum
from fnmatch import fnmatchcase
from itertools import groupby
from typing import NamedTuple

from exporter.domain import calendars
from exporter.domain.wording import enumerated
from exporter.exposition.board import Published
from exporter.metrics.report_health import Unmatched
from exporter.metrics.report_view import ReportView, SourceInfo
from exporter.metrics.target import Health
from exporter.web.status.text import day_ago, figure, moment, span

FAILING_FOR = timedelta(hours=6)  # how long polls may fail, at least, before that is an alert
LAST_DAY_AGE = timedelta(days=2, hours=2)  # of its start, at most; settle time and two intervals are added
RESTATED = 0.1  # a ratio above it is noted


class Level(IntEnum):
    GOOD = 0
    NOTE = 1
    WARNING = 2
    BAD = 3


class Problem(NamedTuple):
    """One thing that is wrong: what, why in one line if that is known, and the runbook that says what to do."""

    level: Level
    what: str
    runbook: str
    why: str = ""


class ReportRow(NamedTuple):
    """One report and what is wrong with it, the worst first."""

    view: ReportView
    problems: tuple[Problem, ...]

    @property
    def level(self) -> Level:
        return self.problems[0].level if self.problems else Level.GOOD

    @property
    def health(self) -> str:
        if not self.view.health.supported:
            return "not on this platform"
        if self.view.health.last_attempt is None:
            return "not polled yet"
        return "good" if self.level is Level.NOTE else self.level.name.lower()


class FailedReload(NamedTuple):
    """When the configuration was last read and could not be used, and why in one line."""

    at: datetime
    reason: str


OUTCOMES = {
    "auth": ("The platform refuses the key", "ChatUsageAPIKeyRejected"),
    "rate_limited": ("The platform throttles the exporter", "ChatUsageAPIThrottled"),
    "timeout": ("No complete answer arrived in time", "ChatUsageReportFetchFailing"),
    "connection": ("The platform cannot be reached", "ChatUsageReportFetchFailing"),
    "http_error": ("The platform answers with an error", "ChatUsageReportFetchFailing"),
    "too_large": ("The answer is larger than poll.max_body", "ChatUsageReportFetchFailing"),
    "not_json": ("The answer is not JSON", "ChatUsageReportShapeUnknown"),
    "schema": ("The answer is not in the expected format", "ChatUsageReportShapeUnknown"),
    "platform_error": ("The platform reports an error of its own", "ChatUsageReportFetchFailing"),
    "internal": ("The exporter itself failed", "ChatUsageReportFetchFailing"),
}


def is_fresh(view: ReportView, now: datetime) -> bool:
    """Returns whether a report's figures are new enough to be compared with limits."""
    day, status = view.day_status.last_day, view.day_status
    if day is None or status.empty_day or status.stale or not view.health.supported:
        return False
    rules = view.target.rules
    return now - calendars.start(day, rules.zone) < LAST_DAY_AGE + rules.settle + 2 * view.health.interval


def all_problems(
    shown: Published, reports: Sequence[ReportRow], failed_reload: FailedReload | None
) -> Sequence[tuple[str, Problem]]:
    """Returns problems and whose they are, the worst first; one that reports of a source share is shown once."""
    found = []
    if failed_reload is not None:
        what = f"Refused when it was reloaded, {moment(failed_reload.at)}; the previous one stays in force"
        problem = Problem(Level.WARNING, what, "ChatUsageConfigReloadFailed", failed_reload.reason)
        found.append(("configuration", problem))
    for source, rows in groupby(reports, key=lambda each: each.view.target.source):
        found += _of_reports(source, tuple(rows))
        found += [(source, problem) for problem in _of_source(shown.source_infos[source], shown.unmatched)]
    return sorted(found, key=lambda each: -each[1].level)


def _of_reports(source: str, reports: Sequence[ReportRow]) -> Iterator[tuple[str, Problem]]:
    """Yields the problems of a source's reports; where they differ in the reason alone, with the first reason."""
    shared: dict[Problem, tuple[Problem, list[str]]] = {}
    for report in reports:
        for problem in report.problems:
            shared.setdefault(problem._replace(why=""), (problem, []))[1].append(report.view.report.name)
    for problem, names in shared.values():
        is_every = len(names) == len(reports) > 1
        yield f"{source}, {f'all {len(names)} reports' if is_every else ', '.join(names)}", problem


def report_problems(view: ReportView, now: datetime) -> tuple[Problem, ...]:
    """Returns what is wrong with a report, the worst first; of an unsupported one only what cannot be read."""
    if view.health.last_attempt is None:
        return ()
    found = (*_polls(view, now), *_days(view, now), *_answers(view)) if view.health.supported else ()
    found = (*found, *_unread(view.report.name, view.health))
    return tuple(sorted(found, key=lambda each: -each.level))


def _polls(view: ReportView, now: datetime) -> Iterator[Problem]:
    health = view.health
    if health.outcome in OUTCOMES:
        what, runbook = OUTCOMES[health.outcome]
        since = f"no good poll since {moment(health.last_success)}" if health.last_success else "it was never read"
        # One failure among good polls is only a warning.
        lasts = health.last_success is None or now - health.last_success > max(3 * health.interval, FAILING_FOR)
        level = Level.BAD if lasts or health.outcome == "auth" else Level.WARNING
        yield Problem(level, f"{what}; {since}", runbook, health.reason)
    overdue = now - (health.last_attempt or now) - 2 * health.interval
    if overdue > timedelta():
        what = f"Polls have stopped: the next one is {span(overdue + health.interval)} late"
        yield Problem(Level.BAD, what, "ChatUsageReportFetchFailing")


def _days(view: ReportView, now: datetime) -> Iterator[Problem]:
    day, status = view.day_status.last_day, view.day_status
    today = calendars.day_at(now, view.target.rules.zone)
    if status.stale and view.health.read_at is not None:
        length = span(view.target.rules.max_staleness)
        yield Problem(Level.BAD, f"Its figures are withheld: nothing was read for {length}", "ChatUsageReportStale")
    if status.empty_day:
        what = "A complete business day has no row of any company yet; limits are not evaluated"
        yield Problem(Level.WARNING, what, "ChatUsageReportEmpty")
    elif day is not None and not status.stale and not is_fresh(view, now):
        what = f"It is late: its newest complete day was {day_ago(day, today)}; limits are not evaluated"
        yield Problem(Level.WARNING, what, "ChatUsageReportStale")


def _unread(report: str, health: Health) -> Iterator[Problem]:
    """Yields which items could not be read; if that is the whole report, its outcome says so."""
    if health.unread and (not health.supported or [*health.unread] != [report]):
        items = enumerated([f"{item} ({days} days)" for item, days in health.unread.items()], 5)
        why = health.reason if health.outcome == "ok" or not health.supported else ""
        yield Problem(Level.WARNING, f"Not read at the last poll: {items}", "ChatUsageReportUnread", why)


def _answers(view: ReportView) -> Iterator[Problem]:
    health = view.health
    if view.ledger.withdrawn:
        what = f"The platform took back all rows of {_companies(len(view.ledger.withdrawn))}: no figures, no limits"
        yield Problem(Level.WARNING, what, "ChatUsageCompaniesWithdrawn")
    drift = {kind: count for kind, count in health.drift.items() if count}
    if drift:
        level = Level.WARNING if drift.keys() - {"unknown"} else Level.NOTE
        fields = ", ".join(f"{count} {kind}" for kind, count in sorted(drift.items()))
        yield Problem(level, f"Fields of its answer are not as documented: {fields}", "ChatUsageSchemaDrift")
    for invariant, count in sorted(health.violations.items()):
        if count:
            what = f"{figure(float(count))} rows of its answer cannot be true: {invariant}"
            yield Problem(Level.WARNING, what, "ChatUsageInvariantViolated")
    if health.restated_ratio > RESTATED:
        what = f"The platform changed a complete day by {health.restated_ratio:.0%} at the last poll"
        yield Problem(Level.NOTE, what, "ChatUsageRestated")


def _of_source(info: SourceInfo, unmatched: Unmatched) -> Iterator[Problem]:
    """Yields what is wrong with a source as a whole: companies that are missing, selectors that match nothing."""
    if info.listed is None:
        return
    held = {company: name for company, name in info.names.items() if company not in info.withdrawn}
    missing = info.target.companies.missing(held, info.listed)
    if missing:
        what = f"Expected and in no report: {_companies(len(missing))} ({', '.join(missing[:5])})"
        yield Problem(Level.WARNING, what, "ChatUsageCompanyMissing")
    for glob, by_option in sorted(unmatched.items()):
        for option, selectors in sorted(by_option.items()) if fnmatchcase(info.target.source, glob) else ():
            if selectors and option != "companies.expected":
                what = f"Selectors in {option} that match nothing: {len(selectors)} ({enumerated(selectors)})"
                yield Problem(Level.WARNING, what, "ChatUsageConfigUnmatched")


def _companies(count: int) -> str:
    return "1 company" if count == 1 else f"{count} companies"
