"""Which of several representations a client prefers, and which it already has, by its headers (RFC 9110)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from starlette.requests import Request

from exporter.exposition.text import Format

VERSIONS = {Format.TEXT: "0.0.4", Format.OPENMETRICS: "1.0.0"}
NAMES = {
    Format.TEXT: ("*/*", "text/*", "text/plain"),  # the more precise, the later
    Format.OPENMETRICS: ("application/openmetrics-text",),
}
QUALITY = re.compile(r"[0-9]+(\.[0-9]*)?|\.[0-9]+")


class Range(NamedTuple):
    """One element of an Accept header: `text/plain;version=0.0.4;q=0.5`."""

    value: str
    parameters: Mapping[str, str]
    quality: float


def ranges(header: str) -> tuple[Range, ...]:
    """Reads a header; an element whose q-value cannot be read counts fully, as if it had none."""
    found = []
    for element in header.split(","):
        value, *rest = (piece.strip() for piece in element.split(";"))
        if value:
            pairs = (piece.partition("=") for piece in rest)
            parameters = {name.strip().lower(): text.strip().strip('"') for name, _, text in pairs}
            found.append(Range(value.lower(), parameters, _quality(parameters.pop("q", "1"))))
    return tuple(found)


def _quality(text: str) -> float:
    return min(float(text), 1.0) if QUALITY.fullmatch(text) else 1.0


def header(request: Request, name: str) -> str:
    """Returns a header as a list; its lines may be repeated, and together are one list (RFC 9110, 5.3)."""
    return ",".join(request.headers.getlist(name))


def exposition(accept: str) -> Format:
    """Chooses the exposition format; who names none that we have gets the text format, as from any exporter.

    OpenMetrics must be asked for by name, in version 1.0.0 or in no version; at equal quality it goes before text.
    """
    wanted = ranges(accept)
    openmetrics = _quality_of(NAMES[Format.OPENMETRICS], wanted, VERSIONS[Format.OPENMETRICS])
    text = _quality_of(NAMES[Format.TEXT], wanted, VERSIONS[Format.TEXT])
    return Format.OPENMETRICS if openmetrics and openmetrics >= text else Format.TEXT


def preferred(accept: str, types: Sequence[str]) -> str:
    """Chooses one of some media types, without parameters; the first of those that are liked best, or not refused."""
    wanted = ranges(accept)
    return max(types, key=lambda each: _quality_of(("*/*", f"{each.partition('/')[0]}/*", each), wanted))


def _quality_of(names: Sequence[str], wanted: Iterable[Range], version: str = "") -> float:
    """Returns the quality of the most precise range that fits (RFC 9110, 12.5.1), 0 if none does.

    `names` are from the least precise on; a range may ask for no other `version`, if there is one.
    """
    fitting = (
        (names.index(each.value), "version" in each.parameters, each.quality)
        for each in wanted
        if each.value in names and (not version or each.parameters.get("version", version) == version)
    )
    return max(fitting, default=(0, False, 0.0))[-1]


def takes_gzip(accept_encoding: str) -> bool:
    """Returns whether a client takes gzip, named or by `*`, and does not like plain bytes better."""
    by_name = {wanted.value: wanted.quality for wanted in ranges(accept_encoding)}
    gzip = by_name.get("gzip", by_name.get("x-gzip", by_name.get("*", 0.0)))
    return gzip > 0 and gzip >= by_name.get("identity", 0.0)


def is_known(etag: str, if_none_match: str) -> bool:
    """Returns whether a client has this version (RFC 9110, 13.1.2); weak and strong tags count alike."""
    known = {each.strip().removeprefix("W/") for each in if_none_match.split(",")}
    return "*" in known or etag.removeprefix("W/") in known
