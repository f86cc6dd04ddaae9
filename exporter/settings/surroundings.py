"""What options are judged against, and how a rule gets hold of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from pydantic import ValidationInfo

from exporter.platforms.api import Platform


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The installed platforms, the names of calendars and sources, the folder that relative paths start from."""

    platforms: Mapping[str, Platform]
    calendars: frozenset[str]
    folder: Path
    sources: frozenset[str] = frozenset()

    @property
    def activities(self) -> frozenset[str]:
        """The activities that some report of some platform has."""
        return frozenset(
            activity.name
            for platform in self.platforms.values()
            for report in platform.reports.values()
            for measure in report.measures
            for activity in measure.activities
        )


def around(info: ValidationInfo) -> Surroundings:
    """Returns what the validation was started with."""
    return cast("Surroundings", info.context)


def platform_of(info: ValidationInfo) -> Platform | None:
    """Returns the source's platform, unless its name is wrong, which is said already."""
    return around(info).platforms.get(info.data.get("platform", ""))
