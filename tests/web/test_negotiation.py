"""Content negotiation by RFC 9110, with headers of real programs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.exposition.text import Format
from exporter.web.negotiation import exposition, ranges, takes_gzip

TEXT, OPENMETRICS = Format.TEXT, Format.OPENMETRICS

# Sent to a listening socket by the real programs, of Debian's packages.
PROMETHEUS_2_42 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_2_53 = (
    "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROMETHEUS_3_5 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
# With scrape_protocols: [PrometheusProto, ...], [PrometheusText1.0.0, PrometheusText0.0.4, OpenMetricsText1.0.0].
PROMETHEUS_3_PROTOBUF = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,"
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
    "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)
PROMETHEUS_3_TEXT_FIRST = (
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5,"
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.4,*/*;q=0.3"
)
PROMETHEUS_2_30 = "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        pytest.param(PROMETHEUS_2_42, OPENMETRICS, id="Prometheus 2.42"),
        pytest.param(PROMETHEUS_2_53, OPENMETRICS, id="Prometheus 2.53"),
        pytest.param(PROMETHEUS_3_5, OPENMETRICS, id="Prometheus 3.5"),
        pytest.param(PROMETHEUS_3_PROTOBUF, OPENMETRICS, id="Prometheus 3 that likes protobuf best"),
        pytest.param(PROMETHEUS_3_TEXT_FIRST, TEXT, id="Prometheus 3 that likes text best"),
        pytest.param(PROMETHEUS_2_30, TEXT, id="Prometheus 2.30, whose OpenMetrics is older than ours"),
        pytest.param("*/*", TEXT, id="curl"),
        pytest.param(BROWSER, TEXT, id="a browser"),
        pytest.param("", TEXT, id="nothing"),
        pytest.param("application/openmetrics-text", OPENMETRICS, id="by name alone"),
        pytest.param("Application/OpenMetrics-Text;VERSION=1.0.0", OPENMETRICS, id="capitals"),
        pytest.param(" application/openmetrics-text ; version = 1.0.0 ; q = 0.5 ,\ttext/plain ; q = 0.4 ", OPENMETRICS,
                     id="white space"),
        pytest.param('application/openmetrics-text;version="1.0.0"', OPENMETRICS, id="a quoted version"),
        pytest.param("application/openmetrics-text;version=1.0.0;charset=utf-8", OPENMETRICS, id="our own type"),
        pytest.param("text/plain;q=0.5,application/openmetrics-text;q=0.5", OPENMETRICS, id="equal liking"),
        pytest.param("text/plain,application/openmetrics-text;q=0.9", TEXT, id="text liked better"),
        pytest.param("text/plain;q=0.001,application/openmetrics-text;q=0.002", OPENMETRICS, id="small qualities"),
        pytest.param("application/openmetrics-text;q=0", TEXT, id="OpenMetrics refused"),
        pytest.param("application/openmetrics-text;q=0.000, */*;q=0.1", TEXT, id="OpenMetrics refused, all else not"),
        pytest.param("application/openmetrics-text;q=0.5, text/plain;q=0", OPENMETRICS, id="text refused"),
        pytest.param("text/plain;q=0", TEXT, id="both refused: a scrape is better answered than refused"),
        pytest.param("application/openmetrics-text;version=1.0.0;q=0,application/openmetrics-text", TEXT,
                     id="our version refused, others not"),
        pytest.param("application/openmetrics-text;version=2.0.0", TEXT, id="a version that we do not have"),
        pytest.param("application/*;q=1, text/plain;q=0.1", TEXT, id="OpenMetrics not by name"),
        pytest.param("application/openmetrics-text;q=0.5, text/plain;q=0.1, */*;q=0.9", OPENMETRICS,
                     id="text by name goes before everything"),
        pytest.param("application/openmetrics-text;q=0.5, text/*;q=0.1, */*;q=0.9", OPENMETRICS,
                     id="text by kind goes before everything"),
        pytest.param("application/openmetrics-text;q=0.5, text/plain;q=0.9, text/*;q=0.1", TEXT,
                     id="text by name goes before text by kind"),
        pytest.param("application/openmetrics-text;q=0.5, text/plain;q=0.1, text/plain;version=0.0.4;q=0.9", TEXT,
                     id="text by version goes before text by name"),
        pytest.param("application/openmetrics-text;q=high", OPENMETRICS, id="a quality that is none"),
        pytest.param("application/openmetrics-text;q=nan, text/plain;q=0.9", OPENMETRICS, id="a quality of nan"),
        pytest.param("application/openmetrics-text;q=0.9, text/plain;q=7", TEXT, id="a quality above 1"),
        pytest.param(";q=1,,;;, application/openmetrics-text;;q", OPENMETRICS, id="empty pieces"),
        pytest.param("🦜 / ,;=, \x00", TEXT, id="rubbish"),
    ],
)  # fmt: skip
def test_the_format_is_the_one_that_is_liked_best(accept: str, chosen: Format) -> None:
    """OpenMetrics only if it is requested by name; more specific ranges take precedence."""
    assert exposition(accept) is chosen


@pytest.mark.parametrize(
    ("accept_encoding", "taken"),
    [
        pytest.param("gzip", True, id="Prometheus"),
        pytest.param("identity", False, id="Prometheus without compression"),
        pytest.param("", False, id="nothing"),
        pytest.param("deflate, gzip, br, zstd", True, id="curl --compressed"),
        pytest.param("GZIP", True, id="capitals"),
        pytest.param(" gzip ; q = 0.5 ", True, id="white space"),
        pytest.param("x-gzip", True, id="its old name"),
        pytest.param("*", True, id="everything"),
        pytest.param("gzip;q=0", False, id="refused"),
        pytest.param("gzip;q=0, *", False, id="refused, all else taken"),
        pytest.param("gzip;q=0.1, *;q=0", True, id="taken, all else refused"),
        pytest.param("*;q=0", False, id="everything refused"),
        pytest.param("identity;q=0", False, id="plain refused, but gzip not named: plain is better than nothing"),
        pytest.param("identity;q=0, gzip;q=0.1", True, id="plain refused"),
        pytest.param("identity;q=0, *;q=0.1", True, id="plain refused, all else taken"),
        pytest.param("gzip;q=0.5, identity;q=0.8", False, id="plain liked better"),
        pytest.param("gzip, identity", True, id="equal liking"),
        pytest.param("br, deflate", False, id="others only"),
        pytest.param("gzip;q=much", True, id="a quality that is none"),
        pytest.param(",;,=;", False, id="rubbish"),
    ],
)
def test_gzip_is_for_who_takes_it(accept_encoding: str, taken: bool) -> None:
    """Named or by `*`, not refused, and not liked less than plain bytes."""
    assert takes_gzip(accept_encoding) is taken


@given(st.text())
def test_no_header_breaks_a_scrape(header: str) -> None:
    """Any header can be parsed, with qualities between 0 and 1."""
    assert all(0 <= each.quality <= 1 for each in ranges(header))
    assert exposition(header) in Format
    assert takes_gzip(header) in (True, False)


@given(st.lists(st.sampled_from((PROMETHEUS_2_42, "text/plain;q=0.5", "*/*;q=0.1", "application/openmetrics-text")).map(
    lambda header: header.split(",")), max_size=3))  # fmt: skip
def test_the_order_of_ranges_does_not_matter(lists: list[list[str]]) -> None:
    """What counts is quality and precision."""
    elements = [element for each in lists for element in each]

    assert exposition(",".join(elements)) is exposition(",".join(reversed(elements)))
