"""`plan`: what a configuration will cost, foretold without a request; a gate for those who review configurations."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from exporter.cli import tables
from exporter.cli.options import ConfigFile, FailedError
from exporter.cli.tables import TableColumn
from exporter.domain.clock import utcnow
from exporter.forecast.calls import Forecast, Rate, ReportForecast, SourceForecast, SourcePlan, forecast
from exporter.forecast.series import SeriesCounts, Size
from exporter.platforms.registry import platforms
from exporter.polling.schedule import Cadence
from exporter.settings import Source, load

MAX_SERIES, MAX_CALLS = "--max-series", "--max-calls-per-day"
LEGEND = """\
A day is any 24 hours of running: "expected" is the mean over many, "at most" holds for each. "Peak/min" is
the most calls within a minute. The daily pass over history_days is included, in as many pieces as so many companies
take; retries are excluded, and so are polls added by a restart or a step of the clock. While a platform wants to be
left alone (429 or 503 with Retry-After), for a day at most, no poll of that source costs a call.
A report that the platform lacks is counted as if it had it; with "reports: auto" it costs one call a day.
Series are the most that so many companies can have: every mode, on both days, and of limited labels (tool) as many
values as are kept and "other". Each HTTP status but 200 that occurs adds one to chat_usage_api_requests_total. Left
out are chat_usage_field_info, one for each field that the platform describes, and the two of a state_file."""


class PlanFormat(StrEnum):
    """How the plan is written."""

    TEXT = "text"
    JSON = "json"


def plan(
    config_file: ConfigFile = None,
    companies: Annotated[int, typer.Option(min=0, metavar="N", help="Companies of each source.")] = 100,
    channels: Annotated[int, typer.Option(min=0, metavar="N", help="Channels of each chatbot.")] = 5,
    max_series: Annotated[
        int | None, typer.Option(MAX_SERIES, min=0, metavar="N", help="Exit 1 if there can be more series.")
    ] = None,
    max_calls_per_day: Annotated[
        int | None, typer.Option(MAX_CALLS, min=0, metavar="N", help="Exit 1 if 24 hours can bring more calls.")
    ] = None,
    format_: Annotated[PlanFormat, typer.Option("--format", help="How to write it.")] = PlanFormat.TEXT,
) -> None:
    """Print calls per day, peak request rate and series per family, without asking any platform.

    With a limit, exit 1 and one line on stderr if it can be exceeded.
    """
    settings = load(config_file, os.environ, platforms(), keeps_state=False)
    foreseen = forecast([planned(each) for each in settings.sources.values()], Size(companies, channels), utcnow())
    if format_ is PlanFormat.JSON:
        typer.echo(json.dumps({"notes": settings.notes, **document(foreseen)}, indent=2))
    else:
        for note in settings.notes:
            typer.echo(note)
        show(foreseen, Console(highlight=False))
    check_limits(foreseen, max_series, max_calls_per_day)


def planned(each: Source) -> SourcePlan:
    cadence = Cadence(each.poll.interval, each.poll.jitter, each.target.rules.zone, each.target.rules.settle)
    return SourcePlan(each.target, cadence, each.poll.requests_per_minute, each.platform.one_company)


def check_limits(foreseen: Forecast, max_series: int | None, max_calls: int | None) -> None:
    """Raises FailedError if a figure is over its limit; the one line says which, and by how much."""
    found = [
        f"up to {figure} {what}, which is {figure - limit} more than {option} {limit}: {remedy}"
        for figure, what, option, limit, remedy in (
            (foreseen.total_series, "series", MAX_SERIES, max_series, "exclude companies or families"),
            (foreseen.calls.most, "calls in 24 hours", MAX_CALLS, max_calls, "raise poll.interval"),
        )
        if limit is not None and figure > limit
    ]
    if found:
        raise FailedError("; ".join(found))


def show(foreseen: Forecast, console: Console) -> None:
    columns = (
        TableColumn("Source", long=True),
        TableColumn("Report", long=True),
        *(TableColumn(heading, number=True) for heading in ("Expected", "At most", "Peak/min")),
    )
    tables.show(console, "Calls per day", columns, list(_calls(foreseen)))
    for title, series in _series(foreseen):
        rows = [(family, str(count)) for family, count in series.items()]
        rows.append(("together", str(sum(series.values()))))
        tables.show(console, f"Series {title}", (TableColumn("Family"), TableColumn("Series", number=True)), rows)
    console.print()
    channels = f" and {foreseen.size.channels} channels per chatbot" if foreseen.size.channels else ""
    sized = f"{foreseen.size.companies} companies per source{channels}"
    total = f"Total for {sized}: at most {foreseen.total_series} series"
    tables.say(console, f"{total}; {_number(foreseen.calls.expected)} calls a day, at most {foreseen.calls.most}.")
    if foreseen.most_in_parts > foreseen.calls.most:
        reason = "If a platform cannot answer for several components at once, each is asked for on its own"
        tables.say(console, f"{reason}: at most {foreseen.most_in_parts} calls a day, which no gate counts.")
    console.print()
    tables.say(console, LEGEND)


def _calls(foreseen: Forecast) -> Iterator[tuple[str, ...]]:
    for each in foreseen.sources:
        for report in each.reports:
            yield each.name, report.name, *_rate(report.calls), str(report.peak)
        yield each.name, "all reports", *_rate(each.calls), str(each.peak)


def _rate(rate: Rate) -> tuple[str, str]:
    return _number(rate.expected), str(rate.most)


def _number(figure: float) -> str:
    return f"{figure:.1f}".removesuffix(".0")


def _series(foreseen: Forecast) -> Iterator[tuple[str, SeriesCounts]]:
    for each in foreseen.sources:
        for report in each.reports:
            yield f"of {each.name}, report {report.name}", report.series
        yield f"of {each.name} itself", each.series
    yield "of the process", foreseen.series


def document(foreseen: Forecast) -> Mapping[str, object]:
    """Returns the forecast as JSON objects: names of the tables, nothing rounded."""
    return {
        "companies_per_source": foreseen.size.companies,
        "channels_per_chatbot": foreseen.size.channels,
        "total": {"series": foreseen.total_series, "calls_per_day": asdict(foreseen.calls)},
        "most_calls_per_day_in_parts": foreseen.most_in_parts,
        "sources": [
            {
                "source": each.name,
                "polls_per_day": asdict(each.polls),
                **_calls_of(each),
                "reports": [
                    {"report": report.name, **_calls_of(report), "series": report.series} for report in each.reports
                ],
                "series": each.series,
            }
            for each in foreseen.sources
        ],
        "series": foreseen.series,
    }


def _calls_of(each: SourceForecast | ReportForecast) -> Mapping[str, object]:
    return {"calls_per_day": asdict(each.calls), "peak_calls_per_minute": each.peak}
