"""Any text that a platform sends as a name stays text in labels, cells, pages and messages."""

import csv
import io
import re
from collections.abc import Sequence
from datetime import date

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families as parsed

from exporter.domain.model import Column, Days, Family, Reading, Row, Sample
from exporter.domain.wording import one_line, printable
from exporter.exposition.text import label_value, write
from exporter.platforms.paradigm.platform import QUERIES
from exporter.simulator.paradigm.world import MODES
from exporter.web.api.write import _harmless, _lines
from tests.pipeline.pipeline import utc
from tests.web.api_client import board_with, client_of
from tests.web.parsed_status_page import ParsedStatusPage

NOON = utc(2026, 11, 20, 12)
PARTS = ("=", "+1", "-", "@", "＝", ";", "\t", "\r\n", '"', "'", "\\", "<script>", "&amp;", "\x1b[2J", "\0", "\u2028")
NAMES = st.lists(st.sampled_from(PARTS) | st.text(max_size=4), max_size=8).map("".join)


@given(NAMES)
@example('ACME;=cmd|" /C calc"!A0')
@example(" \t=1")
@example("\n=1")
def test_no_cell_is_a_formula(name: str) -> None:
    """As RFC 4180 reads it, and as a locale does that ends a cell at a semicolon, whatever the quotes."""
    written = _lines([[_harmless(name)]]).decode(errors="surrogatepass")
    [[cell]] = csv.reader(io.StringIO(written, newline=""))

    assert cell.replace("'", "") == name.replace("'", "")
    for part in re.split("[;\t\r\n]", cell):
        assert not re.match(r'[\s\0-\x1f"]*[=+\-@＝＋－＠]', part)


@given(NAMES)
def test_a_label_is_the_name(name: str) -> None:
    """And its line is one line."""
    lines = write(Family("chat", "Help.", ("company",), (Sample((name,), 1.0),))).piece.plain.decode()
    assert lines.count("\n") == 1
    [family] = parsed(lines)
    [sample] = family.samples
    assert sample.labels == {"company": label_value(name)}


async def page_of(names: Sequence[str], words: str) -> ParsedStatusPage:
    """Requests the status page of companies with these names, with a search for `words`."""
    companies = {str(number): name for number, name in enumerate(names)}
    held = Days(date(2026, 11, 18), NOON.date())
    queries = Column(QUERIES.family, ("chat",))
    rows = tuple(Row("chat", day, each, {queries: 9.0}) for day in held for each in companies)
    async with client_of(board_with(Reading(companies, frozenset(MODES), rows), held, NOON)) as http:
        response = await http.get("/", params={"q": words} if words else {})
    assert response.status_code == 200
    return ParsedStatusPage.of(response.text)


@pytest.mark.anyio
@settings(max_examples=5)
@given(st.lists(NAMES, min_size=20, max_size=40), NAMES.filter(str.strip))
async def test_a_page_has_names_only_as_text(names: list[str], words: str) -> None:
    """The tags of the same page about plain names, and the names themselves."""
    page, plain = await page_of(names, ""), await page_of(["x"] * len(names), "")
    assert page.tags == plain.tags
    shown = sorted(" ".join(row["Company"].rpartition(" ")[0].split()) for row in page.companies)
    assert shown == sorted(" ".join(label_value(name).split()) or "–" for name in names)
    assert (await page_of(["x"], words)).tags in [(await page_of(["x"], each)).tags for each in ("x", "nobody")]


@given(NAMES)
def test_what_is_printed_steers_no_terminal_and_forges_no_line(name: str) -> None:
    assert printable(name).isprintable()
    assert one_line(name).isprintable()
    assert len(one_line(name).splitlines()) <= 1
