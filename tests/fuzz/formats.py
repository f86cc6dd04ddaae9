"""The formats of what is read: bytes to plain values and back."""

import json
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

import msgspec
import yaml

from exporter.polling.state_format import HEAD
from tests.fuzz import alphabets
from tests.fuzz.mutation import Alphabet

DIGEST = sha256().digest_size
_RAW = re.compile(r'"@raw:([^"@]*)@"')
Damage = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Form:
    """How bytes become plain values (`opened`) and values bytes (`closed`); `alphabet` is what odd inputs are made of.

    `damaged` has bytes changed where a change is not found out at once. `weight` is how many bytes the law of memory
    counts an input for: those that it unpacks to.
    """

    opened: Callable[[bytes], object]
    closed: Callable[[object], bytes]
    alphabet: Alphabet
    damaged: Callable[[bytes, Damage], bytes] = lambda content, damage: damage(content)
    weight: Callable[[bytes], int] = len


def _json(value: object) -> bytes:
    """Writes JSON, which is YAML too; a leaf made by `alphabets.raw` stands there as it is written."""
    return _RAW.sub(lambda match: match[1], json.dumps(value)).encode()


def frames(content: bytes) -> list[bytes]:
    """Returns the unpacked frames of a state file that is whole."""
    rest, found = content[len(HEAD) : -DIGEST], []
    while rest:
        length = int.from_bytes(rest[:4], "little")
        found.append(zlib.decompress(rest[4 : 4 + length]))
        rest = rest[4 + length :]
    return found


def sealed(body: bytes) -> bytes:
    """Returns a state file of this body whose checksum fits, or none of its content would be read."""
    return HEAD + body + sha256(HEAD + body).digest()


def _opened_state(content: bytes) -> object:
    return [msgspec.msgpack.decode(frame) for frame in frames(content)]


def _closed_state(value: object) -> bytes:
    return sealed(b"".join(map(_frame, value if isinstance(value, list) else [value])))


def _frame(record: object) -> bytes:
    try:
        packed = zlib.compress(msgspec.msgpack.encode(record))
    except (OverflowError, UnicodeEncodeError, RecursionError):  # a number or a text that MessagePack does not know
        packed = b""
    return len(packed).to_bytes(4, "little") + packed


def _damaged_state(content: bytes, damage: Damage) -> bytes:
    """Damages what is inside the compression, or the frames themselves, or the whole file."""
    body = content[len(HEAD) : -DIGEST]
    try:
        packed = [zlib.compress(damage(frame)) for frame in frames(content)]
    except zlib.error:  # it was made so
        return damage(content)
    if len(body) % 3:
        return sealed(b"".join(len(each).to_bytes(4, "little") + each for each in packed))
    return sealed(damage(body)) if len(body) % 2 else damage(content)


def _weight_of_state(content: bytes) -> int:
    try:
        return len(content) + sum(map(len, frames(content)))
    except zlib.error:
        return len(content)


JSON = Form(opened=json.loads, closed=_json, alphabet=alphabets.JSON)
YAML = Form(
    opened=lambda content: yaml.load(content, yaml.BaseLoader),  # noqa: S506 it makes nothing but texts
    closed=_json,
    alphabet=alphabets.YAML,
)
STATE = Form(
    opened=_opened_state,
    closed=_closed_state,
    alphabet=alphabets.STATE,
    damaged=_damaged_state,
    weight=_weight_of_state,
)
