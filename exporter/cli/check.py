"""`check`: validates the configuration; with `--probe`, also asks every report once."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, closing
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn

from exporter.app.assemble import CLOCK, client_of
from exporter.app.process import ENDING, run_command
from exporter.cli import tables
from exporter.cli.options import ConfigFile, configured
from exporter.cli.tables import LongColumn, NumberColumn, ShortColumn
from exporter.domain.clock import Clock
from exporter.domain.errors import FailedError
from exporter.domain.selectors import Entry, matches
from exporter.domain.threads import Worker
from exporter.domain.wording import printable
from exporter.metrics.target import Target
from exporter.polling.probe import Finding, LastCodes, probe
from exporter.settings import Settings

Result = TypeVar("Result")

ABSENT = "-"
COLUMNS = (
    *map(LongColumn, ("Source", "Report")),
    *map(ShortColumn, ("HTTP", "Outcome")),
    *map(NumberColumn, ("Days", "Com-\npanies", "Series", "Un-\nknown", "Miss-\ning")),
    LongColumn("Left out"),
    NumberColumn("Time"),
)
SELECTOR_COLUMNS = (ShortColumn("Source"), ShortColumn("Option"), LongColumn("Selector"), NumberColumn("Com-\npanies"))


def check(
    config_file: ConfigFile = None,
    probe: Annotated[bool, typer.Option("--probe", help="Also ask every report once; exit 1 if one fails.")] = False,
) -> None:
    """Validate the configuration and, with --probe, every report. Exit 2 with one line per mistake."""
    settings = configured(config_file)
    for note in (*settings.notes, *settings.without_effect(CLOCK.now())):
        typer.echo(note)
    for each in settings.sources.values():
        minutes = each.poll.interval.total_seconds() / 60
        names = ", ".join(report.name for report in each.target.reports)
        place = f"{each.platform.title} at {each.base_url}"
        typer.echo(f"{each.name}: {place}, every {minutes:g} min, days of {each.target.rules.zone}, reports {names}")
    typer.echo("The configuration is valid.")
    if probe:
        with tables.progress(Console(stderr=True), BarColumn(), MofNCompleteColumn()) as show:
            findings = run_command(unless_signalled(probed(settings, CLOCK, show), "every report had answered"))
        conclude(findings, Console(highlight=False), [each.target for each in settings.sources.values()])


async def probed(
    settings: Settings, clock: Clock, show: Callable[..., None], client_clock: Clock | None = None
) -> tuple[Finding, ...]:
    """Asks every report, one by one; ConfigError before any request if a CA file or proxy is unusable."""
    findings, total = list[Finding](), sum(len(each.target.reports) for each in settings.sources.values())
    async with AsyncExitStack() as stack:
        worker = stack.enter_context(closing(Worker("probe")))
        sources, keys_in_use = [], dict[str, str]()
        for each in settings.sources.values():
            codes = LastCodes()
            client = client_of(each, codes, client_clock, keys_in_use)
            sources.append((each.target, await stack.enter_async_context(aclosing(client)), codes))
        for target, client, codes in sources:
            for report in target.reports:
                show(f"asking {target.source}: {report.name}", done=len(findings), total=total)
                findings.append(await probe(target, report, client, codes, worker, clock))
    return tuple(findings)


async def unless_signalled(work: Coroutine[object, object, Result], end: str) -> Result:
    """Returns the result of `work`; FailedError if SIGTERM or SIGINT came before its `end`, in words."""
    task = asyncio.ensure_future(work)
    for each in ENDING:
        asyncio.get_running_loop().add_signal_handler(each, task.cancel)
    await asyncio.wait([task])
    if task.cancelled():
        raise FailedError(f"interrupted before {end}")
    return task.result()


def conclude(findings: Sequence[Finding], console: Console, targets: Sequence[Target] = ()) -> None:
    """Prints a row per report and selector; FailedError has a line per distinct failure."""
    tables.show(console, "Result of every report", COLUMNS, [_row(finding) for finding in findings])
    notes = [f"{one.source}: {one.report}: {note}" for one in findings if one.content for note in one.content.notes]
    if notes:
        tables.say(console, "\n".join(("", *notes)))
    counts, messages = Counter[Entry](), _causes(findings)
    for target in targets:
        contents = [each.content for each in findings if each.content and each.source == target.source]
        names = {company: name for each in contents for company, name in each.names.items()}
        entries = (each for of_option in target.selectors.values() for each in of_option)
        counts.update({each: matches(each.selector, names) for each in entries})
        if contents and not any(each.companies for each in contents):
            left_out = f"include and exclude leave none of {len(names)} companies"
            reason = left_out if names else "none is listed in these days; check the key's permissions"
            messages.append(f"{target.source}: no company is served: {reason}")
    if counts:
        _show_selectors(console, counts)
    if messages:
        raise FailedError("\n".join(messages))


def _show_selectors(console: Console, counts: Mapping[Entry, int]) -> None:
    rows = [(*map(printable, entry), str(count)) for entry, count in counts.items()]
    tables.show(console, "Companies matched by each selector in these days", SELECTOR_COLUMNS, rows)
    idle: dict[str, list[str]] = {}
    for entry, count in counts.items():
        if not count:
            idle.setdefault(f"{entry.source}: {entry.option}", []).append(printable(entry.selector))
    for option, selectors in idle.items():
        tables.say(console, f"{option}: matches no company in these days: {', '.join(selectors)}")


def _causes(findings: Sequence[Finding]) -> list[str]:
    """Returns a line per failure; reports of a source that fail in the same way share a line."""
    causes: dict[tuple[str, str], list[Finding]] = {}
    for each in findings:
        if each.message:
            causes.setdefault((each.source, each.message.replace(each.report, "*")), []).append(each)  # in its URL
    return [
        f"{source}: {', '.join(one.report for one in each)}: {each[0].message if len(each) == 1 else cause}"
        for (source, cause), each in causes.items()
    ]


def _row(finding: Finding) -> tuple[str, ...]:
    about = (finding.source, finding.report, finding.status or ABSENT, finding.outcome)
    figures: tuple[str, ...] = (ABSENT,) * 6
    if content := finding.content:
        days = f"{content.listed}/{content.asked}" if content.asked else ABSENT
        others = dict(content.left_out)
        fields = others.pop("unknown", 0), others.pop("missing", 0)
        left_out = " ".join(f"{kind}={count}" for kind, count in sorted(others.items()))
        counts = map(str, (content.companies, content.series, *fields))
        figures = (days, *counts, left_out or ABSENT)
    return (*about, *figures, f"{finding.seconds:.1f}s")
