"""Reports of Paradigm: URL and requests of all, descriptions of fields, and those whose shape is documented.

{metadata, <array>: [{company: {id, name}, dates: [{date, ...}]}]}
msgspec decodes an entry that has exactly the documented keys and types; only moments need a further check. Any other
entry is read key by key, and each deviation is noted.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from operator import attrgetter
from typing import Any

from msgspec import Struct

from exporter.domain.calendars import ONE_DAY
from exporter.domain.errors import SchemaError
from exporter.domain.model import Column, Days, FieldNote, Measure, Reading
from exporter.domain.scope import Scope
from exporter.platforms import api, json_outline, json_values
from exporter.platforms.api import END_DATE, NO_DISCOVERIES, Context, Discoveries, ReportDefaults, Request
from exporter.platforms.further_page import further_page
from exporter.platforms.paradigm.documented_array import COMPANY, Array, Items
from exporter.platforms.reading_builder import Invariant, ReadingBuilder, RowKey

API = "/api/v2"
INVARIANTS = ("with_docs_gt_responses", "likes_dislikes_gt_responses", "active_gt_ever")
"""Of all reports together: each is served for every report, even if it cannot break it."""
ARRAYS = {"reporting": "metadata", "reporting_agents": "metadata_agent"}
"""The arrays of an answer, each with the key of the object that describes its fields."""
LONGEST_NOTE = 200  # characters of a field's description


def base_url(text: str) -> str:
    """Leaves out `/api/v2`, which LightOn's own PARADIGM_BASE_URL includes; ValueError if it is an endpoint."""
    url = api.base_url(text, API)
    if re.search(r"/api/v\d+(/|$)", url.partition("://")[2]):
        raise ValueError("it ends in an endpoint or another API version; give the part before /api/v2")
    return url


@dataclass(frozen=True, slots=True)
class ReportEndpoint(ReportDefaults):
    """One reporting endpoint: the label `report`, the path, and approximate bytes of a company's day."""

    name: str
    path: str
    day_bytes: int

    invariants = INVARIANTS

    def plan(self, days: Days, scope: Scope, discoveries: Discoveries = NO_DISCOVERIES) -> tuple[Request, ...]:
        """Requests all days at once, with both ends; without `end_date` the server would use its own today.

        That `end_date` is inclusive is inferred; once that turns out to be wrong, the day after is sent.
        `company_id` "works for admin users only" (OpenAPI); the answer to a company admin is unknown, so the request
        is sent again without it after a refusal.
        """
        end = days.last + ONE_DAY if END_DATE in discoveries else days.last
        params = {"start_date": days.first.isoformat(), "end_date": end.isoformat()}
        everything = Request(self.name, self.path, params, days)
        if scope.company_id is None:
            return (everything,)
        return (Request(self.name, self.path, {**params, "company_id": scope.company_id}, days, instead=everything),)


def notes(root: object) -> tuple[FieldNote, ...]:
    """Returns an answer's different field descriptions; what is not text is ignored."""
    metadata = [root.get(key) for key in ARRAYS.values()] if isinstance(root, dict) else []
    found = set()
    for field, note in (pair for each in metadata if isinstance(each, dict) for pair in each.items()):
        unit, text = (note.get("unit"), note.get("description")) if isinstance(note, dict) else (None, None)
        if isinstance(unit, str) and isinstance(text, str):
            found.add(FieldNote(*(json_values.label(part)[:LONGEST_NOTE] for part in (field, unit, text))))
    return tuple(sorted(found))


@dataclass(frozen=True, slots=True)
class DocumentedReport(ReportEndpoint):
    """A report of documented shape: its measures, the arrays of an answer, and the checks of each of its rows."""

    measures: tuple[Measure, ...]
    arrays: tuple[Array, ...]
    checks: tuple[Invariant, ...] = ()

    @cached_property
    def parts(self) -> Mapping[str, tuple[Column, ...]]:
        return {array.part: array.columns for array in self.arrays}

    @cached_property
    def has_days(self) -> bool:
        return any(array.dated for array in self.arrays)

    def decode(self, body: bytes, request: Request, context: Context) -> Reading:
        root = json_values.opened(body, {array.key for array in self.arrays})
        rows, fields = ReadingBuilder(request.days, context), root if isinstance(root, dict) else {}
        rows.expect(fields, {key for array in self.arrays for key in (array.key, ARRAYS[array.key])}, "")
        for array in self.arrays:  # a description that is missing affects no figure
            key = ARRAYS[array.key]
            described = fields.get(key)
            rows.expect(described, array.described, key)
            for field, note in described.items() if isinstance(described, dict) else ():
                rows.expect(note, {"description", "unit"}, f"{key}.{json_values.key(field)}")
        if rows.has_unknown_fields:  # no documented one is about pages
            rows.next_page = further_page(root)
        present = [array for array in self.arrays if array.key in fields]
        if not present:
            wanted = " or ".join(f'"{array.key}"' for array in self.arrays)
            raise SchemaError(f"expected an object with {wanted}, got {json_outline.summary(root)}")
        for array in present:
            ArrayReader(array, rows).read(fields[array.key])
        parts = frozenset(array.part for array in present)
        moments = {field.column for array in self.arrays for field, _ in array.moments}
        return rows.reading(parts, notes(root), invariants=self.checks, moments=moments)


class ArrayReader(Struct, frozen=True):
    """Reads one array of an answer into `rows`."""

    array: Array
    rows: ReadingBuilder

    def read(self, entries: object) -> None:
        """Reads the whole array; raises SchemaError if it is no list."""
        array = self.array
        if not isinstance(entries, list | json_values.Listed):
            raise SchemaError(f'expected a list of companies in "{array.key}", got {json_outline.summary(entries)}')
        self.rows.columns[array.part] = array.columns
        for entry in entries.by(array.decoder) if isinstance(entries, json_values.Listed) else entries:
            if isinstance(entry, Struct):
                self._documented(entry)
            else:
                self._deviating(entry)

    def _documented(self, entry: Any) -> None:
        """Adds the rows of an entry that is exactly as documented."""
        array, rows = self.array, self.rows
        company = str(entry.company.id)
        rows.name(company, json_values.label(entry.company.name))
        part, dated, date_path, items = array.part, array.dated, f"{array.path}.date", array.items
        moments, first_moment = array.moments, len(array.fields) - len(array.moments)
        for row in entry.dates if dated else (entry,):
            key = rows.key(part, company, row.date, date_path) if dated else rows.level_key(part, company)
            if key is None:
                continue
            values = array.values(row)
            if moments:
                written = zip(moments, values[first_moment:], strict=True)
                times = [
                    rows.figure(field.read(text), path, key, optional=field.optional) for (field, path), text in written
                ]
                values = (*values[:first_moment], *times)
            if items:
                listed = getattr(row, items.key)
                total = sum(map(attrgetter(items.number), listed), 0.0)
                values += total, len(set(map(attrgetter(items.identity), listed)))
            rows.add(key, values)

    def _deviating(self, parsed: object) -> None:
        """Adds the rows of an entry that deviates from the documentation, and notes how."""
        array, rows, path = self.array, self.rows, f"{self.array.key}[]"
        part, dated, date_path = array.part, array.dated, f"{array.path}.date"
        known = {"company", "dates"} if dated else array.row.keys()
        for entry in rows.objects([parsed], array.key, are_rows=True):
            rows.expect(entry, known, path)
            holder = entry.get("company")
            company = rows.company(holder, f"{path}.company")
            rows.expect(holder, COMPANY.keys(), f"{path}.company")
            if company is None:
                continue
            for row in rows.objects(entry.get("dates"), f"{path}.dates", are_rows=True) if dated else (entry,):
                rows.expect(row, array.row.keys(), array.path)
                key = rows.key(part, company, row.get("date"), date_path) if dated else rows.level_key(part, company)
                if key:
                    rows.add(key, tuple(self._deviating_values(row, key)))

    def _deviating_values(self, row: Mapping[str, object], key: RowKey) -> Iterator[float | None]:
        """Yields the figures of a row by `columns`; what is absent stays absent."""
        for name, fields in self.array.objects.items():
            holder, path = (row.get(name), f"{self.array.path}.{name}") if name else (row, self.array.path)
            if not isinstance(holder, dict):
                self.rows.note_misfit(holder, path)
                yield from repeat(None, len(fields))
                continue
            if name:
                self.rows.expect(holder, {field.key for field in fields}, path)
            for field in fields:
                found, place = field.read(holder.get(field.key)), f"{path}.{field.key}"
                yield self.rows.figure(found, place, key, optional=field.optional)
        if items := self.array.items:
            yield from self._item_figures(items, row.get(items.key), key)

    def _item_figures(self, items: Items, listed: object, key: RowKey) -> Iterator[float | None]:
        """Yields the sum of a list and its number of distinct ids; without any readable one the figure is absent."""
        rows, path, known = self.rows, f"{self.array.path}.{items.key}", items.ignored | {items.identity, items.number}
        numbers: list[float] = []
        ids: set[str] = set()
        for item in rows.objects(listed, path, are_rows=False):
            rows.expect(item, known, f"{path}[]")
            identity, flaw = json_values.identity(item.get(items.identity))
            rows.note(flaw, f"{path}[].{items.identity}")
            if identity is not None:
                ids.add(identity)
            number = rows.figure(json_values.count(item.get(items.number)), f"{path}[].{items.number}", key)
            if number is not None:
                numbers.append(number)
        nothing = listed == []
        yield sum(numbers, 0.0) if numbers or nothing else None
        yield float(len(ids)) if ids or nothing else None
