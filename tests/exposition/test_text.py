"""The page equals what prometheus-client writes, in both formats, and its gzip form is one member for any reader."""

import gzip
import zlib
from collections.abc import Iterable, Sequence
from itertools import groupby
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from prometheus_client import generate_latest, openmetrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.domain.model import Expendable, Family, Sample
from exporter.exposition.board import NOTHING, Board, RenderedSource
from exporter.exposition.series_limit import SeriesLimits
from exporter.exposition.text import (
    AT_ONCE,
    EMPTY,
    LONGEST_LABEL,
    RUN,
    SMALL,
    Body,
    Format,
    GzipPiece,
    join,
    label_value,
    number,
    write,
)
from exporter.metrics.report_view import DeferredFamily, SourceInfo
from tests.pipeline.pipeline import target_with

FORMATS = pytest.mark.parametrize("format_", Format, ids=lambda format_: format_.name.lower())
LABELS = ("company", "company_id", "source")  # in the order in which prometheus-client sorts them

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
figures = st.one_of(st.integers(0, 2**53).map(float), st.floats(0, allow_nan=False, allow_infinity=False))
samples = st.lists(
    st.builds(Sample, st.tuples(texts, texts, texts), figures),
    min_size=1,
    max_size=4,
    unique_by=lambda sample: sample.label_values,
)
families = st.builds(
    lambda kind, name, text, found: Family(
        f"chat_counted_{name}_total" if kind == "counter" else f"chat_{name}", text, LABELS, tuple(found), kind
    ),
    st.sampled_from(("gauge", "counter")),
    st.sampled_from(("a", "b", "c")),
    texts,
    samples,
)
pages = st.lists(families, max_size=3, unique_by=lambda family: family.name)


def by_name(found: Iterable[Family]) -> list[Family]:
    return sorted(found, key=lambda family: family.name)


class Reference:
    """The same families as prometheus-client's own objects."""

    def __init__(self, found: Iterable[Family]) -> None:
        self._families = by_name(found)

    def collect(self) -> Iterable[Metric]:
        for family in self._families:
            kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
            metric = kind(family.name, family.help, labels=list(family.label_names))
            for values, figure in family.samples:
                metric.add_metric(list(values), figure)
            yield metric


def reference(found: Sequence[Family], format_: Format) -> str:
    """Returns what prometheus-client writes, without the end mark that the live tail brings."""
    encode = generate_latest if format_ is Format.TEXT else openmetrics.exposition.generate_latest
    return encode(Reference(found)).decode().removesuffix("# EOF\n")


def rendered(found: Iterable[Family], format_: Format) -> str:
    return join(write(family) for family in found)[format_].plain.decode()


@FORMATS
@given(pages)
def test_bytes_are_those_of_prometheus_client(format_: Format, found: list[Family]) -> None:
    """Whatever names, texts and figures are: the same lines in the same order."""
    assert reference(found, format_) == rendered(found, format_)


@given(pages)
def test_openmetrics_reads_back_as_what_was_written(found: list[Family]) -> None:
    """Prometheus' official Python parser gives the samples back, each label whole."""
    text = rendered(found, Format.OPENMETRICS) + "# EOF\n"

    read = [
        (sample.name, tuple(sample.labels.values()), sample.value)
        for family in parse_openmetrics(text)  # type: ignore[no-untyped-call]  # the library ships no types for it
        for sample in family.samples
    ]

    assert [(family.name, *sample) for family in by_name(found) for sample in family.samples] == read


@given(pages)
def test_the_text_format_reads_back_as_what_was_written(found: list[Family]) -> None:
    """The same by the parser of the older format."""
    read = [
        (sample.name, tuple(sample.labels.values()), sample.value)
        for family in parse_text(rendered(found, Format.TEXT))
        for sample in family.samples
    ]

    assert [(family.name, *sample) for family in by_name(found) for sample in family.samples] == read


sources = st.dictionaries(
    st.tuples(st.sampled_from(("a", "b")), st.sampled_from(("one", "two"))),
    st.lists(samples, min_size=1, max_size=3),
    min_size=1,
)


@FORMATS
@given(sources)
def test_a_page_of_many_has_the_lines_that_prometheus_client_writes(
    format_: Format, found: dict[tuple[str, str], list[list[Sample]]]
) -> None:
    """Sources and reports that share families: as if each family had come from one place, but for the order."""
    names = [f"chat_{number}" for number in range(3)]
    whole = {
        name: tuple(
            sample._replace(label_values=(*sample.label_values[:2], "".join(key)))
            for key, lists in found.items()
            for number, some in enumerate(lists)
            if number == place
            for sample in unique(some)
        )
        for place, name in enumerate(names)
    }
    board = Board()
    for (source, report), lists in found.items():
        of_one = [
            Family(name, "Help.", LABELS, tuple(s for s in whole[name] if s.label_values[2] == source + report))
            for name, _ in zip(names, lists, strict=False)
        ]
        board.put(source, of_report(*of_one, report=report))

    page = board.shown.exposition[format_].plain.decode()

    expected = reference([Family(n, "Help.", LABELS, whole[n]) for n in names if whole[n]], format_)
    ours = [line for line in page.split("\n") if "chat_usage_series" not in line]
    assert sorted(expected.split("\n")) == sorted(ours)


def unique(some: Iterable[Sample]) -> Iterable[Sample]:
    """Leaves out samples that would have the labels of another one."""
    return {sample.label_values[:2]: sample for sample in some}.values()


@FORMATS
def test_a_long_family_is_written_as_a_short_one(format_: Format) -> None:
    """Encoded a thousand lines at a time, compressed on its own: the bytes are those of prometheus-client."""
    chance = Random(1)
    odd = ('Zoë "Rocket" 🚀', "a\\b", "Müller\n& Söhne", "\U0010ffff", "")
    many = tuple(
        Sample((chance.choice(odd), str(number), "s"), chance.choice((float(number), chance.random() * 1e9)))
        for number in range(2 * AT_ONCE + 1)
    )
    found = [gauge("chat_a", "A", 1.0), Family("chat_long", "Help.", LABELS, many), gauge("chat_z", "Z", 2.0)]

    body = join(write(family) for family in found)[format_]

    assert reference(found, format_) == body.plain.decode()
    assert body.plain == gzip.decompress(body.with_tail_gzipped(b""))
    assert len(body.pieces) > 1


@given(st.lists(st.tuples(st.binary(max_size=40), st.sampled_from((1, SMALL, 2 * RUN // 40)))), st.binary(max_size=40))
def test_a_body_of_pieces_is_one_page(found: list[tuple[bytes, int]], tail: bytes) -> None:
    """Large or small, compressed alone or together, whole or in runs."""
    plains = [part * times for part, times in found]
    body = Body(GzipPiece.packed(plain, SMALL) for plain in plains)

    whole = b"".join((*plains, tail))
    assert whole == body.plain + tail
    assert whole == b"".join(body.runs(tail))
    assert whole == gzip.decompress(body.with_tail_gzipped(tail))
    assert len(whole) == body.size + len(tail)


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (0.0, "0.0"),
        (12.0, "12.0"),
        (184.5, "184.5"),
        (999999.0, "999999.0"),
        (1000000.0, "1e+06"),
        (1234567.0, "1.234567e+06"),
        (12345678901.0, "1.2345678901e+10"),
        (1e20, "1e+20"),
        (0.1 + 0.2, "0.30000000000000004"),
    ],
)
def test_numbers_are_written_as_prometheus_does(figure: float, text: str) -> None:
    """Go turns to exponents at a million."""
    assert text == number(figure)


def gauge(name: str, company: str, value: float) -> Family:
    return Family(name, "Help.", LABELS, (Sample((company, "17", "s"), value),))


def of_report(*families: Family, report: str = "r") -> RenderedSource:
    return RenderedSource({report: list(map(DeferredFamily, families))})


@pytest.mark.parametrize("letter", ["x", '"', "🚀"], ids=["plain", "escaped", "four-bytes"])
def test_a_name_of_four_million_letters_is_cut_in_each_line(letter: str) -> None:
    """A company has more than a hundred series: together they stay below a megabyte."""
    name = letter * 4_000_000
    assert 118 * len(write(gauge("chat_a", name, 1)).piece.plain) < 1_000_000
    assert write(gauge("chat_a", name, 1)).piece.plain != write(gauge("chat_a", name + letter, 1)).piece.plain


@FORMATS
def test_lines_of_a_family_stay_together_whoever_they_come_from(format_: Format) -> None:
    """Two sources have the same families; each family has one header and one block of lines."""
    board = Board()
    board.put("b", of_report(gauge("chat_b", "B", 1), gauge("chat_a", "B", 2)))
    board.put("a", of_report(gauge("chat_b", "A", 3), gauge("chat_a", "A", 4)))

    lines = [line for line in board.shown.exposition[format_].plain.decode().splitlines() if "chat_usage" not in line]

    names = [line.split()[2] if line.startswith("#") else line.split("{")[0] for line in lines]
    assert ["chat_a", "chat_b"] == [name for name, _ in groupby(names)]
    assert ["A", "B", "A", "B"] == [line.split('company="')[1][0] for line in lines if not line.startswith("#")]


def test_a_report_replaces_its_own_lines_only() -> None:
    """What one report publishes leaves the others as they are."""
    board = Board()
    board.put("s", of_report(gauge("chat_a", "A", 1), report="one"))
    board.put("s", of_report(Family("chat_b", "Help.", ("source",), (Sample(("s",), 2),)), report="two"))
    board.put("s", RenderedSource({"one": ()}))

    assert "# HELP chat_b Help.\n# TYPE chat_b gauge\nchat_b" in board.shown.exposition[Format.TEXT].plain.decode()
    assert "chat_a" not in board.shown.exposition[Format.TEXT].plain.decode()
    assert {("s", "one")} == board.shown.served


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_page_and_tail_are_one_gzip_member(plain: bytes, tail: bytes) -> None:
    """Two members break curl, and httpx cuts the second one off."""
    packed = Body([GzipPiece(plain)]).with_tail_gzipped(tail)

    assert plain + tail == gzip.decompress(packed)
    assert plain == Body([GzipPiece(plain)]).plain
    assert 1 == sum(1 for _ in _members(packed))


def _members(packed: bytes) -> Iterable[bytes]:
    while packed:
        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        yield member.decompress(packed)
        packed = member.unused_data


def test_the_empty_page_is_empty() -> None:
    """Before the first poll the page holds nothing; the live tail alone is served."""
    assert [b"", b""] == [EMPTY[format_].plain for format_ in Format]
    assert not list(parse_text(""))


def sized(name: str, count: int, expendable: Expendable) -> Family:
    samples = tuple(Sample(("", str(n), "s"), 1.0) for n in range(count))
    return Family(name, "Help.", LABELS, samples, expendable=expendable)


@pytest.mark.parametrize(
    ("most", "gone"),
    [
        pytest.param(15, [], id="all-fit"),
        pytest.param(14, ["chat_channels"], id="channels-first"),
        pytest.param(11, ["chat_channels", "chat_tools"], id="then-open-labels"),
        pytest.param(8, ["chat_channels", "chat_tools", "chat_28d"], id="then-the-month"),
        pytest.param(6, ["chat_channels", "chat_tools", "chat_28d", "chat_7d"], id="then-the-week"),
        pytest.param(0, ["chat_channels", "chat_tools", "chat_28d", "chat_7d"], id="and-nothing-else"),
    ],
)
@pytest.mark.parametrize("by_bytes", [False, True])
def test_series_above_the_limit_go_in_their_order(most: int, gone: list[str], by_bytes: bool) -> None:
    """Whole kinds, so that no company has what another one lacks; what is kept off is counted."""
    kinds = {
        "chat_channels": (2, Expendable.CHANNELS),
        "chat_tools": (4, Expendable.LIMITED_LABELS),
        "chat_28d": (2, Expendable.MONTH),
        "chat_7d": (3, Expendable.WEEK),
        "chat_last_day": (4, Expendable.NEVER),
    }
    families = [sized(name, *kind) for name, kind in kinds.items()]
    most_bytes = sum(len(write(each).piece.plain) for each in families if each.name not in gone)
    board = Board(SeriesLimits(size=most_bytes) if by_bytes else SeriesLimits(most))
    board.put("s", of_report(*families))

    page = board.shown.exposition[Format.TEXT].plain.decode()

    assert [name for name in kinds if f"# TYPE {name} " not in page] == gone
    assert f'chat_usage_series{{source="s"}} {15 - sum(kinds[name][0] for name in gone)}.0' in page
    assert f'chat_usage_series_dropped{{source="s",reason="28d"}} {2.0 if "chat_28d" in gone else 0.0}' in page


def test_all_of_a_source_is_replaced_in_one_step() -> None:
    """Its reports that are not named go; a source without any goes; others stay; what went is not served any more."""
    board = Board()
    for source in ("a", "b", "c"):
        for report in ("one", "two"):
            board.put(source, of_report(gauge(f"chat_{report}", source, 1), report=report))

    board.replace({"a": of_report(gauge("chat_one", "a", 2), report="one"), "b": NOTHING}, SeriesLimits())

    assert [
        line for line in board.shown.exposition[Format.TEXT].plain.decode().splitlines() if line.startswith("chat_o")
    ] == [
        'chat_one{company="a",company_id="17",source="s"} 2',
        'chat_one{company="c",company_id="17",source="s"} 1',
    ]
    assert 'company="b"' not in board.shown.exposition[Format.TEXT].plain.decode()
    assert 'chat_usage_series{source="b"}' not in board.shown.exposition[Format.TEXT].plain.decode()
    assert {("a", "one"), ("c", "one"), ("c", "two")} == board.shown.served


def test_the_families_of_a_source_are_made_again_only_if_they_are_made_from_something_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    board, made = Board(), list[int]()

    def families(info: SourceInfo) -> tuple[Family]:
        made.append(info.target.min_group)
        return (gauge("chat_a", "A", info.target.min_group),)

    def rendered(day: int) -> RenderedSource:
        info = SourceInfo(replace(target_with(), min_group=day), {}, frozenset(), None)
        return RenderedSource({"r": [DeferredFamily(gauge("chat_b", "A", day))]}, source_info=info)

    monkeypatch.setattr("exporter.exposition.board.source_families", families)

    for day in (1, 1, 2, 2, 1):
        board.put("s", rendered(day))
        for name in ("chat_a", "chat_b"):
            line = write(gauge(name, "A", day)).piece.plain.decode()
            assert line in board.shown.exposition[Format.TEXT].plain.decode()

    assert made == [1, 2, 1]
    board.replace({"s": rendered(1)}, SeriesLimits(100))
    assert made == [1, 2, 1, 1], "after a reload everything is made anew"


def test_what_cannot_be_written_changes_nothing() -> None:
    """An error in one source's families takes no other source off the page."""
    board = Board()
    board.put("a", of_report(gauge("chat_one", "a", 1), report="one"))
    before = board.shown
    broken = (DeferredFamily(gauge("chat_one", "a", 2 / zero)) for zero in (0,))

    with pytest.raises(ZeroDivisionError):
        board.replace({"a": RenderedSource({"one": broken}), "b": NOTHING}, SeriesLimits())

    assert board.shown is before
    board.put("a", RenderedSource({"two": ()}))
    assert all(board.shown.exposition[format_].plain == before.exposition[format_].plain for format_ in Format)


@pytest.mark.parametrize("letter", ["a", "🚀", "\ud800"])
def test_a_label_s_value_is_cut_and_stays_its_own(letter: str) -> None:
    whole, longer = letter * LONGEST_LABEL, letter * (LONGEST_LABEL + 1)
    assert label_value(whole) == whole
    assert len(label_value(longer)) == LONGEST_LABEL
    assert label_value(longer) != label_value(longer + letter)
    assert label_value(longer)[:1000] == whole[:1000]
