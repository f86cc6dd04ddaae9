r"""Reads the tables of answers: each `cases/<report>.yml` has the answers of one report and what becomes of them.

The question is asked on Tuesday 2026-03-03 for the days 2026-02-28 to 2026-03-03. Of each case the table has:

    id        its name; it means the same in every report
    about     what it is and what happens, in a sentence
    body      the bytes of the answer, in the `encoding` (UTF-8 where none is named)
    held      the body of an answer that came an hour before, where there was one
    reading   how decoding ends, what was odd (fields of drift by path, rows of violations), and each figure
    served    how decoding ends, and the lines that /metrics has after it

Texts are Jinja templates: `{{ metadata }}` stands for what the table has under `shared`, `{{ "x" * 300 }}` for what is
long, `{{ "\t" }}` for what would not be seen.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from jinja2 import StrictUndefined, Template

TABLES = Path(__file__).parent / "cases"


@dataclass(frozen=True, slots=True)
class Case:
    """An answer, and what becomes of it: at least one of `reading` and `served`."""

    report: str
    id: str
    about: str
    body: bytes
    held: bytes | None
    reading: str | None
    served: str | None


def _read(path: Path) -> Iterator[Case]:
    table = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    for entry in table["cases"]:
        yield _case(path.stem, table.get("shared", {}), **entry)


def _case(
    report: str,
    shared: Mapping[str, str],
    *,
    id: str,
    about: str,
    body: str,
    encoding: str = "utf-8",
    held: str | None = None,
    reading: str | None = None,
    served: str | None = None,
) -> Case:
    """Returns the case of an entry; another key than these is a TypeError."""

    def filled(text: str) -> str:
        return str(Template(text, keep_trailing_newline=True, undefined=StrictUndefined).render(shared))

    return Case(
        report,
        id,
        about,
        filled(body).encode(encoding),
        None if held is None else filled(held).encode(),
        None if reading is None else filled(reading),
        None if served is None else filled(served),
    )


CASES = tuple(case for path in sorted(TABLES.glob("*.yml")) for case in _read(path))


def case_of(report: str, case_id: str) -> Case:
    """Returns the case of that name; raises ValueError if there is not exactly one."""
    (found,) = (case for case in CASES if (case.report, case.id) == (report, case_id))
    return found
