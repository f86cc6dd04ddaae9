"""The held figures of one report, in immutable blocks per day; folding in an answer makes a new ledger.

Knows no clock and no rule about when a day counts (`exporter.ledger.day_status`). A row read after the end of its day
never disappears because a later answer lacks it; one that was only read while its day ran does.
"""

from collections.abc import Callable, Container, Iterable, Mapping, Set
from datetime import date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from exporter.domain import calendars
from exporter.domain.errors import SchemaError
from exporter.domain.model import Column, DayRows, Days, Reading, RowsByDay, by_day
from exporter.ledger.table import NO_ROWS, Table, merged

FirstDays = Mapping[str, Mapping[str, date]]
"""The day of each company's first row, by part and company."""
FirstFigures = dict[tuple[str, Column], Mapping[str, date]]
"""The same by part and column, of each company's first figure."""
ROWS_STAY = "the figures stay. If the platform dropped them for good, delete any state_file and restart the exporter"
"""What a refusal of an answer without held rows says."""
IsWanted = Callable[[str, str], bool]
"""Returns, by id and name, whether a company is to be held."""


class Block(Struct, frozen=True):
    """One day of one report.

    `read_at` is when its newest good answer was asked for; `listed`: some answer had a row of it, even of a
    company that is not held; `tables` by part.
    """

    read_at: datetime
    listed: bool
    tables: Mapping[str, Table]


class Ledger(Struct, frozen=True, dict=True):
    """The held days of one report of one source.

    `names` are the newest ones of held companies; the platform took back all rows of `withdrawn` companies, whose
    days stay held. `first_seen` has first days that are no longer held. Its `__dict__` is for cached results.
    """

    blocks: Mapping[date, Block] = {}
    names: Mapping[str, str] = {}
    withdrawn: frozenset[str] = frozenset()
    first_seen: FirstDays = {}

    def table(self, day: date, part: str) -> Table:
        block = self.blocks.get(day)
        return NO_ROWS if block is None else block.tables.get(part, NO_ROWS)

    def companies_on(self, days: Iterable[date]) -> set[str]:
        blocks = (self.blocks[day] for day in days if day in self.blocks)
        return set().union(*(table.companies for block in blocks for table in block.tables.values()))

    def companies_listed(self, day: date) -> set[str]:
        """Returns the companies whose row of a day counts, except withdrawn ones."""
        tables = self.blocks[day].tables.values() if day in self.blocks else ()
        return set().union(*(set(table.companies) - table.lost for table in tables)) - self.withdrawn

    def lost_on(self, days: Iterable[date], part: str) -> frozenset[str]:
        return frozenset().union(*(self.table(day, part).lost for day in days))

    def columns(self) -> Mapping[str, frozenset[Column]]:
        """Returns, per part, the columns that some held row has a figure for."""
        found: dict[str, set[Column]] = {}
        for block in self.blocks.values():
            for part, table in block.tables.items():
                found.setdefault(part, set()).update(table.columns)
        return {part: frozenset(columns) for part, columns in found.items()}

    @cached_property
    def first_days(self) -> FirstDays:
        """Returns, per part, the day of each company's first row, except withdrawn ones."""
        first: dict[str, Mapping[str, date]] = {}
        for day in sorted(self.blocks):
            for part, table in self.blocks[day].tables.items():
                known = first.get(part, {})
                new = set(table.companies) - table.lost - self.withdrawn - known.keys()
                first[part] = _earlier(known, new, day, self.first_seen.get(part, {}))
        return first

    def first_figures(self, part: str, column: Column) -> Mapping[str, date]:
        """Returns the first held day on which each company has this figure; cached."""
        cached: FirstFigures = vars(self).setdefault("figures", {})
        if (part, column) not in cached:
            first: dict[str, date] = {}
            for day in sorted(self.blocks, reverse=True):
                first.update(dict.fromkeys(self.table(day, part).with_figure(column), day))
            cached[part, column] = first
        return cached[part, column]

    def following(self, before: "Ledger") -> "Ledger":
        """Returns this ledger with cached results of the one before it, if tables only gained rows and figures.

        Unchanged tables are the same objects, so only the others are looked at.
        """
        tables = ((day, *each) for day, block in self.blocks.items() for each in block.tables.items())
        changed = [(day, part, table) for day, part, table in tables if table is not before.table(day, part)]
        is_lost = any(table.lost or before.table(day, part).lost for day, part, table in changed)
        if is_lost or self.withdrawn != before.withdrawn or not before.blocks.keys() <= self.blocks.keys():
            return self
        if "first_days" in vars(before):
            first = dict(before.first_days)
            for day, part, table in changed:
                here = (company for company in table.companies if company not in self.withdrawn)
                first[part] = _earlier(first.get(part, {}), here, day, self.first_seen.get(part, {}))
            vars(self)["first_days"] = first
        figures: FirstFigures = dict(vars(before).get("figures", {}))
        for day, part, table in changed:
            for key in (key for key in figures if key[0] == part):
                figures[key] = _earlier(figures[key], table.with_figure(key[1]), day, {})
        vars(self)["figures"] = figures
        return self


def _earlier(
    first: Mapping[str, date], companies: Iterable[str], day: date, seen: Mapping[str, date]
) -> Mapping[str, date]:
    """Returns the first days of companies, some of which have a row or figure on this day too, or were seen before."""
    earlier = {each: min(day, seen.get(each, day)) for each in companies if each not in first or first[each] > day}
    return {**first, **earlier} if earlier else first


class Asked(Struct, frozen=True):
    """What an answer covers: `days`, asked for at the moment `at` while `today` ran; `keep_days` are held.

    `zone` is that of the days; None where figures are levels of now.
    """

    days: Days
    today: date
    at: datetime
    keep_days: int
    zone: ZoneInfo | None = None


def fold(ledger: Ledger, reading: Reading, asked: Asked, wanted: IsWanted) -> Ledger:
    """Returns the ledger with one good answer folded in and corrected; SchemaError if the answer lacks a held part."""
    parts = {part for block in ledger.blocks.values() for part, table in block.tables.items() if table.companies}
    if lacking := " and ".join(sorted(parts - reading.parts)):
        raise SchemaError(f"the answer has no rows of {lacking} any more, not even an empty list; {ROWS_STAY}")
    # Whoever is held under the same name is wanted: new settings narrow the ledger.
    chosen = {each for each, name in reading.names.items() if ledger.names.get(each) == name or wanted(each, name)}
    rows = by_day(reading.rows)
    answered = set[str]().union(*(each.companies for each in rows.values()))
    listed = {day for _, day in rows}
    if not answered <= chosen:
        rows = {place: each.among(chosen) for place, each in rows.items()}
    blocks = _with_rows(ledger.blocks, rows, listed, asked)
    if blocks.keys() >= ledger.blocks.keys():
        here = (each.companies for (_, day), each in rows.items() if day in asked.days)
        held, first_seen = set(ledger.names).union(*here), ledger.first_seen
    else:
        held = Ledger(blocks).companies_on(blocks)
        first_seen = _first_seen(ledger, blocks.keys(), held)
    names = {**ledger.names, **{each: reading.names[each] or ledger.names.get(each, "") for each in chosen}}
    names = {company: name for company, name in names.items() if company in held}
    withdrawn = set(ledger.withdrawn)
    if answered or asked.today in asked.days:  # days that the platform no longer keeps withdraw no company
        # A company without a row on these days, before and now, is inactive, not withdrawn.
        withdrawn = (withdrawn | ledger.companies_on(asked.days)) - answered
    return Ledger(blocks, names, frozenset(withdrawn & held), first_seen).following(ledger)


def _with_rows(held: Mapping[date, Block], rows: RowsByDay, listed: Set[date], asked: Asked) -> Mapping[date, Block]:
    """Returns the days to hold, with an answer's rows; it also had rows of the days `listed`."""
    oldest = asked.today - timedelta(days=asked.keep_days)
    # Days after the running one come from a clock that was ahead.
    blocks = {day: block for day, block in held.items() if oldest <= day <= asked.today}
    for day in asked.days:
        old = blocks.get(day, Block(asked.at, listed=False, tables={}))
        if asked.zone and old.read_at < calendars.end(day, asked.zone) <= asked.at:
            # Of a day that was only read while it ran, all is lost until it is read again.
            lost = {part: Table(each.companies, lost=frozenset(each.companies)) for part, each in old.tables.items()}
            old = Block(old.read_at, listed=False, tables=lost)
        of_day = {part: each for (part, at), each in rows.items() if at == day and each.companies}
        tables = {part: merged(old.tables.get(part, NO_ROWS), each) for part, each in of_day.items()}
        # `read_at` never goes back, nor does what is published; but a running day cannot have been read after now: the
        # clock was ahead and has been set back.
        read_at = asked.at if day == asked.today else max(old.read_at, asked.at)
        blocks[day] = Block(read_at, old.listed or day in listed, {**old.tables, **tables})
    return blocks


def _first_seen(ledger: Ledger, kept: Container[date], held: Container[str]) -> FirstDays:
    """Returns the first days of companies that are still held, but not on the `kept` days."""
    found = {part: dict(days) for part, days in ledger.first_seen.items()}
    for day in sorted(day for day in ledger.blocks if day not in kept):
        for part, table in ledger.blocks[day].tables.items():
            of_part = found.setdefault(part, {})
            for company in (each for each in table.companies if each not in table.lost):
                of_part.setdefault(company, day)
    return {part: {company: day for company, day in days.items() if company in held} for part, days in found.items()}


def narrowed(ledger: Ledger, wanted: IsWanted) -> Ledger:
    """Returns the ledger without unwanted companies."""
    unwanted = (company for company, name in ledger.names.items() if not wanted(company, name))
    return without_past(ledger, dict.fromkeys(unwanted, date.max))


def without_past(ledger: Ledger, began: Mapping[str, date]) -> Ledger:
    """Returns the ledger without companies' rows before the days on which they began; one without any row leaves."""
    began = {company: day for company, day in began.items() if company in ledger.names}
    if not began:
        return ledger
    blocks = {}
    for day, block in ledger.blocks.items():
        here = ledger.names.keys() - {company for company, first in began.items() if day < first}
        blocks[day] = replace(block, tables={part: _only(table, here) for part, table in block.tables.items()})
    left = ledger.names.keys() - (began.keys() - Ledger(blocks).companies_on(blocks))
    first_seen = {
        part: {company: day for company, day in days.items() if company not in began}
        for part, days in ledger.first_seen.items()
    }
    names = {company: name for company, name in ledger.names.items() if company in left}
    return Ledger(blocks, names, ledger.withdrawn & left, first_seen)


def _only(table: Table, companies: Set[str]) -> Table:
    """Returns the rows of some companies; the same table if it has no others."""
    rows = DayRows(table.companies, table.columns).among(companies)
    return table if rows.companies == table.companies else Table(*rows, table.lost & companies)
