"""Finds settings that are valid but have no effect: a line each, for `check` and the log."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from fnmatch import fnmatchcase

from exporter.domain.nearest import nearest, remedy
from exporter.metrics.activities import HELP
from exporter.metrics.report_health import REPORT_FAMILIES, REPORT_GAUGES
from exporter.metrics.windows import family_of, windows
from exporter.platforms.api import Platform
from exporter.settings.readers import quoted
from exporter.settings.settings import Settings, Source


def without_effect(settings: Settings, now: datetime) -> Iterator[str]:
    """Yields a line for each exclusion without a family, expired key, and limit of an activity that no source has."""
    for source in settings.sources.values():
        known = _families(source.platform)
        for glob in source.target.excluded:
            if not any(fnmatchcase(name, glob) for name in known):
                near = nearest(glob, known)
                instead = f"did you mean {quoted(near)}?" if near else "the command `metrics` prints all of them"
                yield f"sources.{source.name}.families.exclude: {quoted(glob)} matches no family; {instead}"
        today = now.astimezone(source.target.rules.zone).date()
        if source.api_key_expires is not None and source.api_key_expires <= today:
            place = f"sources.{source.name}.api_key_expires"
            yield f"{place}: the key expired on {source.api_key_expires}; replace it and set the new expiry date"
    for activity, platforms in _of_nobody(settings.sources):
        titles = " or ".join(each.title for each in platforms)
        offered = sorted({name for each in platforms for name in _activities(each)})
        yield (
            f"thresholds: {quoted(activity)} is not an activity of {titles}, so its limit has no effect;"
            f" {remedy(activity, offered)}"
        )


def _families(platform: Platform) -> tuple[str, ...]:
    """Returns all families that a source of the platform may exclude, those of a backfill too."""
    found = dict.fromkeys((*HELP, *(each.name for each in (*REPORT_GAUGES, *REPORT_FAMILIES))))
    for report in platform.reports.values():
        for measure in report.measures:
            found |= dict.fromkeys(family_of(measure, each, report).name for each in windows(measure) or (None,))
            found |= {f"{measure.family}_daily": None}
    return tuple(found)


def _activities(platform: Platform) -> frozenset[str]:
    return frozenset(activity.name for measure in platform.measures for activity in measure.activities)


def _of_nobody(sources: Mapping[str, Source]) -> Iterator[tuple[str, Iterable[Platform]]]:
    """Yields activities that no source of their entry has, with the platforms of those sources."""
    held: dict[tuple[str, str], dict[str, Platform]] = {}
    for source in sources.values():
        _built_in, *given = source.target.company_limits.thresholds
        for threshold in given:
            for activity in threshold.activities:
                held.setdefault((threshold.source, activity), {})[source.platform.name] = source.platform
    for (_, activity), platforms in held.items():
        if not any(activity in _activities(each) for each in platforms.values()):
            yield activity, platforms.values()
