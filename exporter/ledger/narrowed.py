"""What is left of held days when fewer companies are wanted; pure."""

import math
from array import array
from collections.abc import Container
from dataclasses import replace
from itertools import compress

from exporter.ledger.ledger import IsWanted, Ledger, Table


def narrowed(ledger: Ledger, wanted: IsWanted) -> Ledger:
    """Returns the ledger without the rows of companies that are not wanted any more."""
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


def _only(table: Table, companies: Container[str]) -> Table:
    """Returns the rows of some companies; a column that none of them has a figure for is dropped."""
    kept = [company in companies for company in table.companies]
    columns = {column: array("d", compress(values, kept)) for column, values in table.columns.items()}
    left = {column: values for column, values in columns.items() if not all(map(math.isnan, values))}
    return Table(tuple(compress(table.companies, kept)), left, frozenset(filter(companies.__contains__, table.lost)))
