"""Parses the bytes of an answer, and reads ids, names, days, moments and figures from JSON values.

A documented value is returned with what is wrong with it, so that one bad value is left out and the others are served.
"""

import math
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time
from typing import Annotated, Literal, TypeGuard, get_args
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from exporter.domain import calendars
from exporter.domain.errors import NotJsonError

_STRICT = msgspec.json.Decoder()
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_WIDE_FLOATS = msgspec.json.Decoder(float_hook=float)  # reads 1e999 as infinity, where the strict one gives up
_BOM = b"\xef\xbb\xbf"
_ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair
    rb"|(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})"  # half of one, which becomes U+FFFD
    rb"|\\.",  # any other escape, so that the second backslash of two starts none
    re.DOTALL,
)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?", re.ASCII)
_FIRST, _LAST = 946_684_800, 4_102_444_800
"""The years 2000 to 2100 in seconds: a number between them, or 1000 times them, is a moment."""
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_EXACT = 2**53  # up to this a double holds every integer
Count = Annotated[int, msgspec.Meta(ge=0, le=_EXACT)]
Number = Annotated[float, msgspec.Meta(ge=0)]
"""The values that `count` and `number` read without a flaw, as types for msgspec; -0.0 is a 0."""
_NOT_IN_A_LABEL = re.compile("[\x00\ud800-\udfff]")
DEEPEST = 16  # no readable report is nested more deeply


def parse(body: bytes) -> object:
    """Returns the JSON value of a whole answer; integers keep every digit, of repeated keys the last one counts.

    A byte order mark is skipped, lone surrogates become U+FFFD. NotJsonError if it is too deep or not JSON in UTF-8.
    """
    text = body.removeprefix(_BOM)
    try:
        with suppress(msgspec.MsgspecError, UnicodeDecodeError):
            return _STRICT.decode(text)
        text.decode()
        return _WIDE_FLOATS.decode(_ESCAPE.sub(lambda match: rb"\ufffd" if match["lone"] else match[0], text))
    except RecursionError as error:
        raise NotJsonError("the answer is nested too deeply to be a report") from error
    except UnicodeDecodeError as error:
        raise NotJsonError("the answer is not UTF-8") from error
    except msgspec.MsgspecError as error:  # it names a place, never the text there
        raise NotJsonError(f"the answer is not JSON: {error}") from error


class Listed(Struct, frozen=True):
    """A list in an answer whose items are parsed one at a time; parsed together they take ten times the memory.

    Each iteration parses anew, and raises NotJsonError as `parse` does.
    """

    items: Sequence[msgspec.Raw]

    def __iter__(self) -> Iterator[object]:
        return (parse(bytes(item)) for item in self.items)

    def by(self, decoder: msgspec.json.Decoder[object]) -> Iterator[object]:
        """Yields each item as the decoder reads it, or, if the decoder refuses it, as `parse` does."""
        for item in self.items:
            try:
                yield decoder.decode(item)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                yield parse(bytes(item))


def opened(body: bytes, lists: Collection[str]) -> object:
    """Parses as `parse` does, but leaves each list under the keys `lists` of an object as `Listed`."""
    try:
        fields = _FIELDS.decode(body.removeprefix(_BOM))
        return {
            key: Listed(_ITEMS.decode(value))
            if key in lists and bytes(memoryview(value)[:1]) == b"["
            else parse(bytes(value))
            for key, value in fields.items()
        }
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return parse(body)


def decoder(shape: object) -> msgspec.json.Decoder[object]:
    """Returns a decoder that refuses values of any other shape; a shape is a type, or an object or list of shapes.

    A key whose value may be None may be missing.
    """
    return msgspec.json.Decoder(_type_of(shape))


def _type_of(shape: object) -> type:
    if isinstance(shape, list):
        item = _type_of(shape[0])
        return list[item]  # type: ignore[valid-type]  # made at run time, for msgspec alone
    if not isinstance(shape, dict):
        return shape  # type: ignore[return-value]  # what is neither list nor dict is a type
    fields = [(key, _type_of(each), *([None] if type(None) in get_args(each) else [])) for key, each in shape.items()]
    return msgspec.defstruct("Typed", fields, forbid_unknown_fields=True, kw_only=True, gc=False)


Flaw = Literal["missing", "retyped", "negative"]
"""What can be wrong with a value; a `retyped` one may still be readable."""
Checked = tuple[float | None, Flaw | None]  # a number as it was read, and what is wrong with it


def identity(value: object) -> tuple[str | None, Flaw | None]:
    """Reads an id with all its digits; a string or `17.0` is `retyped`."""
    if type(value) is int:  # almost every id
        return str(value), None
    if isinstance(value, str) and value.strip():
        return label(value), "retyped"
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value)), "retyped"
    return None, "missing"


def label(text: str) -> str:
    """Makes a string safe as a label value: the exposition escapes all but NUL, where Prometheus' parser stops."""
    return text if text.isprintable() else _NOT_IN_A_LABEL.sub("\ufffd", text)


def key(text: str) -> str:
    """Returns a key for a path in messages; `*` if it does not look like a field's name, because it may be data."""
    return text if _FIELD.fullmatch(text) else "*"


def name(value: object) -> tuple[str, Flaw | None]:
    """Reads a name unchanged; anything but a string is empty."""
    if isinstance(value, str):
        return label(value), None
    return "", "missing" if value is None else "retyped"


def day(value: object) -> date | None:
    """Reads a date in the one documented form, YYYY-MM-DD, else None."""
    if isinstance(value, str) and _DAY.fullmatch(value):
        with suppress(ValueError):
            return date.fromisoformat(value)
    return None


def is_number(value: object) -> TypeGuard[float]:
    """Returns whether it is a JSON number, not a boolean."""
    return type(value) in (int, float)


def count(value: object) -> Checked:
    """Reads an integer; `12.0` and `1e3` are integers, `12.5` is kept and `retyped`."""
    figure, flaw = number(value)
    if figure is not None and not figure.is_integer():
        return figure, "retyped"
    return figure, flaw


def number(value: object) -> Checked:
    """Reads a number; None if missing, of another type, beyond a double's range or negative."""
    if type(value) is int and 0 <= value <= _EXACT:  # almost every value
        return float(value), None
    if not is_number(value):
        return None, "missing" if value is None else "retyped"
    try:
        figure = float(value) + 0.0  # -0.0 would show on /metrics
    except OverflowError:
        figure = math.inf
    if not math.isfinite(figure):
        return None, "retyped"
    return (None, "negative") if figure < 0 else (figure, None)


def moment(value: object) -> Checked:
    """Reads an ISO date-time with an offset as seconds since 1970."""
    try:
        if isinstance(value, str) and (when := datetime.fromisoformat(value)).tzinfo is not None:
            return when.timestamp(), None
    except ValueError:
        pass
    return None, "missing" if value is None else "retyped"


def is_identity(key: str) -> bool:
    """Returns whether a number under this key is an id and not a figure."""
    return key == "id" or key.endswith("_id")


def is_date_time(value: object) -> bool:
    """Returns whether a text is a date or a date-time; "2024" is neither."""
    return isinstance(value, str) and bool(_DATE_TIME.fullmatch(value))


def is_epoch(value: object) -> TypeGuard[float]:
    """Returns whether a number can be a moment in seconds or milliseconds since 1970."""
    return is_number(value) and (_FIRST <= value < _LAST or _FIRST * 1000 <= value < _LAST * 1000)


def moment_in(value: object, zone: ZoneInfo) -> datetime | None:
    """Reads a moment; a date is its midnight in the zone, and a date-time without an offset is no moment."""
    when = _parsed(value)
    if when is None or when.tzinfo is not None:
        return when
    return calendars.start(when.date(), zone) if day(value) else None


def day_in(value: object, zone: ZoneInfo) -> date | None:
    """Reads the day of a row: a date, or the moment at which the day begins in the zone."""
    when = _parsed(value)
    if when is None:
        return None
    if when.tzinfo is None:
        return when.date() if when.time() == time.min else None
    found = when.astimezone(zone).date()
    return found if calendars.start(found, zone) == when else None


def _parsed(value: object) -> datetime | None:
    """Reads a date or date-time, with or without an offset, or an epoch; of a year that has others around it."""
    try:
        if isinstance(value, str):
            when = datetime.fromisoformat(value)
            return when if MINYEAR < when.year < MAXYEAR else None
    except ValueError:
        return None
    return datetime.fromtimestamp(value if value < _LAST else value / 1000, UTC) if is_epoch(value) else None
