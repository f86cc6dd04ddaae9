"""What is asked of a source: one company or all, and the zone of its days."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Scope:
    """`company_id` is set if exactly one company, by id, is wanted; `zone` is that of the days."""

    company_id: str | None = None
    zone: ZoneInfo = UTC
