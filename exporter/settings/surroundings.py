"""What options are judged against, and how a rule gets hold of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from pydantic import ValidationInfo

from exporter.source import Platform


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The platforms that are installed, the names of the calendars, and the folder that relative paths start from."""

    platforms: Mapping[str, Platform]
    calendars: frozenset[str]
    folder: Path


def around(info: ValidationInfo) -> Surroundings:
    """Returns what the validation was started with."""
    return cast("Surroundings", info.context)


def platform_of(info: ValidationInfo) -> Platform | None:
    """Returns the source's platform, unless its name is wrong, which is said already."""
    return around(info).platforms.get(info.data.get("platform", ""))
