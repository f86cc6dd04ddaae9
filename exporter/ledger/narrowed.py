"""The held days that remain when fewer companies are wanted, or a company turns out to be another one; pure."""

import math
from array import array
from collections.abc import Collection, Container, Mapping, Set
from dataclasses import replace
from datetime import date
from itertools import compress

from exporter.ledger.ledger import IsWanted, Ledger
from exporter.ledger.table import Table


def narrowed(ledger: Ledger, wanted: IsWanted) -> Ledger:
    """Returns the ledger without the rows of unwanted companies."""
    names = {company: name for company, name in ledger.names.items() if wanted(company, name)}
    if len(names) == len(ledger.names):
        return ledger
    blocks = {
        day: replace(block, tables={part: _only(table, names) for part, table in block.tables.items()})
        for day, block in ledger.blocks.items()
    }
    first_seen = {
        part: {company: day for company, day in days.items() if company in names}
        for part, days in ledger.first_seen.items()
    }
    return Ledger(blocks, names, ledger.withdrawn & names.keys(), first_seen)


def began_anew(ledger: Ledger, asked: Collection[date], renamed: Mapping[str, Set[date]]) -> Mapping[str, date]:
    """Returns which `renamed` companies are new ones, by their first day: those whose past is gone.

    They have rows on some `asked` days, but none on the asked days before, though such rows are held.
    """
    found: dict[str, date] = {}
    for company, listed in renamed.items():
        first = min(listed, default=date.max)
        held = {day for day in asked if company in ledger.companies_on((day,))}
        gone = held - listed
        if all(day < first for day in gone) and (gone or (company in ledger.withdrawn and not held)):
            found[company] = first
    return found


def without_past(ledger: Ledger, began: Mapping[str, date]) -> Ledger:
    """Returns the ledger without companies' rows before the days on which they began."""
    began = {company: day for company, day in began.items() if company in ledger.names}
    if not began:
        return ledger
    blocks = {}
    for day, block in ledger.blocks.items():
        gone = {company for company, first in began.items() if day < first}
        tables = {part: _without(table, gone) for part, table in block.tables.items()}
        blocks[day] = replace(block, tables=tables)
    first_seen = {
        part: {c: day for c, day in days.items() if c not in began} for part, days in ledger.first_seen.items()
    }
    without = Ledger(blocks, ledger.names, ledger.withdrawn, first_seen)
    held = without.companies_on(blocks)
    return narrowed(without, lambda company, _: company in held or company not in began)


def _without(table: Table, companies: Set[str]) -> Table:
    return table if companies.isdisjoint(table.companies) else _only(table, set(table.companies) - companies)


def _only(table: Table, companies: Container[str]) -> Table:
    """Returns the rows of some companies, without columns that none of them has."""
    kept = [company in companies for company in table.companies]
    columns = {column: array("d", compress(values, kept)) for column, values in table.columns.items()}
    left = {column: values for column, values in columns.items() if not all(map(math.isnan, values))}
    return Table(tuple(compress(table.companies, kept)), left, frozenset(filter(companies.__contains__, table.lost)))
