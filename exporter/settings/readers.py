"""Reads one text, or a list of texts, as a typed value; the ValueError says what to write instead.

Values from the file (`yaml_file` keeps scalars as written) and from the environment are texts, so `1:30`, `no`, `007`
and `2026-12-25` mean the same in both.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from pydantic import PlainValidator

from exporter.domain import selectors as language
from exporter.domain.wording import nearest, printable, remedy

T = TypeVar("T")
Loc = tuple[str | int, ...]
"""The location of a value: keys, and indexes of lists."""

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
AUTO = "auto"
_LONGEST = 40
_HARMLESS = re.compile(r"[A-Za-z_-]{1,24}")
_UNITS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
_SIZES = {"": 1, "B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_NUMBER = r"[0-9]{1,15}(?:\.[0-9]{1,9})?"


class OptionError(ValueError):
    """A problem `inside` the validated option, or of the option and another one `beside` it."""

    def __init__(self, message: str, inside: Loc = (), beside: Loc = ()) -> None:
        super().__init__(message)
        self.inside = inside
        self.beside = beside


class Variable(str):
    """The value of an environment variable."""

    __slots__ = ()


def quoted(text: str) -> str:
    visible = printable(text)
    return json.dumps(visible if len(visible) <= _LONGEST else f"{visible[: _LONGEST - 1]}…", ensure_ascii=False)


def shown(key: str) -> str:
    """Returns a key of the file unless it may be a secret (`{api_key:sk-1}`)."""
    return key if _HARMLESS.fullmatch(key) else "…"


def existing(word: str, known: Iterable[str], otherwise: str) -> str:
    """Returns a known word; for other words, `otherwise` begins the message."""
    known = tuple(known)
    if word not in known:
        raise ValueError(f"{otherwise} {quoted(word)}; {remedy(word, known)}")
    return word


def one_of(known: Mapping[str, T], otherwise: str) -> Callable[[object], T]:
    """Makes a reader of known words; for other words, `otherwise` begins the message."""
    return lambda value: known[existing(text(value), known, otherwise)]


def text(value: object) -> str:
    """Reads one text, stripped."""
    if not isinstance(value, str):
        kind = "a list" if isinstance(value, list) else "options of its own"
        if value is None or isinstance(value, bool):  # null in a list, or JSON in a variable
            kind = json.dumps(value)
        raise ValueError(f"expected one value, not {kind}")  # noqa: TRY004  pydantic collects ValueErrors only
    stripped = value.strip()
    if not stripped:
        raise ValueError("is empty; give it a value or leave it out")
    return stripped


def matching(pattern: str, otherwise: str, read: Callable[[re.Match[str]], T]) -> Callable[[object], T]:
    """Makes a reader of texts that match; for other texts, `otherwise` completes the message."""

    def read_match(value: object) -> T:
        written = text(value)
        try:
            if match := re.fullmatch(pattern, written):
                return read(match)
        except ValueError:
            pass  # 2026-02-30 matches, and is not a date
        raise ValueError(f"{quoted(written)} {otherwise}")

    return read_match


number = matching(_NUMBER, "is not a number; write one such as 50 or 0.5", lambda match: float(match[0]))
whole = matching("[0-9]{1,9}", "is not a whole number; write digits only, such as 45", lambda match: int(match[0]))
size = matching(
    f"([0-9]{{1,12}})({'|'.join(_SIZES)})",
    "is not a size; write 256MiB, 10MB, or the bytes as a whole number",
    lambda match: int(match[1]) * _SIZES[match[2]],
)
flag = matching(
    "(?i:(true)|false)",  # YAML parsers disagree about yes, no, on and off
    "is neither true nor false; write one of the two",
    lambda match: match[1] is not None,
)
day = matching(
    "[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "is not a date; write year-month-day, such as 2026-12-25",
    lambda match: date.fromisoformat(match[0]),
)
duration = matching(
    "0|" + "".join(rf"(?:(?P<{unit}>[0-9]{{1,6}}){unit})?" for unit in _UNITS),
    "is not a duration; write it with units, as in 6h or 1h30m",
    lambda match: timedelta(seconds=sum(int(match[unit] or 0) * seconds for unit, seconds in _UNITS.items())),
)
ratio = matching(
    f"({_NUMBER}) ?(%?)",
    "is neither a number nor a percentage; write 0.1 or 10%",
    lambda match: float(match[1]) / (100 if match[2] else 1),
)


def share(value: object) -> float:
    """Reads `10%` or `0.1`; whole numbers other than 0 are ambiguous and refused."""
    part, written = ratio(value), text(value)
    if part >= 1 and not written.endswith("%"):
        raise ValueError(f"{quoted(written)} has no unit; write {written}%, or a part of one such as 0.1")
    return part


def spoken(length: timedelta) -> str:
    """Writes a duration in whole seconds as `1h30m`."""
    rest, words = int(length.total_seconds()), ""
    for unit, seconds in _UNITS.items():
        if unit != "w" and rest >= seconds:
            words += f"{rest // seconds}{unit}"
            rest %= seconds
    return words or "0s"


def weekdays(value: object) -> frozenset[int]:
    return frozenset(WEEKDAYS.index(existing(each.lower(), WEEKDAYS, "no weekday")) for each in texts(value))


def zone(value: object) -> ZoneInfo:
    written = text(value)
    try:
        return ZoneInfo(written)
    except (KeyError, ValueError, OSError):  # OSError: `Europe` is a folder of the system's time zones
        near = nearest(written, available_timezones())
        hint = f"did you mean {quoted(near)}?" if near else "write UTC or a name such as Europe/Paris"
        raise ValueError(f"{quoted(written)} is not a known time zone; {hint}") from None


def selector(value: object) -> str:
    """Reads a selector (`exporter.domain.selectors`), also `id: 17`, which YAML reads as a mapping."""
    if isinstance(value, dict) and len(value) == 1:
        [(prefix, pattern)] = value.items()
        if str(prefix).strip().lower() in ("id", "name"):
            value = f"{prefix}:{text(pattern)}"
    return language.selector(text(value))


def selectors(value: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys(selector(item) for item in _items(value)))


def texts(value: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text(item) for item in _items(value)))


def _items(value: object) -> Iterable[object]:
    if isinstance(value, Variable):
        if value.lstrip().startswith("["):
            value = _json(value, 'starts like JSON but is not; write ["one", "two"], or one,two')
        else:
            return [item for item in value.split(",") if item.strip()]
    if not isinstance(value, list | tuple):
        raise ValueError('expected a list; write [one, two], or one "- item" per line')  # noqa: TRY004  as in text()
    return value


def reports(value: object) -> tuple[str, ...] | None:
    """Reads a list of report names; `auto` is None."""
    return None if isinstance(value, str) and value.strip() == AUTO else texts(value)


def one_or_more(value: object) -> tuple[str, ...]:
    return (text(value),) if isinstance(value, str) and not isinstance(value, Variable) else texts(value)


def entries(value: object) -> object:
    """Reads a list of groups of options, as JSON from the environment."""
    return _json(value, 'is not JSON; write [{"company": "id:17", ...}]') if isinstance(value, Variable) else value


def _json(written: str, otherwise: str) -> object:
    try:
        return json.loads(written, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        raise ValueError(otherwise) from None


Text = Annotated[str, PlainValidator(text)]
Duration = Annotated[timedelta, PlainValidator(duration)]
Size = Annotated[int, PlainValidator(size)]
Share = Annotated[float, PlainValidator(share)]
Whole = Annotated[int, PlainValidator(whole)]
Flag = Annotated[bool, PlainValidator(flag)]
Day = Annotated[date, PlainValidator(day)]
Zone = Annotated[ZoneInfo, PlainValidator(zone)]
Texts = Annotated[tuple[str, ...], PlainValidator(texts)]
Selector = Annotated[str, PlainValidator(selector)]
Selectors = Annotated[tuple[str, ...], PlainValidator(selectors)]
Weekdays = Annotated[frozenset[int], PlainValidator(weekdays)]
