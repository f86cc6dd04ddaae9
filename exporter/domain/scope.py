"""What of a source is wanted: one company or all, and the zone of its days."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Scope:
    """What the operator narrowed a source to, and the `zone` of its days.

    `company_id` is set when exactly one company, by id, is wanted.
    """

    company_id: str | None = None
    zone: ZoneInfo = UTC
