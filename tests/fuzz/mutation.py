"""Makes bad input out of good input, by chance that is passed in: the same chance makes the same input again.

Half of the changes know the structure (a field is dropped, renamed, retyped ...), the others know only bytes.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

Change = Callable[[object, Random, "Alphabet"], object]

MOST_CHANGES = 4
MOST_TIMES = 200
"""So often a thing is repeated; longer inputs would only be slower ones."""
GROWN = 2**22
"""Characters that a thing comes to by being repeated; a repetition of repetitions would fill the memory."""
LONGEST = 2**18
"""Bytes of an input."""
GO_ON = 0.85
"""How likely a change is one of something inside."""


class Alphabet(NamedTuple):
    """What a format has: `leaves` that stand where others stood, `names` for keys, `tokens` thrown between bytes."""

    leaves: Sequence[object]
    names: Sequence[str]
    tokens: Sequence[bytes]


def changed(value: object, chance: Random, alphabet: Alphabet) -> object:
    """Returns a value with one to four changes, each somewhere in it; the given one stays as it is."""
    for _ in range(chance.randint(1, MOST_CHANGES)):
        value = _somewhere(value, chance.choice(CHANGES), chance, alphabet)
    return value


def _somewhere(value: object, change: Change, chance: Random, alphabet: Alphabet) -> object:
    """Changes the value itself or, more often, something in it."""
    if isinstance(value, dict) and value and chance.random() < GO_ON:
        name = chance.choice(list(value))
        return {**value, name: _somewhere(value[name], change, chance, alphabet)}
    if isinstance(value, list) and value and chance.random() < GO_ON:
        place = chance.randrange(len(value))
        return [*value[:place], _somewhere(value[place], change, chance, alphabet), *value[place + 1 :]]
    return change(value, chance, alphabet)


def _drop(value: object, chance: Random, alphabet: Alphabet) -> object:
    if isinstance(value, dict) and value:
        gone = chance.choice(list(value))
        return {name: each for name, each in value.items() if name != gone}
    if isinstance(value, list) and value:
        gone = chance.randrange(len(value))
        return value[:gone] + value[gone + 1 :]
    return None


def _rename(value: object, chance: Random, alphabet: Alphabet) -> object:
    if not isinstance(value, dict) or not value:
        return _retype(value, chance, alphabet)
    old, new = chance.choice(list(value)), chance.choice([*alphabet.names, *value])
    return {new if name == old else name: each for name, each in value.items()}


def _retype(value: object, chance: Random, alphabet: Alphabet) -> object:
    return chance.choice(alphabet.leaves)


def _add(value: object, chance: Random, alphabet: Alphabet) -> object:
    more = chance.choice(alphabet.leaves)
    if isinstance(value, dict):
        return {**value, chance.choice(alphabet.names): more}
    return [*value, more] if isinstance(value, list) else [value, more]


def _nest(value: object, chance: Random, alphabet: Alphabet) -> object:
    for _ in range(chance.choice((1, 1, 2, 50))):
        value = [value] if chance.random() < 0.5 else {chance.choice(alphabet.names): value}
    return value


def _unnest(value: object, chance: Random, alphabet: Alphabet) -> object:
    inner = list(value.values()) if isinstance(value, dict) else value
    return chance.choice(inner) if isinstance(inner, list) and inner else value


def _repeat(value: object, chance: Random, alphabet: Alphabet) -> object:
    times = min(chance.choice((2, 3, MOST_TIMES)), GROWN // len(repr(value)))
    match value:
        case list():
            return value * times
        case dict():
            return {**value, **{f"{name}{n}": each for name, each in list(value.items())[:3] for n in range(times)}}
        case str():
            return value * times
        case _:
            return [value] * times


def _swap(value: object, chance: Random, alphabet: Alphabet) -> object:
    """Gives the values of an object to each other's names, or puts a list in another order."""
    if isinstance(value, dict):
        values = list(value.values())
        chance.shuffle(values)
        return dict(zip(value, values, strict=True))
    return chance.sample(value, len(value)) if isinstance(value, list) else value


def _letters(value: object, chance: Random, alphabet: Alphabet) -> object:
    """Changes a text within: dates and numbers that are nearly good."""
    if not isinstance(value, str) or not value:
        return _retype(value, chance, alphabet)
    place = chance.randrange(len(value))
    return value[:place] + chance.choice(LETTERS) + value[place + chance.randint(0, 1) :]


LETTERS = (
    "0",
    "9",
    "-",
    ".",
    " ",
    "\n",
    "\0",
    "\x1b",
    "\u2028",
    "\u0663",
    "\U0001f600",
    "e",
    "Z",
    "+25:61",
    "%",
    "'",
    ":",
)
CHANGES: Sequence[Change] = (_drop, _rename, _retype, _add, _nest, _unnest, _repeat, _swap, _letters)


def corrupted(content: bytes, chance: Random, alphabet: Alphabet) -> bytes:
    """Returns bytes with one to four changes that respect no structure."""
    for _ in range(chance.randint(1, MOST_CHANGES)):
        begin, end = sorted((chance.randint(0, len(content)), chance.randint(0, len(content))))
        end = min(end, begin + 64) if chance.random() < 0.8 else end
        match chance.randrange(6):
            case 0:
                content = content[:begin]
            case 1:
                content = content[:begin] + content[end:]
            case 2:
                content = content[:end] + content[begin:]
            case 3:
                content = content[:begin] + content[begin:end] * chance.choice((2, MOST_TIMES)) + content[end:]
            case 4:
                content = content[:begin] + bytes([chance.randrange(256)]) + content[begin + 1 :]
            case _:
                content = content[:begin] + chance.choice(alphabet.tokens) + content[begin + chance.randint(0, 2) :]
        content = content[:LONGEST]
    return content
