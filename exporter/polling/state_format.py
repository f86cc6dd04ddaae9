"""The format of the state file: the states of sources to bytes and back, pure.

    chat-usage-exporter state 1 little       magic, version, byte order of the figures: one line
    frame ...                                length (4 bytes, little endian), zlib-compressed MessagePack
    SHA-256 of all before                    32 bytes

The first frame is the index: a record per source and report. The blocks follow, a frame for each, in the order of the
index, so that neither side ever holds all figures twice. Companies of a block are places in their record's table of
ids, and figures are the bytes of their array: nothing is rounded, and a NaN stays the one it was.
"""

import sys
import zlib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from hashlib import sha256
from itertools import pairwise

import msgspec

from exporter.domain.model import Column, Days
from exporter.ledger.ledger import Block, Ledger
from exporter.ledger.table import Table, by_number
from exporter.metrics.report_view import Health
from exporter.platforms.api import Discovery
from exporter.polling.target import ReportState

MAGIC = b"chat-usage-exporter state "
VERSION = 1
HEAD = MAGIC + f"{VERSION} {sys.byteorder}\n".encode()
LENGTH = 4
ZLIB_LEVEL = 1
PLACE = "I"
EARLIEST, LATEST = date(1970, 1, 1), date(9999, 1, 1)
"""No platform has days outside this range, and date arithmetic over years is safe within it."""


class UnusableError(ValueError):
    """The bytes are no usable state; the message says why."""


class VersionError(UnusableError):
    """The file has another version of the format, which another release may need."""


class ForeignError(UnusableError):
    """The file is not a state file; someone may still need it."""


@dataclass(frozen=True, slots=True)
class Section:
    """What is stored of one source: states by report, with the `fingerprint` and `keep_days` they were read under."""

    fingerprint: Mapping[str, str]
    keep_days: int
    reports: Mapping[str, ReportState]


class _Report(msgspec.Struct, array_like=True):
    """A state without its blocks."""

    health: Health
    to_refresh: tuple[Days, ...]
    refreshed_for: date | None
    widened: bool
    names: dict[str, str]
    withdrawn: list[str]
    ids: list[str]
    days: int
    discoveries: dict[str, Discovery]
    first_seen: dict[str, dict[str, date]] = {}
    kept: dict[str, dict[str, list[tuple[str, ...]]]] = {}


class _Source(msgspec.Struct, array_like=True):
    fingerprint: dict[str, str]
    keep_days: int
    reports: dict[str, _Report]


class _Table(msgspec.Struct, array_like=True):
    companies: bytes
    columns: list[tuple[Column, bytes]]
    lost: bytes = b""


class _Block(msgspec.Struct, array_like=True):
    day: date
    read_at: datetime
    listed: bool
    tables: dict[str, _Table]


def encoded(sections: Mapping[str, Section]) -> Iterator[bytes]:
    """Yields the bytes of a state file in pieces."""
    digest = sha256()
    for piece in _pieces(sections):
        digest.update(piece)
        yield piece
    yield digest.digest()


def decoded(content: bytes) -> Mapping[str, Section]:
    """Reads a whole state file; the reverse of `encoded`.

    Raises UnusableError (truncated or damaged), VersionError, ForeignError.
    """
    if not MAGIC.startswith(content[: len(MAGIC)]):
        raise ForeignError("is not a state file of this program")
    if not HEAD.startswith(content[: len(HEAD)]):
        raise VersionError("has another format version")
    end = len(content) - sha256().digest_size
    if end < len(HEAD) or sha256(memoryview(content)[:end]).digest() != content[end:]:
        raise UnusableError("is truncated or damaged: its checksum does not match")
    try:
        return _sections(_frames(memoryview(content)[len(HEAD) : end]))
    except (
        *(msgspec.MsgspecError, zlib.error, ValueError, LookupError),
        *(StopIteration, OverflowError, RecursionError),
    ) as error:
        raise UnusableError(f"does not match its version ({type(error).__name__})") from error


def _pieces(sections: Mapping[str, Section]) -> Iterator[bytes]:
    yield HEAD
    id_tables = {
        (source, report): _ids(state.ledger)
        for source, section in sections.items()
        for report, state in section.reports.items()
    }
    index = {
        source: _Source(
            dict(section.fingerprint),
            section.keep_days,
            {report: _report(state, id_tables[source, report]) for report, state in section.reports.items()},
        )
        for source, section in sections.items()
    }
    yield _frame(index)
    for (source, report), ids in id_tables.items():
        places = {company: place for place, company in enumerate(ids)}
        for day, block in sections[source].reports[report].ledger.blocks.items():
            yield _frame(_block(day, block, places))


def _frame(record: object) -> bytes:
    packed = zlib.compress(msgspec.msgpack.encode(record), ZLIB_LEVEL)
    return len(packed).to_bytes(LENGTH, "little") + packed


def _ids(ledger: Ledger) -> Sequence[str]:
    """Returns every held company once."""
    tables = (table for block in ledger.blocks.values() for table in block.tables.values())
    return tuple(dict.fromkeys(company for table in tables for company in table.companies))


def _report(state: ReportState, ids: Sequence[str]) -> _Report:
    ledger = state.ledger
    return _Report(
        health=replace(state.health, reason=""),  # it names the platform's address, which the file must not hold
        to_refresh=state.to_refresh,
        refreshed_for=state.refreshed_for,
        widened=state.widened,
        names=dict(ledger.names),
        withdrawn=sorted(ledger.withdrawn),
        ids=list(ids),
        days=len(ledger.blocks),
        discoveries=dict(state.discoveries),
        first_seen={part: dict(days) for part, days in ledger.first_seen.items()},
        kept={
            family: {company: sorted(labels) for company, labels in kept.items()} for family, kept in state.kept.items()
        },
    )


def _block(day: date, block: Block, places: Mapping[str, int]) -> _Block:
    tables = {
        part: _Table(
            array(PLACE, map(places.__getitem__, table.companies)).tobytes(),
            [(column, figures.tobytes()) for column, figures in table.columns.items()],
            array(PLACE, map(places.__getitem__, sorted(table.lost, key=by_number))).tobytes(),
        )
        for part, table in block.tables.items()
    }
    return _Block(day, block.read_at, block.listed, tables)


def _frames(rest: memoryview) -> Iterator[bytes]:
    while rest:
        length = int.from_bytes(rest[:LENGTH], "little")
        yield zlib.decompress(rest[LENGTH : LENGTH + length])
        rest = rest[LENGTH + length :]


def _sections(frames: Iterator[bytes]) -> Mapping[str, Section]:
    index = msgspec.msgpack.decode(next(frames), type=dict[str, _Source])
    return {
        name: Section(
            source.fingerprint,
            source.keep_days,
            {report: _state(record, frames) for report, record in source.reports.items()},
        )
        for name, source in index.items()
    }


def _state(record: _Report, frames: Iterator[bytes]) -> ReportState:
    ids = _IdTable(record.ids)
    blocks = {}
    for _ in range(record.days):
        block = msgspec.msgpack.decode(next(frames), type=_Block)
        tables = {part: _table(table, ids) for part, table in block.tables.items()}
        if not EARLIEST <= block.day < LATEST:
            raise ValueError("a day has no days around it")
        blocks[block.day] = Block(_moment(block.read_at), block.listed, tables)
    ledger = Ledger(blocks, record.names, frozenset(record.withdrawn), record.first_seen)
    health = record.health
    for moment in (health.last_attempt, health.last_success, health.last_partial):
        if moment is not None:
            _moment(moment)
    return ReportState(
        ledger,
        health,
        to_refresh=record.to_refresh,
        refreshed_for=record.refreshed_for,
        widened=record.widened,
        discoveries=record.discoveries,
        kept={
            family: {company: frozenset(labels) for company, labels in kept.items()}
            for family, kept in record.kept.items()
        },
    )


def _moment(moment: datetime) -> datetime:
    """Returns a comparable moment that can be stored again; raises ValueError or OverflowError."""
    if moment.tzinfo is None:
        raise ValueError("a moment has no time zone")
    return moment.astimezone(UTC)


class _IdTable:
    """Turns indexes back into ids; equal days share one tuple, since most list the same companies."""

    def __init__(self, ids: Sequence[str]) -> None:
        self._ids = ids
        self._decoded: dict[bytes, tuple[str, ...]] = {}

    def at(self, places: bytes) -> tuple[str, ...]:
        if places not in self._decoded:
            found = tuple(map(self._ids.__getitem__, array(PLACE, places)))
            if any(by_number(one) >= by_number(other) for one, other in pairwise(found)):
                raise ValueError("the companies of a day are not in their order")  # lookups rely on it
            self._decoded[places] = found
        return self._decoded[places]


def _table(table: _Table, ids: _IdTable) -> Table:
    columns = {column: array("d", figures) for column, figures in table.columns}
    found = Table(ids.at(table.companies), columns, frozenset(ids.at(table.lost)))
    if any(len(figures) != len(found.companies) for figures in found.columns.values()):
        raise ValueError("a column does not have one figure per company")
    return found
