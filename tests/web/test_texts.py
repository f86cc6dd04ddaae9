"""Whatever text a platform sends as a name: a label, a cell, a page and a message hold it as that alone."""

import csv
import io
import re
from html.parser import HTMLParser

from hypothesis import example, given
from hypothesis import strategies as st
from markupsafe import escape
from prometheus_client.parser import text_string_to_metric_families as parsed

from exporter.domain.model import Family, Sample
from exporter.domain.text import label_value, one_line, printable
from exporter.exposition.text import write
from exporter.web.api.write import _harmless, _lines

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


class Texts(HTMLParser):
    """Collects the text of a page, and its tags."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.tags: list[str] = []

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)


@given(NAMES)
def test_a_page_has_the_name_and_no_tag_of_it(name: str) -> None:
    page = Texts()
    page.feed(f"<p>{escape(name)}</p>")
    page.close()
    assert (page.text, page.tags) == (name, ["p"])


@given(NAMES)
def test_what_is_printed_steers_no_terminal_and_forges_no_line(name: str) -> None:
    assert printable(name).isprintable()
    assert one_line(name).isprintable()
    assert len(one_line(name).splitlines()) <= 1
