"""Paradigm's reports without a published schema: read by the answer's description, or by an operator's fields."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial

from exporter.domain.errors import SchemaError
from exporter.domain.model import Column, Kind, Measure, Reading
from exporter.domain.wording import enumerated
from exporter.platforms import jmespath_fields, json_outline, json_values
from exporter.platforms.api import Context, Fields, FigureFields, Request
from exporter.platforms.further_page import further_page
from exporter.platforms.paradigm.alike import AlikeReader, NotAlikeError
from exporter.platforms.paradigm.report import ARRAYS, ReportEndpoint, notes
from exporter.platforms.paradigm.survey import PEOPLE, FieldSurvey, Place, UnclearError, choose, number_paths, survey
from exporter.platforms.reading_builder import ALL, ReadingBuilder, RowKey

FiguresByRow = dict[RowKey, dict[Column, float]]

FIELDS_SHOWN = 20  # on a line of the probe
DOCS = 'docs/development/platform-apis.md, "Reports without a published schema"'


@dataclass(frozen=True, slots=True)
class _Undocumented(ReportEndpoint):
    """A report without a published schema, with one measure and one part."""

    measure: Measure

    @property
    def measures(self) -> tuple[Measure, ...]:
        return (self.measure,)

    @property
    def parts(self) -> Mapping[str, tuple[Column, ...]]:
        """One part; the values of a label are not known in advance."""
        return {ALL: () if self.measure.labels else (Column(self.measure.family),)}

    @property
    def has_days(self) -> bool:
        return self.measure.kind is not Kind.LEVEL

    def refusal(self, complaint: str, root: object, context: Context, option: str = "") -> SchemaError:
        """Returns an error that says why an answer cannot be read, what is in it, and which option helps."""
        place = f"sources.{context.source}.overrides.{self.name}{option}"
        remedy = f"Remedy: set {place} (see {DOCS})"
        return SchemaError(f"{context.source}/{self.name}: {complaint}. {_summary(root)} {remedy}")


@dataclass(frozen=True, slots=True)
class MappedReport(_Undocumented):
    """A report that is read by an operator's fields."""

    fields: Fields

    def decode(self, body: bytes, request: Request, context: Context) -> Reading:
        root = json_values.parse(body)
        reader = self._read(root, request, context)
        for option, (text, found) in reader.samples.items():
            if found is None:
                raise self.refusal(f'fields.{option} ("{text}") finds nothing', root, context, f".fields.{option}")
        return reader.rows.reading(fields=notes(root))

    def explain(self, body: bytes, request: Request, context: Context) -> tuple[str, ...]:
        return self._read(json_values.parse(body), request, context).explanation

    def _read(self, root: object, request: Request, context: Context) -> jmespath_fields.Reader:
        rows = ReadingBuilder(request.days, context, next_page=further_page(root))
        labels = (("label", self.fields.label),) if self.fields.label else ()
        figure = FigureFields(self.fields.value, self.fields.items, labels)
        reader = jmespath_fields.Reader(self.fields, ((self.measure, figure),), rows, "fields.")
        reader.read(root)
        return reader


@dataclass(frozen=True, slots=True)
class DescribedReport(_Undocumented):
    """A report whose figure is chosen among those that its answer describes."""

    likely: tuple[str, ...]

    def decode(self, body: bytes, request: Request, context: Context) -> Reading:
        return self.read(json_values.opened(body, ARRAYS), request, context)

    def read(self, root: object, request: Request, context: Context) -> Reading:
        """Reads a parsed answer."""
        rows = ReadingBuilder(request.days, context, next_page=further_page(root))
        with suppress(NotAlikeError, UnclearError):
            AlikeReader(self.measure, self.likely, rows).read(root)
            return rows.reading(fields=notes(root))
        found, place, _ = self._choose(root, request, context)
        by_row = self._people(found, place.holder) if place and place.shape == PEOPLE else self._figures(found, place)
        if by_row is None:
            raise self.refusal("different people in chats and with agents cannot be added up", root, context)
        for key, figures in by_row.items():
            found.rows.add(key, figures)
        return found.rows.reading(fields=notes(root))

    def explain(self, body: bytes, request: Request, context: Context) -> tuple[str, ...]:
        """Says which field was chosen and why, what it feeds, and which fields are described."""
        root = json_values.opened(body, ARRAYS)
        _, place, why = self._choose(root, request, context)
        if place is None:
            return ()
        described = enumerated([f"{note.field} ({note.unit})" for note in notes(root)], FIELDS_SHOWN)
        return (f"{self.measure.family} is fed by {place}: {why}; described are {described}",)

    def _choose(self, root: object, request: Request, context: Context) -> tuple[FieldSurvey, Place | None, str]:
        """Returns all described figures, the place to read, None if no row lists anything, and why it was chosen."""
        if not isinstance(root, dict) or not isinstance(root.get("reporting"), list | json_values.Listed):
            raise self.refusal('expected an object with a list "reporting"', root, context)
        if not isinstance(root.get("reporting_agents", []), list | json_values.Listed):
            raise self.refusal('"reporting_agents" is not a list', root, context)
        found = survey(root, ReadingBuilder(request.days, context, next_page=further_page(root)))
        if found.has_levels:
            raise self.refusal("companies have no dates, so figures belong to no day", root, context)
        if all(row.bare and not row.people for row in found.seen.values()):
            return found, None, ""
        try:
            return found, *choose(found, self.likely, of_items=bool(self.measure.labels))
        except UnclearError as error:
            raise self.refusal(str(error), root, context) from None

    def _people(self, found: FieldSurvey, listed_in: str) -> FiguresByRow:
        """Returns the number of people in the lists of this name by row, each person once over both arrays."""
        people: dict[RowKey, frozenset[str]] = {}
        by_row: FiguresByRow = {}
        for key, row in found.seen.items():
            figures = by_row.setdefault(whose := key._replace(part=ALL), {})
            if listed_in in row.people:
                people[whose] = people.get(whose, frozenset()) | row.people[listed_in]
                figures[Column(self.measure.family)] = float(len(people[whose]))
            elif not row.bare:
                found.rows.note("missing", f"{key.part}[].dates[].{json_values.key(listed_in)}")
        return by_row

    def _figures(self, found: FieldSurvey, place: Place | None) -> FiguresByRow | None:
        """Returns the figures at the place by row; None if people may be counted twice."""
        by_row: FiguresByRow = {}
        family, unread = self.measure.family, set[RowKey]()
        column_of = cache(partial(Column, family))
        for key, row in found.seen.items():
            whose = key._replace(part=ALL)
            figures = by_row.setdefault(whose, {})
            values, marker = row.at(place, found.rows, f"{key.part}[].dates[].", has_labels=bool(self.measure.labels))
            for label_values, value in values:
                column = column_of(label_values)
                if column in figures and self.measure.kind is Kind.DISTINCT:
                    return None
                figures[column] = figures.get(column, 0.0) + value
            if marker is None:
                unread.add(whose)
            elif self.measure.labels:
                figures[Column(family)] = min(marker, figures.get(Column(family), marker))
        for whose in unread if self.measure.labels else ():
            by_row[whose].pop(Column(family), None)
        return by_row


def _summary(root: object) -> str:
    """Says what an answer describes and where it has numbers, for the message that it cannot be read."""
    if not isinstance(root, dict):
        return f"The answer is {json_outline.summary(root)}."
    keys = [key for key in ARRAYS.values() if isinstance(root.get(key), dict)]
    described = sorted({json_values.key(field) for key in keys for field in root[key]})
    says = f"metadata describes: {enumerated(described) or 'nothing'}" if keys else "metadata is absent"
    rest = {key: value for key, value in root.items() if key not in keys}
    return f"{says}. Numbers found at: {enumerated(sorted(set(number_paths(rest, '')))) or 'no place'}."
