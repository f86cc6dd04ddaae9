"""Parses the status page: tables by column label, and the list of problems."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

EMPTY = frozenset({"meta", "link", "input", "br", "path"})


@dataclass
class ParsedStatusPage(HTMLParser):
    """A parsed page: rows of `reports` and `companies`, lines of `problems`, `links`, all `tags` with attribute names.

    A company has at least one row, and one for each limit that it breaks.
    """

    reports: list[dict[str, str]] = field(default_factory=list)
    companies: list[dict[str, str]] = field(default_factory=list)
    charts: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    totals: list[str] = field(default_factory=list)
    summary: str = ""
    tags: list[tuple[str, ...]] = field(default_factory=list)
    _open: list[tuple[str, Mapping[str, str | None]]] = field(default_factory=list)

    @classmethod
    def of(cls, text: str) -> "ParsedStatusPage":
        page = cls()
        HTMLParser.__init__(page)
        page.feed(text)
        page.close()
        assert not page._open, "every tag is closed"
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append((tag, *attributes))
        if tag == "tr" and self._inside("tbody"):
            is_further = attributes.get("class") == "further"
            self._table().append({"Company": self._table()[-1]["Company"]} if is_further else {})
        if tag == "li" and self._class("ul") == "problems":
            self.problems.append("")
        if attributes.get("class") == "total":
            self.totals.append("")
        if tag == "svg":
            self.charts.append(attributes["aria-label"] or "")
        if tag in ("a", "link", "script") and (address := attributes.get("href") or attributes.get("src")):
            self.links.append(address)
        if tag not in EMPTY:
            self._open.append((tag, attributes))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in EMPTY

    def handle_endtag(self, tag: str) -> None:
        name, _ = self._open.pop()
        assert name == tag

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split(" ")).replace("\n", " ")
        if self._inside("tbody"):
            label = next(
                (attributes["data-label"] for _, attributes in reversed(self._open) if attributes.get("data-label")),
                None,
            )
            if label:
                row = self._table()[-1]
                row[label] = f"{row.get(label, '')}{text}".lstrip()
        elif self._class("ul") == "problems" and self._inside("li"):
            self.problems[-1] = f"{self.problems[-1]}{text}".lstrip()
        elif self._class("p") == "total":
            self.totals[-1] += text
        elif (self._class("p") or "").startswith("summary"):
            self.summary = f"{self.summary}{text}".lstrip()

    def _inside(self, tag: str) -> bool:
        return any(name == tag for name, _ in self._open)

    def _class(self, tag: str) -> str | None:
        return next((attributes.get("class") for name, attributes in reversed(self._open) if name == tag), None)

    def _table(self) -> list[dict[str, str]]:
        return self.reports if self._class("table") == "reports" else self.companies
