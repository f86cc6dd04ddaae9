"""Which of several offers a client likes best, by the q-values of an Accept or Accept-Encoding header (RFC 9110)."""

from collections.abc import Mapping
from typing import NamedTuple

from exporter.page import Format

VERSIONS = {Format.TEXT: "0.0.4", Format.OPENMETRICS: "1.0.0"}


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
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 1.0


def exposition(accept: str) -> Format:
    """Chooses the exposition format; who names none that we have gets the text format, as from any exporter.

    OpenMetrics must be asked for by name, in version 1.0.0 or in no version; at equal quality it goes before text.
    """
    openmetrics = text = 0.0
    for wanted in ranges(accept):
        version = wanted.parameters.get("version")
        if wanted.value == "application/openmetrics-text" and version in (None, VERSIONS[Format.OPENMETRICS]):
            openmetrics = max(openmetrics, wanted.quality)
        elif wanted.value in ("text/plain", "text/*", "*/*") and version in (None, VERSIONS[Format.TEXT]):
            text = max(text, wanted.quality)
    return Format.OPENMETRICS if openmetrics and openmetrics >= text else Format.TEXT


def takes_gzip(accept_encoding: str) -> bool:
    """Tells whether a client takes gzip: named, or by `*`, with a quality above 0."""
    by_name = {wanted.value: wanted.quality for wanted in ranges(accept_encoding)}
    return by_name.get("gzip", by_name.get("x-gzip", by_name.get("*", 0.0))) > 0
