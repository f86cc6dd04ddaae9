"""Content negotiation (RFC 9110): which representation a client prefers, and whether it has it already."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from starlette.requests import Request

from exporter.exposition.text import Format


class Range(NamedTuple):
    """One element of an Accept header: `text/plain;version=0.0.4;q=0.5`."""

    value: str
    parameters: Mapping[str, str]
    quality: float


def ranges(header: str) -> tuple[Range, ...]:
    """Parses a header; an unreadable q-value counts as 1."""
    found = []
    for element in header.split(","):
        value, *rest = (piece.strip() for piece in element.split(";"))
        if value:
            pairs = (piece.partition("=") for piece in rest)
            parameters = {name.strip().lower(): text.strip().strip('"') for name, _, text in pairs}
            q = parameters.pop("q", "1")
            quality = min(float(q), 1.0) if re.fullmatch(r"[0-9]+(\.[0-9]*)?|\.[0-9]+", q) else 1.0
            found.append(Range(value.lower(), parameters, quality))
    return tuple(found)


def header(request: Request, name: str) -> str:
    """Returns the values of a header, which may be repeated, as one list (RFC 9110, 5.3)."""
    return ",".join(request.headers.getlist(name))


def exposition(accept: str) -> Format:
    """Chooses the exposition format; text if the client accepts neither.

    OpenMetrics must be named, with version 1.0.0 or without a version; at equal quality it wins.
    """
    wanted = ranges(accept)
    openmetrics = _quality_of(("application/openmetrics-text",), wanted, "1.0.0")
    text = _quality_of(("*/*", "text/*", "text/plain"), wanted, "0.0.4")
    return Format.OPENMETRICS if openmetrics and openmetrics >= text else Format.TEXT


def preferred(accept: str, types: Sequence[str]) -> str:
    """Chooses the media type (without parameters) of the highest quality; the first of equal ones."""
    wanted = ranges(accept)
    return max(types, key=lambda each: _quality_of(("*/*", f"{each.partition('/')[0]}/*", each), wanted))


def _quality_of(names: Sequence[str], wanted: Iterable[Range], version: str = "") -> float:
    """Returns the quality of the most specific matching range (RFC 9110, 12.5.1), 0 without one.

    `names` are in ascending order of precision; a range may ask for no other `version`.
    """
    fitting = (
        (names.index(each.value), "version" in each.parameters, each.quality)
        for each in wanted
        if each.value in names and (not version or each.parameters.get("version", version) == version)
    )
    return max(fitting, default=(0, False, 0.0))[-1]


def takes_gzip(accept_encoding: str) -> bool:
    """Returns whether a client accepts gzip, named or by `*`, and does not prefer plain bytes."""
    by_name = {wanted.value: wanted.quality for wanted in ranges(accept_encoding)}
    gzip = by_name.get("gzip", by_name.get("x-gzip", by_name.get("*", 0.0)))
    return gzip > 0 and gzip >= by_name.get("identity", 0.0)


def is_known(etag: str, if_none_match: str) -> bool:
    """Returns whether a client has this version already (RFC 9110, 13.1.2); tags are compared weakly."""
    known = {each.strip().removeprefix("W/") for each in if_none_match.split(",")}
    return "*" in known or etag.removeprefix("W/") in known
