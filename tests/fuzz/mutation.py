"""Mutates valid input with a seeded random generator, so that each mutation can be repeated.

Half of the mutations change the structure (a field is dropped, renamed, retyped ...), the others only bytes.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

Change = Callable[[object, Random, "Alphabet"], object]

MAX_CHANGES = 4
MAX_REPETITIONS = 200
"""Longer inputs would only be slower."""
MAX_CHARACTERS = 2**22
"""Of a repeated value, since repeated repetitions would fill the memory."""
MAX_BYTES = 2**18
"""Of an input."""
DESCEND = 0.85
"""Probability of mutating something inside a value instead of the value itself."""


class Alphabet(NamedTuple):
    """Material of mutations for a format: `leaves` for values, `names` for keys, `tokens` for bytes."""

    leaves: Sequence[object]
    names: Sequence[str]
    tokens: Sequence[bytes]


def mutate_value(value: object, random: Random, alphabet: Alphabet) -> object:
    """Returns a copy with one to four mutations."""
    for _ in range(random.randint(1, MAX_CHANGES)):
        value = _somewhere(value, random.choice(CHANGES), random, alphabet)
    return value


def _somewhere(value: object, change: Change, random: Random, alphabet: Alphabet) -> object:
    """Mutates the value or, more often, something inside it."""
    if isinstance(value, dict) and value and random.random() < DESCEND:
        name = random.choice(list(value))
        return {**value, name: _somewhere(value[name], change, random, alphabet)}
    if isinstance(value, list) and value and random.random() < DESCEND:
        place = random.randrange(len(value))
        return [*value[:place], _somewhere(value[place], change, random, alphabet), *value[place + 1 :]]
    return change(value, random, alphabet)


def _drop(value: object, random: Random, alphabet: Alphabet) -> object:
    if isinstance(value, dict) and value:
        dropped = random.choice(list(value))
        return {name: each for name, each in value.items() if name != dropped}
    if isinstance(value, list) and value:
        dropped = random.randrange(len(value))
        return value[:dropped] + value[dropped + 1 :]
    return None


def _rename(value: object, random: Random, alphabet: Alphabet) -> object:
    if not isinstance(value, dict) or not value:
        return _retype(value, random, alphabet)
    old, new = random.choice(list(value)), random.choice([*alphabet.names, *value])
    return {new if name == old else name: each for name, each in value.items()}


def _retype(value: object, random: Random, alphabet: Alphabet) -> object:
    return random.choice(alphabet.leaves)


def _add(value: object, random: Random, alphabet: Alphabet) -> object:
    more = random.choice(alphabet.leaves)
    if isinstance(value, dict):
        return {**value, random.choice(alphabet.names): more}
    return [*value, more] if isinstance(value, list) else [value, more]


def _nest(value: object, random: Random, alphabet: Alphabet) -> object:
    for _ in range(random.choice((1, 1, 2, 50))):
        value = [value] if random.random() < 0.5 else {random.choice(alphabet.names): value}
    return value


def _unnest(value: object, random: Random, alphabet: Alphabet) -> object:
    inner = list(value.values()) if isinstance(value, dict) else value
    return random.choice(inner) if isinstance(inner, list) and inner else value


def _repeat(value: object, random: Random, alphabet: Alphabet) -> object:
    times = min(random.choice((2, 3, MAX_REPETITIONS)), MAX_CHARACTERS // len(repr(value)))
    match value:
        case list():
            return value * times
        case dict():
            return {**value, **{f"{name}{n}": each for name, each in list(value.items())[:3] for n in range(times)}}
        case str():
            return value * times
        case _:
            return [value] * times


def _swap(value: object, random: Random, alphabet: Alphabet) -> object:
    """Swaps the values of an object, or shuffles a list."""
    if isinstance(value, dict):
        values = list(value.values())
        random.shuffle(values)
        return dict(zip(value, values, strict=True))
    return random.sample(value, len(value)) if isinstance(value, list) else value


def _letters(value: object, random: Random, alphabet: Alphabet) -> object:
    """Mutates a few characters, for nearly valid dates and numbers."""
    if not isinstance(value, str) or not value:
        return _retype(value, random, alphabet)
    place = random.randrange(len(value))
    return value[:place] + random.choice(LETTERS) + value[place + random.randint(0, 1) :]


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


def mutate_bytes(content: bytes, random: Random, alphabet: Alphabet) -> bytes:
    """Returns bytes with one to four mutations that ignore the structure."""
    for _ in range(random.randint(1, MAX_CHANGES)):
        begin, end = sorted((random.randint(0, len(content)), random.randint(0, len(content))))
        end = min(end, begin + 64) if random.random() < 0.8 else end
        match random.randrange(6):
            case 0:
                content = content[:begin]
            case 1:
                content = content[:begin] + content[end:]
            case 2:
                content = content[:end] + content[begin:]
            case 3:
                content = content[:begin] + content[begin:end] * random.choice((2, MAX_REPETITIONS)) + content[end:]
            case 4:
                content = content[:begin] + bytes([random.randrange(256)]) + content[begin + 1 :]
            case _:
                content = content[:begin] + random.choice(alphabet.tokens) + content[begin + random.randint(0, 2) :]
        content = content[:MAX_BYTES]
    return content
