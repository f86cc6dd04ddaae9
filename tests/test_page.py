"""The page equals what prometheus-client writes, in both formats, and its gzip form is one member for any reader."""

import gzip
import zlib
from collections.abc import Iterable, Sequence
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest, openmetrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.model import Expendable, Family, Sample
from exporter.page import EMPTY, NOTHING, Board, Body, Format, Sheet, join, number, write

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


@FORMATS
def test_lines_of_a_family_stay_together_whoever_they_come_from(format_: Format) -> None:
    """Two sources have the same families; each family has one header and one block of lines."""
    board = Board()
    board.publish("b", {"r": (gauge("chat_b", "B", 1), gauge("chat_a", "B", 2))})
    board.publish("a", {"r": (gauge("chat_b", "A", 3), gauge("chat_a", "A", 4))})

    lines = [line for line in board.shown.page[format_].plain.decode().splitlines() if "chat_usage" not in line]

    names = [line.split()[2] if line.startswith("#") else line.split("{")[0] for line in lines]
    assert ["chat_a", "chat_b"] == [name for name, _ in groupby(names)]
    assert ["A", "B", "A", "B"] == [line.split('company="')[1][0] for line in lines if not line.startswith("#")]


def test_a_report_replaces_its_own_lines_only() -> None:
    """What one report publishes leaves the others as they are."""
    board = Board()
    board.publish("s", {"one": (gauge("chat_a", "A", 1),)}, ["one"])
    board.publish("s", {"two": (gauge("chat_b", "A", 2),)})
    board.publish("s", {"one": ()}, ["one"])

    assert "# HELP chat_b Help.\n# TYPE chat_b gauge\nchat_b" in board.shown.page[Format.TEXT].plain.decode()
    assert "chat_a" not in board.shown.page[Format.TEXT].plain.decode()
    assert {("s", "one")} == board.shown.served


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_page_and_tail_are_one_gzip_member(plain: bytes, tail: bytes) -> None:
    """Two members break curl, and httpx cuts the second one off."""
    packed = Body.of(plain).with_tail_gzipped(tail)

    assert plain + tail == gzip.decompress(packed)
    assert plain + tail == Body.of(plain).with_tail(tail)
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
def test_series_above_the_limit_go_in_their_order(most: int, gone: list[str]) -> None:
    """Whole kinds, so that no company has what another one lacks; what is kept off is counted."""
    kinds = {
        "chat_channels": (2, Expendable.CHANNELS),
        "chat_tools": (4, Expendable.OPEN_LABELS),
        "chat_28d": (2, Expendable.MONTH),
        "chat_7d": (3, Expendable.WEEK),
        "chat_last_day": (4, Expendable.NEVER),
    }
    board = Board(most)
    board.publish("s", {"r": [sized(name, *kind) for name, kind in kinds.items()]})

    page = board.shown.page[Format.TEXT].plain.decode()

    assert [name for name in kinds if f"# TYPE {name} " not in page] == gone
    assert f'chat_usage_series{{source="s"}} {15 - sum(kinds[name][0] for name in gone)}.0' in page
    assert f'chat_usage_series_dropped{{source="s",reason="28d"}} {2.0 if "chat_28d" in gone else 0.0}' in page


def test_all_of_a_source_is_replaced_in_one_step() -> None:
    """Its reports that are not named go; a source without any goes; others stay; what went is not served any more."""
    board = Board()
    for source in ("a", "b", "c"):
        for report in ("one", "two"):
            board.publish(source, {report: (gauge(f"chat_{report}", source, 1),)}, [report])

    board.replace({"a": Sheet({"one": (gauge("chat_one", "a", 2),)}), "b": NOTHING}, 100)

    assert [
        line for line in board.shown.page[Format.TEXT].plain.decode().splitlines() if line.startswith("chat_o")
    ] == [
        'chat_one{company="a",company_id="17",source="s"} 2',
        'chat_one{company="c",company_id="17",source="s"} 1',
    ]
    assert 'company="b"' not in board.shown.page[Format.TEXT].plain.decode()
    assert 'chat_usage_series{source="b"}' not in board.shown.page[Format.TEXT].plain.decode()
    assert {("a", "one"), ("c", "one"), ("c", "two")} == board.shown.served


def test_what_cannot_be_written_changes_nothing() -> None:
    """An error in one source's families takes no other source off the page."""
    board = Board()
    board.publish("a", {"one": (gauge("chat_one", "a", 1),)}, ["one"])
    before = board.shown
    broken = (gauge("chat_one", "a", 2 / zero) for zero in (0,))

    with pytest.raises(ZeroDivisionError):
        board.replace({"a": Sheet({"one": broken}, ["one"]), "b": NOTHING}, 100)

    assert board.shown is before
    board.publish("a", {"two": ()})
    assert board.shown.page == before.page
