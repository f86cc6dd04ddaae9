"""`metrics`: prints the catalogue of every family; docs/metrics.md is its output."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from exporter.domain.model import Measure
from exporter.exposition.series_limit import DROPPED, SERIES
from exporter.exposition.telemetry import Telemetry
from exporter.metrics.activities import HELP, label_names
from exporter.metrics.report_health import REPORT_FAMILIES, REPORT_GAUGES, REPORT_LABELS, SOURCE_FAMILIES
from exporter.metrics.unmatched import UNMATCHED, UNMATCHED_INFO
from exporter.metrics.windows import family_of, windows
from exporter.platforms.api import Report
from exporter.platforms.registry import platforms

EXAMPLES = {
    "source": "production",
    "company_id": "17",
    "company": "Northwind",
    "mode": "chat",
    "feedback": "like",
    "tool": "Web search",
    "activity": "user_queries",
    "bound": "lower",
    "basis": "usual",
    "severity": "warning",
    "language": "de",
    "channel_type": "web",
    "channel_id": "t1o15p",
    "channel": "Website",
    "intent": "opening hours",
    "step": "menu",
    "report": "chat-sessions",
    "outcome": "ok",
    "code": "200",
    "le": "1.0",
    "window": "7d",
    "platform": "paradigm",
    "expected": "true",
    "option": "companies.include",
    "selector": "id:17",
    "reason": "28d",
    "kind": "missing",
    "invariant": "duplicate_row",
    "field": "average_session_length",
    "unit": "seconds",
    "description": "Average length of a chat session",
}

OWN_EXAMPLES = {
    "chat_usage_activity_limit_missing": {"reason": "few_weeks"},
    "chat_usage_web_auth_failures_total": {"reason": "credentials"},
}
"""Of families whose label has other values than the one above."""


class CatalogueFormat(StrEnum):
    """How the catalogue is written."""

    MARKDOWN = "markdown"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One family of the catalogue."""

    name: str
    type: str
    labels: tuple[str, ...]
    help: str
    example: str


def metrics(
    format_: Annotated[CatalogueFormat, typer.Option("--format", help="How to write it.")] = CatalogueFormat.MARKDOWN,
) -> None:
    """Print the catalogue of every metric family."""
    entries = tuple(catalogue())
    if format_ is CatalogueFormat.JSON:
        typer.echo(json.dumps([asdict(entry) for entry in entries], indent=2))
    else:
        typer.echo(markdown(entries), nl=False)


def catalogue() -> Iterator[CatalogueEntry]:
    """Yields every family that any configuration can make, platforms first."""
    for platform in platforms().values():
        for report in platform.reports.values():
            for measure in report.measures:
                yield from _of_measure(measure, report)
    for name, text in HELP.items():
        yield _entry(name, "gauge", label_names(name), text)
    for gauge in REPORT_GAUGES:
        yield _entry(gauge.name, "gauge", REPORT_LABELS, gauge.help)
    for family in (*REPORT_FAMILIES, *SOURCE_FAMILIES, UNMATCHED, UNMATCHED_INFO, SERIES, DROPPED):
        yield _entry(family.name, family.kind, family.label_names, family.help)
    yield from _live()


def _of_measure(measure: Measure, report: Report) -> Iterator[CatalogueEntry]:
    for window in windows(measure) or (None,):
        family = family_of(measure, window, report)
        yield _entry(family.name, family.kind, family.label_names, family.help)


def _entry(name: str, type_: str, labels: tuple[str, ...], text: str) -> CatalogueEntry:
    suffix, further = ("_bucket", ("le",)) if type_ == "histogram" else ("", ())
    examples = EXAMPLES | OWN_EXAMPLES.get(name, {})
    pairs = ",".join(f'{label}="{examples.get(label, "...")}"' for label in (*labels, *further))
    return CatalogueEntry(name, type_, labels, text, f"{name}{suffix}{{{pairs}}} 1.0" if pairs else f"{name} 1.0")


def _live() -> Iterator[CatalogueEntry]:
    """Yields the families of the live tail: a telemetry that saw one request knows them all."""
    telemetry = Telemetry()
    telemetry.expect(EXAMPLES["source"], EXAMPLES["report"])
    telemetry.key_expires(EXAMPLES["source"], datetime.now(UTC))
    telemetry.state.note(True)
    observer = telemetry.observer(EXAMPLES["source"])
    observer.request(EXAMPLES["report"], EXAMPLES["code"], 0.0)
    observer.dated(0.0)
    observer.paused(datetime.fromtimestamp(0, UTC))
    for metric in telemetry.served():
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        labels = tuple(label for label in metric.samples[0].labels if label != "le") if metric.samples else ()
        yield _entry(name, metric.type, labels, metric.documentation)


def markdown(entries: tuple[CatalogueEntry, ...]) -> str:
    lines = [
        "# Metrics",
        "",
        "Made by `make docs` from the program itself (`chat-usage-exporter metrics`); do not edit by hand.",
        "Which day a figure belongs to, and when it is 0 or absent: [concepts.md](concepts.md).",
    ]
    for entry in entries:
        labels = ", ".join(f"`{label}`" for label in entry.labels) or "none"
        lines += ["", f"## `{entry.name}`", "", f"{entry.help} Type: {entry.type}. Labels: {labels}.", ""]
        lines += ["```", entry.example, "```"]
    return "\n".join(lines) + "\n"
