"""What may be asked of /api/v1/days: the parameters, and a query string read by them."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from enum import Enum

from exporter.domain.errors import QueryError

MOST_COMPANIES = 10_000
COMPANIES = 1_000
"""How many companies a page has where nothing else is asked for."""
LONGEST_SELECTOR = 256  # each glob is compiled, and the standard library caches thousands of them


class DaysFormat(Enum):
    """How days are written, by the content type; the names in lower case are the values of `format`."""

    JSON = "application/json"
    CSV = "text/csv; charset=utf-8; header=present"


@dataclass(frozen=True, slots=True)
class Available:
    """What there is to ask for: names of sources, and families of measures without their windows."""

    sources: Collection[str]
    measures: Collection[str]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of the query: `schema` is that of one value, as OpenAPI has it."""

    name: str
    description: str
    schema: Mapping[str, object]
    repeats: bool = False


DAY = {"type": "string", "format": "date"}
PARAMETERS = (
    Parameter("source", "Only this source; may be repeated.", {"type": "string"}, repeats=True),
    Parameter(
        "company",
        "Only companies that this selects: `id:17`, `name:Nor*`, or a glob on either, case-sensitive; may be repeated.",
        {"type": "string", "maxLength": LONGEST_SELECTOR},
        repeats=True,
    ),
    Parameter(
        "measure",
        "Only this measure: the name of its metric without the window; may be repeated.",
        {"type": "string"},
        repeats=True,
    ),
    Parameter("from", "The first day, in the source's time zone.", DAY),
    Parameter("to", "The last day, in the source's time zone.", DAY),
    Parameter(
        "limit",
        "How many companies a page has at most.",
        {"type": "integer", "minimum": 1, "maximum": MOST_COMPANIES, "default": COMPANIES},
    ),
    Parameter(
        "cursor",
        "Where the page before ended: its `next`; in CSV the link in its header `Link` carries it.",
        {"type": "string", "pattern": "^[^/]+/"},
    ),
    Parameter(
        "format",
        "How the answer is written; goes before the header `Accept`.",
        {"type": "string", "enum": [each.name.lower() for each in DaysFormat]},
    ),
)
REPEATED = frozenset(each.name for each in PARAMETERS if each.repeats)


@dataclass(frozen=True, slots=True)
class Query:
    """One request: empty `sources`, `companies` (selectors) and `measures` are all of them.

    The page starts behind the company `after`, by source and id. Without a `format` the client's Accept decides.
    """

    sources: tuple[str, ...] = ()
    companies: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()
    first: date = date.min
    last: date = date.max
    limit: int = COMPANIES
    after: tuple[str, str] | None = None
    format: DaysFormat | None = None


def read(pairs: Iterable[tuple[str, str]], available: Available) -> Query:
    """Reads the pairs of a query string.

    Raises:
        QueryError: a parameter is unknown, is there twice, or has a value that cannot be meant.
    """
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        given.setdefault(_known("parameter", name, [each.name for each in PARAMETERS]), []).append(value)
    for name, values in given.items():
        if len(values) > 1 and name not in REPEATED:
            raise QueryError(f"{name} is given {len(values)} times; give it once")
    one = {name: values[0] for name, values in given.items()}
    first, last = _day("from", one, date.min), _day("to", one, date.max)
    if last < first:
        raise QueryError(f"from={first} is after to={last}; swap them")
    return Query(
        sources=tuple(_known("source", each, available.sources) for each in given.get("source", ())),
        companies=tuple(map(_selector, given.get("company", ()))),
        measures=tuple(_known("measure", each, available.measures) for each in given.get("measure", ())),
        first=first,
        last=last,
        limit=_limit(one.get("limit")),
        after=_after(one.get("cursor")),
        format=_format(one.get("format")),
    )


def _known(what: str, value: str, known: Collection[str]) -> str:
    if value in known:
        return value
    near = get_close_matches(value, known, n=1)
    hint = f'did you mean "{near[0]}"?' if near else f"known: {', '.join(sorted(known)) or 'none yet'}"
    raise QueryError(f"the {what} {_shown(value)} does not exist; {hint}")


def _selector(text: str) -> str:
    if len(text) > LONGEST_SELECTOR:
        raise QueryError(f"company={_shown(text)} has {len(text)} characters; give {LONGEST_SELECTOR} at most")
    return text


def _day(name: str, one: Mapping[str, str], default: date) -> date:
    text = one.get(name)
    if text is None:
        return default
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass  # 2026-02-30
    raise QueryError(f"{name}={_shown(text)} is no day; write it as 2026-03-02")


def _limit(text: str | None) -> int:
    if text is None:
        return COMPANIES
    if re.fullmatch(r"[1-9][0-9]{0,4}", text) and int(text) <= MOST_COMPANIES:
        return int(text)
    raise QueryError(f"limit={_shown(text)} is no number of companies; give 1 to {MOST_COMPANIES}")


def _after(text: str | None) -> tuple[str, str] | None:
    if text is None:
        return None
    source, slash, company = text.partition("/")
    if not source or not slash:
        raise QueryError(f"cursor={_shown(text)} is none of ours; take it from next of the page before")
    return source, company


def _format(text: str | None) -> DaysFormat | None:
    formats = {each.name.lower(): each for each in DaysFormat}
    return None if text is None else formats[_known("format", text, formats)]


def _shown(value: str, longest: int = 60) -> str:
    """Shows a value in one line, whatever it is."""
    shown = value if len(value) <= longest else f"{value[:longest]}..."
    return ascii(shown) if not shown.isprintable() else f'"{shown}"'


def cursor(source: str, company_id: str) -> str:
    """Writes what a page ends with; the reverse of what `read` makes of a cursor."""
    return f"{source}/{company_id}"
