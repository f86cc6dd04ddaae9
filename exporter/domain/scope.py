"""What is requested from a source: one company or all, and the time zone of its days."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Scope:
    """`company_id` is set if exactly one company is wanted, by its id; days are those of `zone`."""

    company_id: str | None = None
    zone: ZoneInfo = UTC
