"""Reads an answer by an operator's expressions (JMESPath), one per level, since none can look at its parent."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import jmespath
from jmespath.exceptions import ParseError
from jmespath.functions import Functions

from exporter.domain.model import Column
from exporter.platforms import json_values
from exporter.platforms.api import Expression, Fields
from exporter.platforms.reading_builder import ReadingBuilder, RowKey


def expression(text: str) -> Expression:
    """Compiles an expression; a ValueError says in one line why it is none."""
    try:
        compiled = jmespath.compile(text)
    except ParseError as error:
        raise ValueError(f"is no JMESPath expression: it goes wrong at character {error.lex_position + 1}") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    for name, arguments in _calls(compiled.parsed):
        _refuse_bad_call(name, arguments)

    def search(value: object) -> object:
        try:
            found: object = compiled.search(value)
        except (ValueError, ArithmeticError):  # a function was given what it does not take, such as length(null)
            return None
        return found

    return Expression(text, search)


def _calls(node: object) -> Iterator[tuple[str, int]]:
    """Yields the functions that an expression calls, each with the number of its arguments."""
    if not isinstance(node, dict):
        return
    if node["type"] == "function_expression":
        yield node["value"], len(node["children"])
    for child in (*node["children"], node.get("value")):
        yield from _calls(child)


def _refuse_bad_call(name: str, arguments: int) -> None:
    """Finds at once what the library finds when the function is first called."""
    function = Functions.FUNCTION_TABLE.get(name)
    if function is None:
        raise ValueError(f"calls {name}(), which is no function of JMESPath")
    signature = function["signature"]
    variadic = bool(signature) and signature[-1].get("variadic", False)
    if arguments < len(signature) or (arguments > len(signature) and not variadic):
        least = "at least " if variadic else ""
        raise ValueError(f"calls {name}() with {arguments} arguments; it takes {least}{len(signature)}")


@dataclass(slots=True)
class Reader:
    """Reads one answer into `rows` of a part, for the family of a measure with at most one label."""

    fields: Fields
    family: str
    part: str
    rows: ReadingBuilder
    _found: dict[str, bool] = field(default_factory=dict)

    @property
    def fruitless(self) -> tuple[str, ...]:
        """The options whose expressions found nothing wherever they were tried, from the outer ones to the inner."""
        return tuple(option for option, found in self._found.items() if not found)

    def read(self, root: object) -> None:
        for entry in self._list("entries", self.fields.entries, root):
            identity = self._find("company_id", self.fields.company_id, entry)
            name = self._find("company", self.fields.company, entry)
            company = self.rows.named(identity, name, ("fields.company_id", "fields.company"))
            if company is not None:
                self._entry(company, entry)

    def _entry(self, company: str, entry: object) -> None:
        if self.fields.days is None:
            self._row(self.rows.level_key(self.part, company), entry)
            return
        for day in self._list("days", self.fields.days, entry):
            date = self._find("date", self.fields.date, day)
            if key := self.rows.key(self.part, company, date, "fields.date"):
                self._row(key, day)

    def _row(self, key: RowKey, row: object) -> None:
        figures: dict[Column, float] = {}
        if self.fields.items is None:
            self._value(row, Column(self.family), figures, key)
        else:
            items = self._find("items", self.fields.items, row)
            if items == []:
                self.rows.listed -= 1  # it lists nothing: no figure can be expected of it
            for item in items if isinstance(items, list) else ():
                if column := self._column(item):
                    self._value(item, column, figures, key)
            if not isinstance(items, list):
                self.rows.note("missing" if items is None else "retyped", "fields.items")
        self.rows.add(key, figures)

    def _column(self, item: object) -> Column | None:
        """Returns what an item's figure is filed under; None, noted, for one without the label that is wanted."""
        if self.fields.label is None:
            return Column(self.family)
        label = self._find("label", self.fields.label, item)
        text = str(label) if json_values.is_number(label) else label
        if not isinstance(text, str) or not text.strip():
            self.rows.note("retyped" if text else "missing", "fields.label")
            return None
        return Column(self.family, (json_values.label(text),))

    def _value(self, holder: object, column: Column, figures: dict[Column, float], key: RowKey) -> None:
        value = self._find("value", self.fields.value, holder)
        figure = self.rows.figure(json_values.count(value), "fields.value", key)
        if figure is not None:
            figures[column] = figures.get(column, 0.0) + figure

    def _list(self, option: str, expression: Expression, value: object) -> list[object]:
        """Returns the rows that an expression finds; anything but a list is noted as a row that is not read."""
        found = self._find(option, expression, value)
        if isinstance(found, list):
            return found
        self.rows.note("missing" if found is None else "retyped", f"fields.{option}")
        self.rows.listed += 1
        return []

    def _find(self, option: str, expression: Expression, value: object) -> object:
        found = expression.search(value)
        self._found[option] = self._found.get(option, False) or found is not None
        return found
