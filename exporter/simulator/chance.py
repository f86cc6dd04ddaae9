"""Pseudo-random numbers that depend only on their key, so each figure can be computed on its own."""

import struct
from hashlib import blake2b

DRAWS = 8
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_EIGHT = struct.Struct(f"<{DRAWS}Q")


def draws(*key: int | str) -> tuple[float, ...]:
    """Returns eight numbers in [0, 1) for `key`, the same on every machine and in every run."""
    digest = blake2b(repr(key).encode(), digest_size=_EIGHT.size).digest()
    return tuple((number >> 11) * 2.0**-53 for number in _EIGHT.unpack(digest))


def token(length: int, *key: int | str) -> str:
    """Returns `length` (at most 40) letters and digits for `key`."""
    number = int.from_bytes(blake2b(repr(key).encode(), digest_size=32).digest())
    letters = []
    for _ in range(length):
        number, position = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[position])
    return "".join(letters)
