"""`plan`: calls and series that a configuration will cost, computed without a request; a gate for reviews."""

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

import typer
from msgspec.structs import asdict
from rich.console import Console

from exporter.cli import tables
from exporter.cli.options import ConfigFile, configured, option
from exporter.cli.tables import LongColumn, NumberColumn, ShortColumn
from exporter.domain.clock import utcnow
from exporter.domain.errors import FailedError
from exporter.forecast import Forecast, ReportForecast, SeriesCounts, Size, SourceForecast, forecast

MAX_SERIES, MAX_CALLS = "--max-series", "--max-calls-per-day"
LEGEND = """\
A day is any 24 hours: "expected" is the mean of many days, "at most" the bound of each, "peak/min" the most calls in
one minute. The daily refresh pass over history_days is included; retries are not, nor polls caused by a restart or a
clock step. After a 429 or 503 with Retry-After, the source is not called until then, for at most a day.
A report that the platform lacks is counted in full; with "reports: auto" it costs one call a day.
Series are the maximum for this many companies: every mode, on both days, and of limited labels (tool) all kept values
and "other". Each HTTP status other than 200 adds one series to chat_usage_api_requests_total. Not counted:
chat_usage_field_info, one series per field that the platform describes, and the two series of a state_file."""


def plan(
    config_file: ConfigFile = None,
    companies: Annotated[int, option("--companies", "N", "Number of companies per source.", least=0)] = 100,
    channels: Annotated[int, option("--channels", "N", "Number of channels per chatbot.", least=0)] = 5,
    max_series: Annotated[int | None, option(MAX_SERIES, "N", "Exit 1 if there can be more series.", least=0)] = None,
    max_calls_per_day: Annotated[
        int | None, option(MAX_CALLS, "N", "Exit 1 if there can be more calls in 24 hours.", least=0)
    ] = None,
    format_: Annotated[Literal["text", "json"], typer.Option("--format", help="Output format.")] = "text",
) -> None:
    """Print calls per day, peak request rate and series. No platform is asked.

    With a limit, exit 1 and one line on stderr if it can be exceeded.
    """
    settings = configured(config_file, keeps_state=False)
    foreseen = forecast([each.target for each in settings.sources.values()], Size(companies, channels), utcnow())
    if format_ == "json":
        typer.echo(json.dumps({"notes": settings.notes, **document(foreseen)}, indent=2))
    else:
        for note in settings.notes:
            typer.echo(note)
        show(foreseen, Console(highlight=False))
    check_limits(foreseen, max_series, max_calls_per_day)


def check_limits(foreseen: Forecast, max_series: int | None, max_calls: int | None) -> None:
    """Raises FailedError if a figure is over its limit."""
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
    columns = (LongColumn("Source"), LongColumn("Report"), *map(NumberColumn, ("Expected", "At most", "Peak/min")))
    tables.show(console, "Calls per day", columns, list(_calls(foreseen)))
    for title, series in _series(foreseen):
        rows = [(family, str(count)) for family, count in series.items()]
        rows.append(("together", str(sum(series.values()))))
        tables.show(console, f"Series {title}", (ShortColumn("Family"), NumberColumn("Series")), rows)
    console.print()
    channels = f" and {foreseen.size.channels} channels per chatbot" if foreseen.size.channels else ""
    sized = f"{foreseen.size.companies} companies per source{channels}"
    total = f"Total for {sized}: at most {foreseen.total_series} series"
    tables.say(console, f"{total}; {_number(foreseen.calls.expected)} calls a day, at most {foreseen.calls.most}.")
    if foreseen.most_in_parts > foreseen.calls.most:
        reason = "If a platform rejects requests for several components, each is requested separately"
        tables.say(console, f"{reason}: at most {foreseen.most_in_parts} calls a day, not counted by {MAX_CALLS}.")
    console.print()
    tables.say(console, LEGEND)


def _calls(foreseen: Forecast) -> Iterator[tuple[str, ...]]:
    for each in foreseen.sources:
        for report in each.reports:
            yield each.name, report.name, _number(report.calls.expected), str(report.calls.most), str(report.peak)
        yield each.name, "all reports", _number(each.calls.expected), str(each.calls.most), str(each.peak)


def _number(figure: float) -> str:
    return f"{figure:.1f}".removesuffix(".0")


def _series(foreseen: Forecast) -> Iterator[tuple[str, SeriesCounts]]:
    for each in foreseen.sources:
        for report in each.reports:
            yield f"of {each.name}, report {report.name}", report.series
        yield f"of {each.name} itself", each.series
    yield "of the process", foreseen.series


def document(foreseen: Forecast) -> Mapping[str, object]:
    """Returns the forecast as JSON objects, unrounded."""
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
                "reports": [{"report": one.name, **_calls_of(one), "series": one.series} for one in each.reports],
                "series": each.series,
            }
            for each in foreseen.sources
        ],
        "series": foreseen.series,
    }


def _calls_of(each: SourceForecast | ReportForecast) -> Mapping[str, object]:
    return {"calls_per_day": asdict(each.calls), "peak_calls_per_minute": each.peak}
