"""A report whose shape Paradigm documents."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from exporter.domain.errors import SchemaError
from exporter.domain.model import Column, Measure, Reading
from exporter.platforms import json_outline, json_values
from exporter.platforms.api import Context, Request
from exporter.platforms.further_page import further_page
from exporter.platforms.paradigm import field_notes
from exporter.platforms.paradigm.documented_reader import Array, ArrayReader
from exporter.platforms.paradigm.requests import INVARIANTS, ReportEndpoint
from exporter.platforms.reading_builder import Invariant, ReadingBuilder


@dataclass(frozen=True, slots=True)
class DocumentedReport(ReportEndpoint):
    """A report of the shape `{metadata, <array>: [{company: {id, name}, dates: [{date, ...}]}]}`."""

    measures: tuple[Measure, ...]
    arrays: tuple[Array, ...]
    checks: tuple[Invariant, ...] = ()

    @cached_property
    def parts(self) -> Mapping[str, tuple[Column, ...]]:
        return {array.part: array.columns for array in self.arrays}

    @cached_property
    def has_days(self) -> bool:
        return any(array.dated for array in self.arrays)

    @cached_property
    def invariants(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*INVARIANTS, *(check.name for check in self.checks))))

    def decode(self, body: bytes, request: Request, context: Context) -> Reading:
        root = json_values.opened(body, {array.key for array in self.arrays})
        rows = ReadingBuilder(request.days, context, next_page=further_page(root))
        parts = frozenset(array.part for array in self.arrays if isinstance(root, dict) and array.key in root)
        if not isinstance(root, dict) or not parts:
            wanted = " or ".join(f'"{array.key}"' for array in self.arrays)
            raise SchemaError(f"expected an object with {wanted}, got {json_outline.summary(root)}")
        self._expect(root, rows)
        for array in self.arrays:
            if array.part in parts:
                ArrayReader(array, rows).read(root[array.key])
        fields = (field for array in self.arrays for of_object in array.objects.values() for field in of_object)
        moments = {field.column for field in fields if field.read is json_values.moment}
        notes = field_notes.notes(*(root.get(array.metadata) for array in self.arrays))
        return rows.reading(parts, notes, invariants=self.checks, moments=moments)

    def _expect(self, root: Mapping[str, object], rows: ReadingBuilder) -> None:
        """Notes undocumented keys beside the arrays; missing ones affect no figure."""
        rows.expect(root, {key for array in self.arrays for key in (array.key, array.metadata)}, "")
        for array in self.arrays:
            key = array.metadata
            described = root.get(key)
            if isinstance(described, dict):
                rows.expect(described, array.described, key)
                for field, note in described.items():
                    if isinstance(note, dict):
                        rows.expect(note, {"description", "unit"}, f"{key}.{json_values.key(field)}")
