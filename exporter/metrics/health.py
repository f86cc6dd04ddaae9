"""How polling a report goes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from exporter.domain.model import FieldNote


@dataclass(frozen=True, slots=True)
class Health:
    """How polling a report goes: moments are None before the first; `outcome` is that of the last poll.

    `last_partial` is when the newest poll was made of which a part failed and a part was read. `history` is whether
    the past was asked for once; `restatements` counts figures that changed after they were served as complete,
    `restated_ratio` is how much of a day changed at the last poll, 0 to 1. `supported` is whether the platform has the
    report. `drift` counts fields by kind and `violations` rows by invariant, as of the last good poll; `fields` is what
    its answer says of its fields. `reason` is why the last poll failed, in one line; empty if it was good.
    """

    interval: timedelta
    last_attempt: datetime | None = None
    last_success: datetime | None = None
    duration: float | None = None
    outcome: str | None = None
    history: bool = False
    restatements: int = 0
    restated_ratio: float = 0.0
    supported: bool = True
    drift: Mapping[str, int] = field(default_factory=dict)
    violations: Mapping[str, int] = field(default_factory=dict)
    fields: tuple[FieldNote, ...] = ()
    last_partial: datetime | None = None
    reason: str = ""

    @property
    def read_at(self) -> datetime | None:
        """When the newest poll that read anything was made."""
        return max((each for each in (self.last_success, self.last_partial) if each is not None), default=None)
