"""What the answers about a report come to, folded into what is held; pure."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from exporter.domain.calendars import day_at
from exporter.domain.model import FieldNote, Reading
from exporter.ledger.corrections import Corrections, corrections
from exporter.ledger.day_status import published_days
from exporter.ledger.ledger import Asked, Ledger, fold
from exporter.platforms.api import Report, Request
from exporter.polling.target import Target


class Answer(NamedTuple):
    """What was asked, the whole body that came, and what it says."""

    request: Request
    body: bytes
    reading: Reading


@dataclass(frozen=True, slots=True)
class Folded:
    """What came of the answers.

    `names` are all companies that the answers list, wanted or not. `drifted` are, by kind (unknown, missing, retyped),
    the sorted paths of the fields that are not as documented; `violations` counts rows that cannot be true,
    `outside_range` those of days that nobody asked for; `fields` is what the answers say of their fields.
    `corrections` tell what changed, `day_bytes` how large a day of an answer is.
    """

    ledger: Ledger
    names: Mapping[str, str]
    drifted: Mapping[str, tuple[str, ...]]
    violations: Mapping[str, int]
    outside_range: int
    fields: tuple[FieldNote, ...]
    corrections: Corrections
    day_bytes: float

    @property
    def drift(self) -> Mapping[str, int]:
        """How many fields are not as documented, by kind."""
        return {kind: len(paths) for kind, paths in self.drifted.items()}

    @property
    def surprises(self) -> Mapping[str, int]:
        """All that was odd, by kind, for the log: fields of drift, rows of violations, rows outside the range."""
        outside = {"outside_range": self.outside_range} if self.outside_range else {}
        return {**self.drift, **self.violations, **outside}


def fold_answers(target: Target, report: Report, ledger: Ledger, answers: Collection[Answer], now: datetime) -> Folded:
    """Folds all answers of a report that were asked for at `now`; there is at least one.

    Raises:
        ReportError: one of them contradicts what is held; then none counts.
    """
    today = day_at(now, target.rules.zone)
    folded, size, names = ledger, 0, dict[str, str]()
    asked, drift, fields = set[date](), dict[str, frozenset[str]](), dict[str, FieldNote]()
    violations, outside = Counter[str](), 0
    for request, body, reading in answers:
        folded = fold(folded, reading, Asked(request.days, today, now, target.rules.keep_days), target.companies.wants)
        names.update(reading.names)
        drift.update({kind: paths | drift.get(kind, frozenset()) for kind, paths in reading.drift.items()})
        violations.update(reading.violations)
        fields.update({note.field: note for note in reading.fields})
        asked.update(request.days)
        outside, size = outside + reading.outside_range, size + len(body)
    served = published_days(ledger, now, target.rules) & asked & folded.blocks.keys()
    return Folded(
        ledger=folded,
        names=names,
        drifted={kind: tuple(sorted(paths)) for kind, paths in drift.items()},
        violations=violations,
        outside_range=outside,
        fields=tuple(sorted(fields.values())),
        corrections=corrections(ledger, folded, served, report.measures),
        day_bytes=size / len(asked),
    )
