"""What is requested from a source: one company or all, and the time zone of its days."""

from zoneinfo import ZoneInfo

from msgspec import Struct

UTC = ZoneInfo("UTC")


class Scope(Struct, frozen=True):
    """`company_id` is set if exactly one company is wanted, by its id; days are those of `zone`."""

    company_id: str | None = None
    zone: ZoneInfo = UTC
