"""`metrics`: prints the catalogue of all metric families; docs/metrics.md is its output."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal, NamedTuple

import typer

from exporter.domain.model import Family, Measure
from exporter.exposition.series_limit import DROPPED, SERIES
from exporter.exposition.telemetry import Telemetry
from exporter.metrics.activities import ACTIVITY_FAMILIES
from exporter.metrics.report_health import REPORT_FAMILIES, REPORT_GAUGES, REPORT_LABELS, SOURCE_FAMILIES
from exporter.metrics.usage import LAST_DAY, MONTH, TODAY, WEEK, families_of
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
    "team": "sales",
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
    "reason": "caller_hung_up",
    "item": "CONVERSATION_LANGUAGES",
    "kind": "missing",
    "invariant": "duplicate_row",
    "field": "average_session_length",
    "unit": "seconds",
    "version": "0.2.0",
    "python_version": "3.11.7",
    "description": "Average length of a chat session",
}

OWN_EXAMPLES = {
    "chat_usage_activity_limit_missing": {"reason": "few_weeks"},
    "chat_usage_series_dropped": {"reason": "28d"},
    "chat_usage_web_auth_failures_total": {"reason": "credentials"},
}
"""Families in which a label has other values."""

VALUES = {
    "_timestamp_seconds": 1.7724096e09,
    "_ratio": 0.98,
    "_settle_seconds": 21600.0,
    "_last_day": 61.0,
    "_today": 12.0,
    "_7d": 402.0,
    "_28d": 1718.0,
    "_limit": 29.0,
    "_members_active": 140.0,
    "_total": 214.0,
}
"""Example values by the end of a family's name; 1 for all others."""

ALL_WINDOWS = [LAST_DAY.suffix, TODAY.suffix, WEEK.suffix, MONTH.suffix]
SUFFIXES = ("", *ALL_WINDOWS)
WINDOWS = f"""\
| Suffix | Window |
|---|---|
| `{LAST_DAY.suffix}` | the newest complete day; `{LAST_DAY.day_gauge.split()[-1]}` is its start |
| `{TODAY.suffix}` | the current day: partial, may decrease |
| `{WEEK.suffix}`, `{MONTH.suffix}` | the 7 or 28 days that end with the last day |
| `_daily` | one final day, in a store, written by [backfill](backfill.md) |

A family of a report has the first four windows, unless others are named."""


class CatalogueSection(NamedTuple):
    """Families that belong together, under a heading; those of a report are listed by measure."""

    title: str
    families: Sequence[Family]
    measures: Sequence[Measure] = ()


def metrics(
    format_: Annotated[Literal["markdown", "json"], typer.Option("--format", help="Output format.")] = "markdown",
) -> None:
    """Print the catalogue of all metric families."""
    if format_ == "json":
        found = [
            {
                "name": each.name,
                "type": each.kind,
                "labels": each.label_names,
                "help": each.help,
                "example": example(each),
            }
            for each in catalogue()
        ]
        typer.echo(json.dumps(found, indent=2))
    else:
        typer.echo(markdown(tuple(sections())), nl=False)


def catalogue() -> Iterator[Family]:
    """Yields every family that any configuration can make, platforms first."""
    return (family for section in sections() for family in section.families)


def sections() -> Iterator[CatalogueSection]:
    """Yields the catalogue by report, then the exporter's families about itself."""
    for platform in platforms().values():
        for report in platform.reports.values():
            families = [family for measure in report.measures for family in families_of(measure, report).values()]
            yield CatalogueSection(f"{platform.title}: {report.name}", families, report.measures)
    yield CatalogueSection("Activities and limits", ACTIVITY_FAMILIES)
    gauges = [Family(name, text, REPORT_LABELS) for name, (text, _) in REPORT_GAUGES.items()]
    yield CatalogueSection("Reports", (*gauges, *REPORT_FAMILIES))
    yield CatalogueSection("Sources", (*SOURCE_FAMILIES, SERIES, DROPPED))
    yield CatalogueSection("Exporter", tuple(_live()))


def example(family: Family) -> str:
    """Returns a line of the exposition with a sample of a family."""
    name, labels, suffix = family.name, family.label_names, ""
    if family.kind == "histogram":
        labels, suffix = (*labels, "le"), "_bucket"
    examples = EXAMPLES | OWN_EXAMPLES.get(name, {})
    pairs = ",".join(f'{label}="{examples.get(label, "...")}"' for label in labels)
    value = next((value for end, value in VALUES.items() if name.endswith(end)), 1.0)
    return f"{name}{suffix}{{{pairs}}} {value}" if pairs else f"{name} {value}"


def _live() -> Iterator[Family]:
    """Yields the live families: a telemetry that has seen one request has all of them."""
    telemetry = Telemetry()
    telemetry.expect(EXAMPLES["source"], EXAMPLES["report"])
    telemetry.key_expires(EXAMPLES["source"], datetime.now(UTC))
    telemetry.state.note(True)
    telemetry.request(EXAMPLES["source"], EXAMPLES["report"], EXAMPLES["code"], 0.0)
    telemetry.dated(EXAMPLES["source"], 0.0)
    telemetry.paused(EXAMPLES["source"], datetime.fromtimestamp(0, UTC))
    for metric in telemetry.served():
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        labels = tuple(label for label in metric.samples[0].labels if label != "le") if metric.samples else ()
        yield Family(name, metric.documentation, labels, kind=metric.type)


def markdown(found: tuple[CatalogueSection, ...]) -> str:
    anchors = [section.title.lower().replace(":", "").replace(" ", "-") for section in found]
    index = [f"* [{section.title}](#{anchor})" for section, anchor in zip(found, anchors, strict=True)]
    lines = [
        "# Metrics",
        "",
        "Generated by `make docs` from `chat-usage-exporter metrics`; `--format json` has types and HELP texts.",
        "[Concepts](concepts.md) says when a figure is 0 or absent. Figures of companies have the labels `source`,",
        "`company_id`, `company` and those in parentheses. A family is a gauge unless its type is given. Lengths and",
        "durations without a unit in the name are in the platform's unit: see `chat_usage_field_info`.",
        *("", WINDOWS, "", *index),
    ]
    for section in found:
        lines += ["", f"## {section.title}", "", *(_by_measure(section) if section.measures else _by_family(section))]
    return "\n".join(lines) + "\n"


def _by_measure(section: CatalogueSection) -> Iterator[str]:
    """Yields a line per measure, and examples: the first measure in all its windows, others if their labels differ."""
    names = {family.name for family in section.families}
    for measure in section.measures:
        suffixes = [suffix for suffix in ALL_WINDOWS if measure.family + suffix in names]
        served = "" if suffixes == ALL_WINDOWS else f"; {_listed(suffixes) or 'no window'}"
        yield f"* `{measure.family}`{_among(measure.labels)}: {measure.help}{served}"
    first = section.measures[0]
    of_first = [family for family in section.families if family.name.removeprefix(first.family) in SUFFIXES]
    yield from _examples([*of_first, *(each for each in section.families if each not in of_first)], len(of_first))


def _by_family(section: CatalogueSection) -> Iterator[str]:
    ours = [family for family in section.families if family.name.startswith("chat_usage_")]
    common = tuple(label for label in ours[0].label_names if all(label in family.label_names for family in ours))
    if common:
        yield from (f"All have {_listed(common)}.", "")
    for family in ours:
        kind = "" if family.kind == "gauge" else f" {family.kind}"
        further = tuple(label for label in family.label_names if label not in common)
        yield f"* `{family.name}`{kind}{_among(further)}: {family.help}"
    yield from _examples(ours, 1)
    if others := [family.name for family in section.families if family not in ours]:
        yield from ("", f"Also, as in every Python exporter: {_listed(others)}.")


def _examples(families: Sequence[Family], least: int) -> Iterator[str]:
    """Yields a block with examples of the first `least` families, and of each further one with new labels."""
    of_labels = {family.label_names: family for family in reversed(families)}
    shown = (each for n, each in enumerate(families) if n < least or each is of_labels[each.label_names])
    yield from ("", "```", *map(example, shown), "```")


def _among(labels: tuple[str, ...]) -> str:
    return f" ({_listed(labels)})" if labels else ""


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
