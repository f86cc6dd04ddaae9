"""Paradigm's reports without a published schema: read by the answer's description, or by an operator's fields."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache

from exporter.domain.errors import SchemaError
from exporter.domain.model import READ_COMPLETELY, READ_IN_PART, Column, Kind, Measure, Reading
from exporter.domain.text import enumerated
from exporter.platforms import jmespath_fields, json_values
from exporter.platforms.api import Context, Fields, Request
from exporter.platforms.further_page import further_page
from exporter.platforms.paradigm import field_notes, survey
from exporter.platforms.paradigm.alike import AlikeReader, Filed, NotAlikeError
from exporter.platforms.paradigm.choose_field import Choice, NoChoice, Wanted, choose
from exporter.platforms.paradigm.requests import ReportEndpoint
from exporter.platforms.paradigm.survey import LIST, FieldSurvey, Place, RowSurvey
from exporter.platforms.reading_builder import ReadingBuilder, RowKey

FIELDS_SHOWN = 20
"""Fields on a line of the probe."""
DOCS = 'docs/development/platform-apis.md, "Reports without a published schema"'


@dataclass(frozen=True, slots=True)
class _Undocumented(ReportEndpoint):
    """A report with one measure and one part."""

    measure: Measure
    part: str

    @property
    def measures(self) -> tuple[Measure, ...]:
        return (self.measure,)

    @property
    def parts(self) -> Mapping[str, tuple[Column, ...]]:
        """One part; the values of a label are not known in advance."""
        return {self.part: () if self.measure.labels else (Column(self.measure.family),)}

    @property
    def has_days(self) -> bool:
        return self.measure.kind is not Kind.LEVEL

    def refusal(self, complaint: str, root: object, context: Context, option: str = "") -> SchemaError:
        """Returns an error that says why an answer cannot be read, what is in it, and which option helps."""
        place = f"sources.{context.source}.overrides.{self.name}{option}"
        return SchemaError(
            f"{context.source}/{self.name}: {complaint}. {field_notes.summary(root)} Remedy: set {place} (see {DOCS})"
        )

    def close(self, rows: ReadingBuilder, root: object) -> Reading:
        metadata = (root.get(key) for key in survey.ARRAYS.values()) if isinstance(root, dict) else ()
        return rows.reading(frozenset({self.part}), field_notes.notes(*metadata))


@dataclass(frozen=True, slots=True)
class MappedReport(_Undocumented):
    """A report that is read by an operator's fields; without days its figures are levels of now."""

    fields: Fields

    def decode(self, body: bytes, request: Request, context: Context) -> Reading:
        root = json_values.parse(body)
        reader = self._read(root, request, context)
        for option, (text, found) in reader.samples.items():
            if found is None:
                raise self.refusal(f'fields.{option} ("{text}") finds nothing', root, context, f".fields.{option}")
        return self.close(reader.rows, root)

    def explain(self, body: bytes, request: Request, context: Context) -> tuple[str, ...]:
        return self._read(json_values.parse(body), request, context).explanation

    def _read(self, root: object, request: Request, context: Context) -> jmespath_fields.Reader:
        rows = ReadingBuilder(request.days, context, next_page=further_page(root))
        fields = self.fields if self.fields.days else replace(self.fields, date=None)
        reader = jmespath_fields.Reader(fields, {self.measure.family: fields.figure}, self.part, rows, "fields.")
        reader.read(root)
        return reader


@dataclass(frozen=True, slots=True)
class DescribedReport(_Undocumented):
    """A report whose figure is chosen among those that its answer describes."""

    wanted: Wanted

    def mapped(self, fields: Fields) -> MappedReport:
        """Returns the same report, read by an operator's fields."""
        measure = self.measure if fields.days else replace(self.measure, kind=Kind.LEVEL)
        return MappedReport(self.name, self.path, self.day_bytes, measure, self.part, fields)

    def decode(self, body: bytes, request: Request, context: Context) -> Reading:
        return self.read(json_values.opened(body, survey.ARRAYS), request, context)

    def read(self, root: object, request: Request, context: Context) -> Reading:
        """Reads a parsed answer."""
        rows = ReadingBuilder(request.days, context, next_page=further_page(root))
        with suppress(NotAlikeError):
            for key, figures in AlikeReader(self.measure, self.part, self.wanted, rows).read(root).items():
                rows.add(key, figures)
            return self.close(rows, root)
        found = self._survey(root, request, context)
        filed = self._filed(found, self._choice(found, root, context))
        if filed is None:
            raise self.refusal("different people in chats and with agents cannot be added up", root, context)
        for key, figures in filed.items():
            found.rows.add(key, figures)
        return self.close(found.rows, root)

    def explain(self, body: bytes, request: Request, context: Context) -> tuple[str, ...]:
        """Says which field was chosen and why, what it feeds, and which fields are described."""
        root = json_values.opened(body, survey.ARRAYS)
        choice = self._choice(self._survey(root, request, context), root, context)
        if choice is None:
            return ()
        fields = enumerated(
            [f"{note.field} ({note.unit})" for note in self.decode(body, request, context).fields], FIELDS_SHOWN
        )
        return (f"{self.measure.family} is fed by {choice.place}: {choice.why}; described are {fields}",)

    def _survey(self, root: object, request: Request, context: Context) -> FieldSurvey:
        if not isinstance(root, dict) or not isinstance(root.get("reporting"), list | json_values.Listed):
            raise self.refusal('expected an object with a list "reporting"', root, context)
        if not isinstance(root.get("reporting_agents", []), list | json_values.Listed):
            raise self.refusal('"reporting_agents" is not a list', root, context)
        return survey.survey(root, ReadingBuilder(request.days, context, next_page=further_page(root)))

    def _choice(self, found: FieldSurvey, root: object, context: Context) -> Choice | None:
        """Chooses the place to read; None if no row lists anything."""
        if found.levels:
            raise self.refusal("companies have no dates, so figures belong to no day", root, context)
        if all(row.bare and not row.people for row in found.seen.values()):
            return None
        choice = choose(found, self.wanted)
        if isinstance(choice, NoChoice):
            raise self.refusal(choice.words, root, context)
        return choice

    def _filed(self, found: FieldSurvey, choice: Choice | None) -> Filed | None:
        """Returns the figures of the chosen place by row; None if people may be counted twice."""
        filed: Filed = {self._key(key): {} for key in found.seen}
        if choice and choice.people:
            for whose, people in _crowds(found, choice.place.holder):
                filed[self._key(whose)] = {Column(self.measure.family): float(len(people))}
        elif choice and not self._add(filed, found, choice.place):
            return None
        if self.measure.labels:
            self._mark(filed, found, choice.place if choice else None)
        return filed

    def _add(self, filed: Filed, found: FieldSurvey, place: Place) -> bool:
        """Adds the figures of a place to their rows; returns False if people may be counted twice."""
        column_of = cache(lambda label: Column(self.measure.family, () if label is None else (label,)))
        chosen = str(place)
        for key, row in found.seen.items():
            figures = filed[self._key(key)]
            path = f"{key.part}[].dates[]."
            for guess in {figure.place for figure in row.figures if figure.is_guess} - {place}:
                found.rows.note("unknown", f"{path}{guess}")
            for label, value in self._chosen(row, place, found.rows, f"{path}{chosen}"):
                column = column_of(label)
                if column in figures and self.measure.kind is Kind.DISTINCT:
                    return False
                figures[column] = figures.get(column, 0.0) + value
        return True

    def _mark(self, filed: Filed, found: FieldSurvey, place: Place | None) -> None:
        """Adds read markers to the rows that could be read in each array."""
        for key, figures in filed.items():
            here = (found.seen.get(key._replace(part=array)) for array in survey.ARRAYS)
            markers = [_read_marker(row, place) for row in here if row is not None]
            known = [marker for marker in markers if marker is not None]
            if known == markers:
                figures[Column(self.measure.family)] = min(known)

    def _key(self, row: RowKey) -> RowKey:
        return RowKey(self.part, row.company_id, row.day)

    def _chosen(
        self, row: RowSurvey, place: Place, rows: ReadingBuilder, path: str
    ) -> Iterator[tuple[str | None, float]]:
        """Yields the figures of a row at the chosen place by label, and notes what is missing."""
        expected = row.lengths.get(place.holder, 1) if place.shape == LIST else 1
        found = [figure for figure in row.figures if figure.place == place]
        if len(found) < expected and not row.bare:
            rows.note("missing", path)
        for figure in found:
            if figure.value is None:
                continue
            if not figure.value.is_integer():
                rows.note("retyped", path)
            if not self.measure.labels:
                yield None, figure.value
            elif figure.label is not None:
                yield figure.label, figure.value
            else:
                rows.note("missing", f"{path.rpartition('.')[0]}.name")


def _read_marker(row: RowSurvey, place: Place | None) -> float | None:
    """Returns the read marker of a row whose figures are at this place; None if they could not be read.

    A bare row is a complete reading only if it has an empty list.
    """
    if row.bare:
        has_list = place.holder in row.lengths if place else bool(row.lengths)
        return READ_COMPLETELY if has_list else READ_IN_PART
    found = [figure for figure in row.figures if figure.place == place]
    expected = row.lengths.get(place.holder, 1) if place and place.shape == LIST else 1
    if len(found) < expected or any(figure.value is None for figure in found):
        return None
    named = sum(figure.label is not None for figure in found)
    if named == len(found):
        return READ_COMPLETELY
    return READ_IN_PART if named else None


def _crowds(found: FieldSurvey, listed_in: str) -> Iterator[tuple[RowKey, frozenset[str]]]:
    """Yields the people in the lists of this name by company and day, each person once over both arrays."""
    crowds: dict[RowKey, frozenset[str]] = {}
    for key, row in found.seen.items():
        if listed_in in row.people:
            whose = key._replace(part="")
            crowds[whose] = crowds.get(whose, frozenset()) | row.people[listed_in]
        elif not row.bare:
            found.rows.note("missing", f"{key.part}[].dates[].{json_values.key(listed_in)}")
    yield from crowds.items()
