"""The arguments of `backfill`: sources, days, labels, and what the figures depend on."""

import re
from collections.abc import Mapping, Sequence

from exporter.app.assemble import fingerprint
from exporter.backfill.figures import newest_final
from exporter.backfill.manifest import digest
from exporter.cli.options import option_value
from exporter.domain.clock import utcnow
from exporter.domain.errors import ConfigError
from exporter.domain.model import Days
from exporter.metrics.windows import COMPANY_LABELS
from exporter.settings import Settings, Source
from exporter.settings.readers import day

LABEL = re.compile(r"([a-zA-Z_][a-zA-Z0-9_]*)=(.*)", re.DOTALL)


def sources(settings: Settings, name: str | None) -> tuple[Source, ...]:
    """Returns the chosen sources whose reports have days; ConfigError if there are none."""
    if name is not None and name not in settings.sources:
        raise ConfigError(f"--source: there is no source {name}; known: {', '.join(settings.sources)}")
    found = [settings.sources[name]] if name is not None else list(settings.sources.values())
    dated = tuple(each for each in found if any(report.has_days for report in each.target.reports))
    if not dated:
        raise ConfigError("reports: none of the configured reports has days; add one that has, or leave reports out")
    return dated


def span(first: str | None, last: str | None, wanted: Source, *, known: bool) -> Days:
    """Returns the days to request from a source; `--from` is optional if the manifest has it (`known`)."""
    if first is None and not known:
        raise ConfigError("--from: is missing; give the first day, such as --from 2024-01-31")
    newest = newest_final(utcnow(), wanted.target.rules)
    end = newest if last is None else option_value("--to", day, last)
    begin = end if first is None else option_value("--from", day, first)
    if end > newest:
        raise ConfigError(
            f"--to: {end} is not final yet; the newest final day of {wanted.name} is {newest} (reread_days is "
            f"{wanted.target.rules.reread_days}); leave --to out, or wait"
        )
    if end < begin:
        raise ConfigError(f"--from: {begin} is after the last day, {end}; choose an earlier one")
    return Days(begin, end)


def added(written: Sequence[str], chosen: Sequence[Source]) -> Mapping[str, str]:
    """Reads the extra labels of every series; ConfigError if one is invalid, repeated or already a label."""
    found: dict[str, str] = {}
    own = {name for each in chosen for report in each.target.reports for m in report.measures for name in m.labels}
    for each in written:
        match = LABEL.fullmatch(each)
        if match is None or match[1].startswith("__") or not match[2]:
            raise ConfigError(f'--label: "{each}" is not a label; write NAME=VALUE, such as job=chat-usage-exporter')
        if match[1] in found or match[1] in own or match[1] in COMPANY_LABELS:
            raise ConfigError(f"--label: {match[1]} is repeated or a label of the figures; choose another name")
        found[match[1]] = match[2]
    return found


OF_FIGURES = ("reports", "families.exclude", "label_limits", "min_group")
"""Options that select figures without changing their meaning; they may differ between runs."""


def loose(chosen: Sequence[Source]) -> Sequence[str]:
    return ("--from", "--to", *(f"{each.name}: {name}" for each in chosen for name in OF_FIGURES))


def asked(options: Mapping[str, str], chosen: Sequence[Source]) -> Mapping[str, str]:
    """Returns the options that the figures depend on, by name; of the configuration only digests."""
    parts = dict(options)
    for each in chosen:
        target = each.target
        values = {
            **fingerprint(each),
            "reports": "\n".join(report.name for report in target.reports),
            "families.exclude": "\n".join(target.excluded),
            "label_limits": repr(target.limits),
            "min_group": str(target.min_group),
        }
        parts |= {f"{each.name}: {name}": digest(value) for name, value in values.items()}
    return parts
