"""An answer's descriptions of its fields, and the paths of its numbers; without figures or names."""

from collections.abc import Iterator

from exporter.domain.model import FieldNote
from exporter.domain.text import enumerated
from exporter.platforms import json_outline, json_values

ARRAYS = {"reporting": "metadata", "reporting_agents": "metadata_agent"}
"""The arrays of companies, each with the key of the object that describes its fields."""
LONGEST_NOTE = 200
"""Characters of a field's description."""


def fields(metadata: object) -> frozenset[str]:
    """Returns the fields that an answer describes: keys of its metadata with `description` and `unit`."""
    described = metadata.items() if isinstance(metadata, dict) else ()
    return frozenset(
        field for field, note in described if isinstance(note, dict) and note.keys() >= {"description", "unit"}
    )


def notes(root: object) -> tuple[FieldNote, ...]:
    """Returns an answer's different field descriptions; what is not text is ignored."""
    metadata = [root.get(key) for key in ARRAYS.values()] if isinstance(root, dict) else []
    found = set()
    for field, note in (pair for each in metadata if isinstance(each, dict) for pair in each.items()):
        unit, text = (note.get("unit"), note.get("description")) if isinstance(note, dict) else (None, None)
        if isinstance(unit, str) and isinstance(text, str):
            found.add(FieldNote(*(json_values.label(part)[:LONGEST_NOTE] for part in (field, unit, text))))
    return tuple(sorted(found))


def summary(root: object) -> str:
    """Says what an answer describes and where it has numbers, for the message that it cannot be read."""
    if not isinstance(root, dict):
        return f"The answer is {json_outline.summary(root)}."
    keys = [key for key in ARRAYS.values() if isinstance(root.get(key), dict)]
    described = sorted({json_values.key(field) for key in keys for field in root[key]})
    says = f"metadata describes: {enumerated(described) or 'nothing'}" if keys else "metadata is absent"
    rest = {key: value for key, value in root.items() if key not in keys}
    return f"{says}. Numbers found at: {enumerated(sorted(set(numbers(rest, '')))) or 'no place'}."


def numbers(value: object, path: str, depth: int = json_values.DEEPEST) -> Iterator[str]:
    """Yields the paths of all numbers but ids; possible names are shown as `*`."""
    if isinstance(value, list | json_values.Listed) and depth:
        for each in value:
            yield from numbers(each, f"{path}[]", depth - 1)
    elif isinstance(value, dict) and depth:
        # An object of nothing but numbers, or of such objects, may map names to them; an item of a list does not.
        is_record = not path or path.endswith("[]") or any(isinstance(each, str | list) for each in value.values())
        for key, each in value.items():
            if not json_values.is_identity(key):
                shown = json_values.key(key) if is_record else "*"
                yield from numbers(each, f"{path}.{shown}" if path else shown, depth - 1)
    elif json_values.is_number(value):
        yield path
