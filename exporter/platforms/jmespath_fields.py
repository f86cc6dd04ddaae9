"""Reads an answer by JMESPath expressions, one per level, because an expression cannot refer to a parent."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import jmespath
from jmespath.exceptions import ParseError
from jmespath.functions import Functions
from jmespath.visitor import TreeInterpreter
from msgspec import Struct, field

from exporter.domain.errors import SchemaError
from exporter.domain.model import READ_COMPLETELY, READ_IN_PART, Column, Kind, Measure
from exporter.platforms import json_outline, json_values
from exporter.platforms.api import Expression, FigureFields, RowFields
from exporter.platforms.reading_builder import ALL, ReadingBuilder, RowKey

LONGEST = 1000  # characters of an expression
MOST_SELECTIONS = 2  # multi-selects (`[a, b]`, `{a: b}`) in an expression: each multiplies its input
SHOWN_DEPTH = 3  # levels shown of what an expression finds
MOST_ITEMS = 1_000_000  # in a list that an expression finds
MOST_STEPS = 10_000_000  # of all expressions over one answer; a step is a visited value, or an item of a list


def expression(text: str) -> Expression:
    """Compiles an expression; raises a ValueError of one line."""
    try:
        with warnings.catch_warnings():  # of text in backticks without quotes, which JMESPath once had
            warnings.simplefilter("ignore", PendingDeprecationWarning)
            parsed: dict[str, Any] = jmespath.compile(text).parsed
    except ParseError as error:
        raise ValueError(f"is not a JMESPath expression: error at character {error.lex_position + 1}") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    if len(text) > LONGEST:
        raise ValueError(f"is longer than {LONGEST} characters")
    nodes = list(_nodes(parsed))
    if sum(node["type"].startswith("multi_select") for node in nodes) > MOST_SELECTIONS:
        raise ValueError(f"combines values in more than {MOST_SELECTIONS} places; write one measure for each")
    for node in nodes:
        if node["type"] == "function_expression":
            _refuse_bad_call(node["value"], len(node["children"]))
    return Expression(text, parsed, _plain_path(parsed))


def _nodes(node: object) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict) and "type" in node:
        yield node
        for child in (*node["children"], node.get("value")):
            yield from _nodes(child)


def _plain_path(parsed: dict[str, Any]) -> tuple[str, ...] | None:
    """Returns the keys of an expression of keys alone, as almost all are, else None."""
    fields = parsed["children"] if parsed["type"] == "subexpression" else [parsed]
    if parsed["type"] == "current":
        return ()
    return tuple(each["value"] for each in fields) if all(each["type"] == "field" for each in fields) else None


def _refuse_bad_call(name: str, arguments: int) -> None:
    """Raises when an expression is compiled what the library would raise at the first call."""
    function = Functions.FUNCTION_TABLE.get(name)
    if function is None:
        raise ValueError(f"calls {name}(), which is not a JMESPath function")
    signature = function["signature"]
    variadic = bool(signature) and signature[-1].get("variadic", False)
    if arguments < len(signature) or (arguments > len(signature) and not variadic):
        least = "at least " if variadic else ""
        raise ValueError(f"calls {name}() with {arguments} arguments; it takes {least}{len(signature)}")


class Search(TreeInterpreter):  # type: ignore[misc]  # the library has no types
    """Evaluates expressions over one answer in a bounded number of steps."""

    def __init__(self) -> None:
        super().__init__()
        self._left = MOST_STEPS

    def find(self, expression: Expression, value: object) -> object:
        """Returns what an expression finds in a value, or None; SchemaError if that takes too many steps."""
        if expression.path is not None:
            self._take(1)
            for key in expression.path:
                value = value.get(key) if isinstance(value, dict) else None
            return value
        with suppress(ValueError, ArithmeticError):  # of a function given what it does not take, such as length(null)
            return self.visit(expression.parsed, value)
        return None

    def visit(self, node: dict[str, Any], *arguments: object, **options: object) -> object:
        found: object = super().visit(node, *arguments, **options)
        self._take(1 + len(found) if isinstance(found, list) else 1)
        if isinstance(found, list) and len(found) > MOST_ITEMS:
            raise SchemaError(f"an expression finds a list of more than {MOST_ITEMS:,} items; simplify it")
        return found

    def _take(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise SchemaError(f"the expressions take more than {MOST_STEPS:,} steps over an answer; simplify them")


class Reader(Struct):
    """Reads one answer into `rows`: the figures of the `described` measures.

    `account` is the id and name of the company of rows without one. `place` precedes option names in notes. Ids
    `may_be_text`. `samples` are, outermost first, expressions and the first value that each found.
    """

    fields: RowFields
    described: Sequence[tuple[Measure, FigureFields]]
    rows: ReadingBuilder
    place: str = ""
    account: tuple[str, str] = ("", "")
    may_be_text: bool = False
    search: Search = field(default_factory=Search)
    samples: dict[str, tuple[str, object]] = {}

    @property
    def explanation(self) -> tuple[str, ...]:
        """Says what each expression found, in keys and types."""
        return tuple(
            f'{self.place}{option} ("{text}") finds '
            + ("nothing" if sample is None else json_outline.outline(sample, SHOWN_DEPTH))
            for option, (text, sample) in self.samples.items()
        )

    def read(self, root: object) -> None:
        fields = self.fields
        for entry in self._list("entries", fields.entries, root):
            if fields.companies is not None:
                for each in self._list("companies", fields.companies, entry):
                    if (company := self._company(each)) is not None:
                        self._row(company, entry, each)
            elif (company := self._company(entry)) is not None:
                for day in [entry] if fields.days is None else self._list("days", fields.days, entry):
                    self._row(company, day, day)

    def _company(self, holder: object) -> str | None:
        """Returns a company's id and notes its name; None, noted, without an id."""
        if self.fields.company_id is None:
            self.rows.names[self.account[0]] = self.account[1]
            return self.account[0]
        identity = self._find("company_id", self.fields.company_id, holder)
        name = identity if self.fields.company is None else self._find("company", self.fields.company, holder)
        paths = f"{self.place}company_id", f"{self.place}company"
        return self.rows.named(identity, name, paths, may_be_text=self.may_be_text)

    def _row(self, company: str, dated: object, row: object) -> None:
        if self.fields.date is None:
            key: RowKey | None = self.rows.level_key(ALL, company)
        else:
            key = self.rows.key(ALL, company, self._find("date", self.fields.date, dated), f"{self.place}date")
        if key is None:
            return
        figures: dict[Column, float] = {}
        is_bare = True
        for measure, where in self.described:
            option = f"{where.place}items"
            items = [row] if where.items is None else self._find(option, where.items, row)
            is_bare &= items == []
            if isinstance(items, list):
                self._items(measure, where, items, figures, key)
            else:
                self.rows.note_misfit(items, f"{self.place}{option}")
        self.rows.listed -= is_bare  # it lists nothing, so no figure is missing from it
        self.rows.add(key, figures)

    def _items(
        self, measure: Measure, where: FigureFields, items: list[object], figures: dict[Column, float], key: RowKey
    ) -> None:
        """Adds the figures of one measure; an average gets no read marker, because one that is gone is not 0."""
        read = json_values.count if where.whole else json_values.number
        named = [(labels, item) for item in items if (labels := self._labels(where, item)) is not None]
        is_readable = bool(named or not items)
        for labels, item in named:
            value, option = self._find(f"{where.place}value", where.value, item), f"{self.place}{where.place}value"
            figure, column = self.rows.figure(read(value), option, key), Column(measure.family, labels)
            if figure is None:
                is_readable = False
            else:
                figures[column] = figures.get(column, 0.0) + figure
        if where.labels and is_readable and measure.kind is not Kind.AVERAGE:
            figures[Column(measure.family)] = READ_COMPLETELY if len(named) == len(items) else READ_IN_PART

    def _labels(self, where: FigureFields, item: object) -> tuple[str, ...] | None:
        """Returns the label values of an item's figure; None, noted, if one is missing."""
        found = []
        for option, expression in where.labels:
            label = self._find(f"{where.place}{option}", expression, item)
            text = str(label) if json_values.is_number(label) else label
            if not isinstance(text, str) or not text.strip():
                self.rows.note("retyped" if text else "missing", f"{self.place}{where.place}{option}")
                return None
            found.append(json_values.label(text))
        return tuple(found)

    def _list(self, option: str, expression: Expression, value: object) -> list[object]:
        """Returns the rows that an expression finds; anything but a list is noted as an unread row."""
        found = self._find(option, expression, value)
        if isinstance(found, list):
            return found
        self.rows.note_misfit(found, f"{self.place}{option}", is_row=True)
        return []

    def _find(self, option: str, expression: Expression, value: object) -> object:
        found = self.search.find(expression, value)
        if option not in self.samples or self.samples[option][1] is None:
            self.samples[option] = expression.text, found
        return found
