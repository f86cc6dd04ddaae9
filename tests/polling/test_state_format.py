"""The format of the state file: every bit comes back, and nothing is read that is not whole and ours."""

import zlib
from array import array
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from exporter.domain.model import Days
from exporter.exposition.text import EMPTY, Format, join, write
from exporter.ledger.ledger import Block, Ledger
from exporter.ledger.table import Table, by_number
from exporter.metrics.report_health import families
from exporter.metrics.report_view import view
from exporter.metrics.target import Health, ReportState
from exporter.platforms.api import Discovery
from exporter.platforms.paradigm.platform import CHAT_SESSIONS
from exporter.polling.state_format import HEAD, MAGIC, VERSION, ForeignError, Section, UnusableError, decoded, encoded
from tests.pipeline.pipeline import target_with, utc

ANEW = {"listed"}
"""What every process finds out anew: names that nobody may want."""
TODAY = date(2026, 3, 3)
NOW = utc(2026, 3, 3, 12)
HOUR = timedelta(hours=1)

ids = st.lists(st.sampled_from([*map(str, range(1, 40)), "a-b", "ü\n", "18446744073709551616"]), unique=True)
moments = st.datetimes(datetime(2025, 1, 1), NOW.replace(tzinfo=None), timezones=st.just(UTC))  # noqa: DTZ001 bounds
days = st.integers(0, 60).map(lambda n: TODAY - timedelta(days=n))


@st.composite
def tables(draw: st.DrawFn, part: str) -> Table:
    companies = tuple(sorted(draw(ids), key=by_number))
    columns = draw(st.lists(st.sampled_from(CHAT_SESSIONS.parts[part]), unique=True)) if companies else []
    figures = st.lists(st.floats(allow_infinity=False), min_size=len(companies), max_size=len(companies))
    lost = frozenset(draw(st.lists(st.sampled_from(companies)) if companies else st.just([])))
    return Table(companies, {column: array("d", draw(figures)) for column in columns}, lost)


@st.composite
def ledgers(draw: st.DrawFn) -> Ledger:
    parts = st.fixed_dictionaries({}, optional={part: tables(part) for part in CHAT_SESSIONS.parts})
    blocks = draw(st.dictionaries(days, st.builds(Block, moments, st.booleans(), parts), max_size=6))
    held = {company for block in blocks.values() for table in block.tables.values() for company in table.companies}
    names = {company: draw(st.text(max_size=5)) for company in sorted(held)}
    some = st.sampled_from(sorted(held)) if held else st.nothing()
    first = draw(st.dictionaries(st.sampled_from(sorted(CHAT_SESSIONS.parts)), st.dictionaries(some, days)))
    return Ledger(blocks, names, frozenset(draw(st.lists(some))), first)


healths = st.builds(
    Health,
    interval=st.timedeltas(timedelta(minutes=1), timedelta(days=7)),
    last_attempt=st.none() | moments,
    last_success=st.none() | moments,
    duration=st.none() | st.floats(0, 1e4),
    outcome=st.none() | st.sampled_from(["ok", "auth"]),
    history=st.booleans(),
    restatements=st.integers(0, 2**40),
    restated_ratio=st.floats(0, 1),
).map(lambda health: replace(health, read_at=health.last_success))
pieces = st.lists(st.tuples(days, days).map(lambda pair: Days(min(pair), max(pair))), max_size=3).map(tuple)
discoveries = st.dictionaries(
    st.text(max_size=5),
    st.builds(Discovery, days, st.tuples(st.tuples(st.text(max_size=5), st.text(max_size=5)))),
    max_size=2,
)
labels = st.lists(st.text(max_size=5), min_size=1, max_size=2).map(tuple)
states = st.builds(
    ReportState,
    ledgers(),
    healths,
    to_refresh=pieces,
    refreshed_for=st.none() | days,
    widened=st.booleans(),
    discoveries=discoveries,
    kept=st.dictionaries(st.text(max_size=5), st.dictionaries(st.text(max_size=5), st.frozensets(labels), max_size=2)),
)
sections = st.builds(
    Section, st.dictionaries(st.text(), st.text()), st.integers(1, 400), st.dictionaries(st.text(), states, max_size=2)
)


def page(state: ReportState) -> bytes:
    """Renders what is served of a state."""
    return join(write(family) for family in families(view(target_with(), CHAT_SESSIONS, state, NOW)))[Format.TEXT].plain


def lost_rows(ledger: Ledger) -> Mapping[tuple[date, str], frozenset[str]]:
    return {(day, part): table.lost for day, block in ledger.blocks.items() for part, table in block.tables.items()}


@given(st.dictionaries(st.text(), sections, max_size=2))
def test_what_was_kept_comes_back_to_the_bit(kept: dict[str, Section]) -> None:
    """The same pages are served, and the same bytes are kept again: no figure, NaN or order is lost."""
    content = b"".join(encoded(kept))

    back = decoded(content)

    assert b"".join(encoded(back)) == content
    for name, section in kept.items():
        assert (back[name].fingerprint, back[name].keep_days) == (section.fingerprint, section.keep_days)
        for report, state in section.reports.items():
            again = back[name].reports[report]
            assert page(again) == page(state) != EMPTY[Format.TEXT].plain
            assert replace(again, ledger=state.ledger, listed=state.listed) == state
            assert (again.ledger.names, again.ledger.withdrawn) == (state.ledger.names, state.ledger.withdrawn)
            assert again.ledger.first_seen == state.ledger.first_seen
            assert lost_rows(again.ledger) == lost_rows(state.ledger)


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        pytest.param(
            ReportState,
            {"ledger", "health", "to_refresh", "refreshed_for", "widened", "discoveries", "kept"} | ANEW,
            id="state",
        ),
        pytest.param(Ledger, {"blocks", "names", "withdrawn", "first_seen"}, id="ledger"),
        pytest.param(Block, {"read_at", "listed", "tables"}, id="block"),
        pytest.param(Table, {"companies", "columns", "lost"}, id="table"),
    ],
)
def test_all_that_is_remembered_is_kept(kind: type[ReportState | Ledger | Block | Table], kept: set[str]) -> None:
    """A new field is a decision: keep it (and raise VERSION), or have it start from its default."""
    assert set(kind.__struct_fields__) == kept


def test_why_a_poll_failed_is_not_kept() -> None:
    """It names the address of the platform, which is nobody's business who reads the file; the outcome is kept."""
    failed = Health(timedelta(hours=1), outcome="auth", reason="https://paradigm.example answered 401")
    content = b"".join(encoded({"s": Section({}, 45, {"r": ReportState(Ledger(), failed)})}))
    assert decoded(content)["s"].reports["r"].health == replace(failed, reason="")


@pytest.mark.parametrize(
    ("success", "partial", "read"),
    [(None, None, None), (NOW, None, NOW), (None, NOW, NOW), (NOW, NOW - HOUR, NOW), (NOW - HOUR, NOW, NOW)],
)
def test_when_a_report_was_read_is_known_from_a_file_of_an_older_version(
    success: datetime | None, partial: datetime | None, read: datetime | None
) -> None:
    """It kept the newest good poll, and the newest one that failed in part."""
    older = Health(HOUR, last_success=success, read_at=partial)
    content = b"".join(encoded({"s": Section({}, 45, {"r": ReportState(Ledger(), older)})}))
    assert msgspec.to_builtins(older)["last_partial"] == msgspec.to_builtins(partial)
    assert decoded(content)["s"].reports["r"].health == replace(older, read_at=read)


def test_days_with_the_same_companies_share_their_list() -> None:
    """45 days of 10,000 companies would else be 450,000 texts."""
    companies = ("1", "2")
    table = Table(companies, {})
    ledger = Ledger({TODAY - timedelta(days=n): Block(NOW, True, {"chat": table}) for n in range(3)})

    back = decoded(b"".join(encoded({"s": Section({}, 45, {"r": ReportState(ledger, Health(timedelta(1)))})})))

    lists = [block.tables["chat"].companies for block in back["s"].reports["r"].ledger.blocks.values()]
    assert lists == [companies] * 3
    assert len({id(each) for each in lists}) == 1


def whole() -> bytes:
    """Returns the bytes of a small snapshot."""
    table = Table(("1",), {CHAT_SESSIONS.parts["chat"][0]: array("d", [4.0])})
    ledger = Ledger({TODAY: Block(NOW, True, {"chat": table})}, {"1": "Northwind"})
    return b"".join(encoded({"s": Section({}, 45, {"r": ReportState(ledger, Health(timedelta(1)))})}))


def test_a_snapshot_that_is_cut_short_is_refused_wherever_it_was_cut() -> None:
    """Also in its first line, and when nothing is left of it."""
    content = whole()
    for length in range(len(content)):
        with pytest.raises(UnusableError, match="is truncated or damaged") as refused:
            decoded(content[:length])
        assert not isinstance(refused.value, ForeignError)


@given(st.integers(0, len(whole()) * 8 - 1))
def test_one_bit_that_flipped_is_noticed(bit: int) -> None:
    """Whatever it hits: the first line, an index, a figure, the checksum itself."""
    content = bytearray(whole())
    content[bit // 8] ^= 1 << bit % 8
    with pytest.raises(UnusableError):
        decoded(bytes(content))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"sources:\n  production: {}\n", id="a-configuration"),
        pytest.param(b"\0" * 4096, id="zeros"),
        pytest.param(b"k", id="a-letter"),
    ],
)
def test_a_file_of_something_else_is_told_apart(content: bytes) -> None:
    """Somebody may still need it."""
    with pytest.raises(ForeignError, match="is not a state file of this program"):
        decoded(content)


@pytest.mark.parametrize("line", [b"2 little\n", b"1 middle\n", b"10 little\n"])
def test_another_version_or_byte_order_is_refused_by_its_first_line(line: bytes) -> None:
    """Before anything else of it is believed."""
    with pytest.raises(UnusableError, match="has another format version"):
        decoded(MAGIC + line + whole()[len(HEAD) :])


def test_the_first_line_tells_a_reader_what_the_file_is() -> None:
    assert HEAD.startswith(b"chat-usage-exporter state %d " % VERSION)


def frame(record: object) -> bytes:
    packed = zlib.compress(msgspec.msgpack.encode(record))
    return len(packed).to_bytes(4, "little") + packed


def raw_frame(content: bytes) -> bytes:
    packed = zlib.compress(content)
    return len(packed).to_bytes(4, "little") + packed


def plain() -> tuple[object, list[object]]:
    """Returns the index and the one block of the small snapshot, as plain values."""
    rest, found = whole()[len(HEAD) : -32], []
    while rest:
        length = int.from_bytes(rest[:4], "little")
        found.append(zlib.decompress(rest[4 : 4 + length]))
        rest = rest[4 + length :]
    index, block = found
    return msgspec.msgpack.decode(index), msgspec.msgpack.decode(block, type=list[object])


INDEX, (DAY, *BLOCK) = plain()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x04\0\0\0abcd", id="no-compression"),
        pytest.param(frame(INDEX), id="a-block-is-missing"),
        pytest.param(frame([1]), id="no-index"),
        pytest.param(frame(INDEX) + frame({}), id="no-block"),
        pytest.param(frame(INDEX) + frame(["2026-02-30", *BLOCK]), id="no-day"),
        pytest.param(frame(INDEX) + frame([DAY, *BLOCK[:2], {"chat": [b"\x09\0\0\0", []]}]), id="no-such-company"),
        pytest.param(frame(INDEX) + frame([DAY, *BLOCK[:2], {"chat": [b"\0\0\0\0" * 2, []]}]), id="a-company-twice"),
        pytest.param(
            frame(INDEX) + frame([DAY, *BLOCK[:2], {"chat": [b"\0\0\0\0", [[["f", []], b"123"]]]}]),
            id="half-a-figure",
        ),
        pytest.param(
            frame(INDEX) + frame([DAY, *BLOCK[:2], {"chat": [b"\0\0\0\0", [[["f", []], b"12345678" * 2]]]}]),
            id="a-figure-of-nobody",
        ),
        pytest.param(frame(INDEX) + frame(["9999-12-31", *BLOCK]), id="a-day-that-none-follows"),
        pytest.param(frame(INDEX) + frame([DAY, "2026-03-03T12:00:00", *BLOCK[1:]]), id="a-moment-without-zone"),
        pytest.param(frame(INDEX) + frame([DAY, "0001-01-01T00:00:00+10:00", *BLOCK[1:]]), id="a-moment-before-all"),
        pytest.param(frame(INDEX) + raw_frame(b"\x91" * 5000), id="nested-without-end"),
    ],
)
def test_content_that_does_not_belong_there_is_refused_whole(body: bytes) -> None:
    """A fitting checksum proves only that the writer meant it: another writer may have used the same version."""
    content = HEAD + body
    with pytest.raises(UnusableError, match="does not match its version"):
        decoded(content + sha256(content).digest())
