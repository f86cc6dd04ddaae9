"""Formats of inputs: conversion between bytes and plain values."""

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
    """Converts bytes to plain values (`decode`) and back (`encode`), with the `alphabet` of mutations.

    `damaged` damages bytes where a checksum does not reveal it at once. `weight` is the unpacked size of an input, for
    the check of memory.
    """

    decode: Callable[[bytes], object]
    encode: Callable[[object], bytes]
    alphabet: Alphabet
    damaged: Callable[[bytes, Damage], bytes] = lambda content, damage: damage(content)
    weight: Callable[[bytes], int] = len


def _json(value: object) -> bytes:
    """Writes JSON, which is YAML too; leaves from `alphabets.raw` are written as they are."""
    return _RAW.sub(lambda match: match[1], json.dumps(value)).encode()


def frames(content: bytes) -> list[bytes]:
    """Returns the unpacked frames of a valid state file."""
    rest, found = content[len(HEAD) : -DIGEST], []
    while rest:
        length = int.from_bytes(rest[:4], "little")
        found.append(zlib.decompress(rest[4 : 4 + length]))
        rest = rest[4 + length :]
    return found


def sealed(body: bytes) -> bytes:
    """Returns a state file with this body and a matching checksum, without which it is not read."""
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
    """Damages the content, the frames or the file."""
    body = content[len(HEAD) : -DIGEST]
    try:
        packed = [zlib.compress(damage(frame)) for frame in frames(content)]
    except zlib.error:  # damaged on purpose
        return damage(content)
    if len(body) % 3:
        return sealed(b"".join(len(each).to_bytes(4, "little") + each for each in packed))
    return sealed(damage(body)) if len(body) % 2 else damage(content)


def _weight_of_state(content: bytes) -> int:
    try:
        return len(content) + sum(map(len, frames(content)))
    except zlib.error:
        return len(content)


JSON = Form(decode=json.loads, encode=_json, alphabet=alphabets.JSON)
YAML = Form(
    decode=lambda content: yaml.load(content, yaml.BaseLoader),  # noqa: S506 it makes only strings
    encode=_json,
    alphabet=alphabets.YAML,
)
STATE = Form(
    decode=_opened_state,
    encode=_closed_state,
    alphabet=alphabets.STATE,
    damaged=_damaged_state,
    weight=_weight_of_state,
)
