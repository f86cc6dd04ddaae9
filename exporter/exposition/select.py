"""Picks families out of a finished exposition, as Prometheus client libraries do for `?name[]=`."""

import re
from collections.abc import Collection, Iterator

_FAMILY = re.compile(rb"^# HELP (\S+)(?: .*)?\n(?:[^#].*\n|# (?!HELP |EOF).*\n)*", re.MULTILINE)
_SUFFIXES = ("_total", "_bucket", "_sum", "_count", "_created", "_info", "_gsum", "_gcount")
_END = b"# EOF\n"


def select(exposition: bytes, names: Collection[str]) -> bytes:
    """Returns the families that have one of the names, or samples of that name; OpenMetrics with its end."""
    wanted = {name.encode() for name in _with_families(names)}
    found = (each for each in _FAMILY.finditer(exposition) if {each[1], each[1].removesuffix(b"_total")} & wanted)
    return b"".join(family[0] for family in found) + (_END if exposition.endswith(_END) else b"")


def _with_families(names: Collection[str]) -> Iterator[str]:
    for name in names:
        yield name
        yield from (name.removesuffix(suffix) for suffix in _SUFFIXES if name.endswith(suffix))
