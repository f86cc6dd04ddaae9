"""Configured selectors that match nothing in any source that they apply to.

chat_usage_config_unmatched_selector_info{source="production",option="companies.exclude",selector="id:12"} 1
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

from exporter.domain.model import Family, Sample
from exporter.metrics.report_view import SourceInfo

MOST_SERIES = 100
"""Selectors of a source that have a series; all are counted."""

Unmatched = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Selectors by source (or glob of sources) and option."""

UNMATCHED = Family(
    "chat_usage_config_unmatched_selectors",
    "Configured selectors that match nothing; one for several sources counts if it matches in none of them.",
    ("source", "option"),
)
UNMATCHED_INFO = Family(
    "chat_usage_config_unmatched_selector_info",
    "Always 1; a configured selector that matches nothing, at most 100 per source.",
    ("source", "option", "selector"),
)


def everywhere(infos: Collection[SourceInfo]) -> Unmatched:
    """Returns the selectors that match nothing in all of their sources, once these have been read."""
    unmatched = {info.source: {each for found in info.unmatched.values() for each in found} for info in infos}
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for info in infos:
        for option, entries in info.unmatched.items():
            found.setdefault(info.source, {}).setdefault(option, ())
            for entry in entries:
                holders = [own for source, own in unmatched.items() if fnmatchcase(source, entry.source)]
                if all(entry in own for own in holders):
                    written = found.setdefault(entry.source, {}).get(option, ())
                    found[entry.source][option] = tuple(dict.fromkeys((*written, entry.selector)))
    return found


def unmatched_families(source: str, by_option: Mapping[str, tuple[str, ...]]) -> tuple[Family, Family]:
    counts = (Sample((source, option), float(len(selectors))) for option, selectors in by_option.items())
    named = [(source, option, each) for option, selectors in sorted(by_option.items()) for each in selectors]
    return (
        replace(UNMATCHED, samples=tuple(counts)),
        replace(UNMATCHED_INFO, samples=tuple(Sample(labels, 1.0) for labels in named[:MOST_SERIES])),
    )
