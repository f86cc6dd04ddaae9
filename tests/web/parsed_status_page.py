"""Reads the status page as a person does: its tables by the labels of their cells, its list of what is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

EMPTY = frozenset({"meta", "link", "input", "br", "path"})


@dataclass
class ReadPage(HTMLParser):
    """A page that was read: `reports` and `companies` by row, `wrong` by line, `links` with their texts, all `tags`.

    A company has a row for each broken limit, one at least.
    """

    reports: list[dict[str, str]] = field(default_factory=list)
    companies: list[dict[str, str]] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    totals: list[str] = field(default_factory=list)
    summary: str = ""
    tags: list[tuple[str, ...]] = field(default_factory=list)
    _open: list[tuple[str, Mapping[str, str | None]]] = field(default_factory=list)

    @classmethod
    def of(cls, text: str) -> "ReadPage":
        page = cls()
        HTMLParser.__init__(page)
        page.feed(text)
        page.close()
        assert not page._open, "every tag is closed"
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, *given))
        if tag == "tr" and self._inside("tbody"):
            is_further = given.get("class") == "further"
            self._table().append({"Company": self._table()[-1]["Company"]} if is_further else {})
        if tag == "li" and self._class("ul") == "problems":
            self.wrong.append("")
        if given.get("class") == "total":
            self.totals.append("")
        if tag == "svg":
            self.pictures.append(given["aria-label"] or "")
        if tag in ("a", "link", "script") and (address := given.get("href") or given.get("src")):
            self.links.append(address)
        if tag not in EMPTY:
            self._open.append((tag, given))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in EMPTY

    def handle_endtag(self, tag: str) -> None:
        name, _ = self._open.pop()
        assert name == tag

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split(" ")).replace("\n", " ")
        if self._inside("tbody"):
            label = next((given["data-label"] for _, given in reversed(self._open) if given.get("data-label")), None)
            if label:
                row = self._table()[-1]
                row[label] = f"{row.get(label, '')}{text}".lstrip()
        elif self._class("ul") == "problems" and self._inside("li"):
            self.wrong[-1] = f"{self.wrong[-1]}{text}".lstrip()
        elif self._class("p") == "total":
            self.totals[-1] += text
        elif (self._class("p") or "").startswith("summary"):
            self.summary = f"{self.summary}{text}".lstrip()

    def _inside(self, tag: str) -> bool:
        return any(name == tag for name, _ in self._open)

    def _class(self, tag: str) -> str | None:
        return next((given.get("class") for name, given in reversed(self._open) if name == tag), None)

    def _table(self) -> list[dict[str, str]]:
        return self.reports if self._class("table") == "reports" else self.companies
