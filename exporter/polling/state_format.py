"""The format of the state file: the states of sources to bytes and back, pure.

    chat-usage-exporter state 1 little       magic, version, byte order of the figures: one line
    frame ...                                length (4 bytes, little endian), zlib-compressed MessagePack
    SHA-256 of all before                    32 bytes

The first frame is the index: a record per source and report. The blocks follow, a frame for each, in the order of the
index, so that neither writer nor reader holds all figures twice. Companies of a block are indexes into the ids of their
record, and figures are the bytes of their array: nothing is rounded, and a NaN stays the one it was.
"""

import sys
import zlib
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache, partial
from hashlib import sha256
from itertools import pairwise

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from exporter.domain.model import Column, Days
from exporter.ledger.ledger import Block, Ledger
from exporter.ledger.table import Table, by_number, in_order
from exporter.metrics.target import Health, ReportState
from exporter.platforms.api import Discovery

MAGIC = b"chat-usage-exporter state "
VERSION = 1
HEAD = MAGIC + f"{VERSION} {sys.byteorder}\n".encode()
LENGTH = 4
PLACE = "I"
EARLIEST, LATEST = date(1970, 1, 1), date(9999, 1, 1)
"""No platform has days outside this range, and date arithmetic over years is safe within it."""


class UnusableError(ValueError):
    """The bytes are no usable state; the message says why."""


class VersionError(UnusableError):
    """The file has another version of the format, which another release may need."""


class ForeignError(UnusableError):
    """The file is not a state file; someone may still need it."""


class Section(Struct, frozen=True):
    """What is stored of one source: states by report, with the `fingerprint` and `keep_days` they were read under."""

    fingerprint: Mapping[str, str]
    keep_days: int
    reports: Mapping[str, ReportState]


class _Report(Struct, array_like=True):
    """A state without its blocks."""

    health: Health
    to_refresh: tuple[Days, ...]
    refreshed_for: date | None
    widened: bool
    names: Mapping[str, str]
    withdrawn: Sequence[str]
    ids: Sequence[str]
    days: int
    discoveries: Mapping[str, Discovery]
    first_seen: Mapping[str, Mapping[str, date]] = {}
    kept: Mapping[str, Mapping[str, Sequence[tuple[str, ...]]]] = {}


class _Table(Struct, array_like=True):
    companies: bytes
    columns: Sequence[tuple[Column, bytes]]
    lost: bytes = b""


_Index = dict[str, tuple[Mapping[str, str], int, dict[str, _Report]]]
"""By source: fingerprint, `keep_days`, and records by report."""
_Block = tuple[date, datetime, bool, dict[str, _Table]]
"""A day, then `read_at`, `listed` and the tables of its block."""


def encoded(sections: Mapping[str, Section]) -> Iterator[bytes]:
    """Yields the bytes of a state file in pieces."""
    digest = sha256()
    for piece in _pieces(sections):
        digest.update(piece)
        yield piece
    yield digest.digest()


def decoded(content: bytes) -> Mapping[str, Section]:
    """Reads a whole state file; raises UnusableError (truncated or damaged), VersionError or ForeignError."""
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
    index: _Index = {
        source: (each.fingerprint, each.keep_days, {name: _report(state) for name, state in each.reports.items()})
        for source, each in sections.items()
    }
    yield _frame(index)
    for source, (_, _, records) in index.items():
        for report, record in records.items():
            places = {company: place for place, company in enumerate(record.ids)}
            for day, block in sections[source].reports[report].ledger.blocks.items():
                yield _frame(_block(day, block, places))


def _frame(record: _Index | _Block) -> bytes:
    packed = zlib.compress(msgspec.msgpack.encode(record), level=1)
    return len(packed).to_bytes(LENGTH, "little") + packed


def _report(state: ReportState) -> _Report:
    ledger = state.ledger
    tables = (table for block in ledger.blocks.values() for table in block.tables.values())
    return _Report(
        health=replace(state.health, reason=""),  # it names the platform's address, which the file must not hold
        to_refresh=state.to_refresh,
        refreshed_for=state.refreshed_for,
        widened=state.widened,
        names=ledger.names,
        withdrawn=sorted(ledger.withdrawn),
        ids=tuple(dict.fromkeys(company for table in tables for company in table.companies)),
        days=len(ledger.blocks),
        discoveries=state.discoveries,
        first_seen=ledger.first_seen,
        kept={
            family: {company: sorted(labels) for company, labels in kept.items()} for family, kept in state.kept.items()
        },
    )


def _block(day: date, block: Block, places: Mapping[str, int]) -> _Block:
    tables = {
        part: _Table(
            array(PLACE, map(places.__getitem__, table.companies)).tobytes(),
            [(column, figures.tobytes()) for column, figures in table.columns.items()],
            array(PLACE, map(places.__getitem__, in_order(table.lost))).tobytes(),
        )
        for part, table in block.tables.items()
    }
    return day, block.read_at, block.listed, tables


def _frames(rest: memoryview) -> Iterator[bytes]:
    while rest:
        length = int.from_bytes(rest[:LENGTH], "little")
        yield zlib.decompress(rest[LENGTH : LENGTH + length])
        rest = rest[LENGTH + length :]


def _sections(frames: Iterator[bytes]) -> Mapping[str, Section]:
    index = msgspec.msgpack.decode(next(frames), type=_Index)
    return {
        source: Section(fingerprint, keep_days, {name: _state(each, frames) for name, each in records.items()})
        for source, (fingerprint, keep_days, records) in index.items()
    }


def _state(record: _Report, frames: Iterator[bytes]) -> ReportState:
    blocks, companies = {}, cache(partial(_companies, record.ids))  # most days list the same ones
    for _ in range(record.days):
        day, read_at, listed, tables = msgspec.msgpack.decode(next(frames), type=_Block)
        if not EARLIEST <= day < LATEST:
            raise ValueError("a day has no days around it")
        blocks[day] = Block(_moment(read_at), listed, {part: _table(each, companies) for part, each in tables.items()})
    ledger = Ledger(blocks, record.names, frozenset(record.withdrawn), record.first_seen)
    health = record.health
    moments = (health.last_attempt, health.last_success, health.read_at)
    _, *read = (None if moment is None else _moment(moment) for moment in moments)
    return ReportState(
        ledger,
        # In older files `read_at` is the newest poll that failed in part, so `last_success` may be later.
        replace(health, read_at=max(filter(None, read), default=None)),
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


def _companies(ids: Sequence[str], places: bytes) -> tuple[str, ...]:
    found = tuple(map(ids.__getitem__, array(PLACE, places)))
    if any(by_number(one) >= by_number(other) for one, other in pairwise(found)):
        raise ValueError("the companies of a day are not in their order")  # lookups rely on it
    return found


def _table(table: _Table, companies: Callable[[bytes], tuple[str, ...]]) -> Table:
    columns = {column: array("d", figures) for column, figures in table.columns}
    found = Table(companies(table.companies), columns, frozenset(companies(table.lost)))
    if any(len(figures) != len(found.companies) for figures in found.columns.values()):
        raise ValueError("a column does not have one figure per company")
    return found
