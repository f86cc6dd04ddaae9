"""The keys and types of an answer, without its content, for operators who write overrides and definitions.

Only keys that consist of words for fields, or of one letter, are shown: others may be names of intents or steps.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from exporter.platforms import json_values

_TYPES: Mapping[type, str] = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
DEEPEST, LONGEST, MOST_KINDS, MOST_KEYS, HIGHEST_ID = 6, 600, 3, 16, 22
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^A-Za-z0-9_\-]")
_WORDS = frozenset(  # in the singular
    re.findall(
        r"\w+",
        "accepted agent amount answer average bot bucket call channel chart chatbot code component content "
        "conversation count current data date day description duration email end ended entries error exec execution "
        "exit field figure for from group hit hour id index info input instance intent interaction interval item join "
        "key kind label lang language last length list max mean median message meta metadata min name new not number "
        "of old overview page payload per percent percentage performance period periodic points previous rate ratio "
        "reason record report response result role row score seconds sent series share since size start statistic "
        "stats status step sum summary target text time timestamp title to total transfer transferred trend ts type "
        "unit until user value version voice x y n by "
        # of other platforms, which a definition describes
        "account active assistant chat company companies cost created cursor customer daily dislike document feedback "
        "down input like model month next num organisation organization output people person project queries query "
        "question rating request session team tenant token tool up updated usage used week workspace year",
    )
)


def outline(value: object, depth: int = DEEPEST) -> str:
    """Returns keys and types of a JSON value: `{data: {… 12 names: integer}}`."""
    if not isinstance(value, dict | list):
        return _TYPES[type(value)]
    if not depth:
        return "…"
    text = _object(value, depth - 1) if isinstance(value, dict) else _list(value, depth - 1)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def summary(value: object) -> str:
    """Lists the keys of an object that look like names of fields; outlines any other JSON value."""
    if not isinstance(value, dict) or not value:
        return outline(value, 1)
    names = sorted({json_values.key(str(each)) for each in value})
    return f"an object with the keys {', '.join(names[:12])}"


def keys(value: object) -> str:
    """Lists the keys of the topmost object; keys that may be names are only counted."""
    if not isinstance(value, dict):
        return f"The answer is {outline(value, 1)}."
    shown = _shown(value)
    hidden = len(value) - len(shown)
    listed = [*shown, f"… {hidden} not shown (possibly names)"] if hidden else shown
    return f"The answer has the keys {', '.join(listed) or '(none)'}."


def key(text: str) -> str:
    """Returns a key that consists of words for fields, else `*`."""
    return text if _names_a_field(text) else "*"


def _shown(value: Mapping[str, object]) -> list[str]:
    return [name for name in value if _names_a_field(name)][:MOST_KEYS]


def _names_a_field(text: str) -> bool:
    if text.isdecimal():
        return len(text) < len(str(HIGHEST_ID)) + 1 and int(text) <= HIGHEST_ID  # the id of a component
    if len(text) == 1 and text.isascii() and text.isalpha():  # too short to be a name of anything
        return True
    words = [word.lower() for word in _WORD.findall(text)]
    are_known = all(word in _WORDS or word.removesuffix("s") in _WORDS for word in words)
    return bool(words) and are_known and len(text) <= 64  # noqa: PLR2004 -- a name


def _list(value: Sequence[object], depth: int) -> str:
    kinds = list(dict.fromkeys(outline(each, depth) for each in value))
    return f"[{' or '.join(kinds[:MOST_KINDS])}{' or …' if len(kinds) > MOST_KINDS else ''}]"


def _object(value: Mapping[str, object], depth: int) -> str:
    shown = _shown(value)
    hidden = Counter(outline(each, depth) for name, each in value.items() if name not in shown)
    fields = [f"{name}: {outline(value[name], depth)}" for name in shown]
    names = [f"… {count} name{'s' if count > 1 else ''}: {kind}" for kind, count in hidden.most_common(MOST_KINDS)]
    left = [f"… {len(hidden) - MOST_KINDS} other kinds"] if len(hidden) > MOST_KINDS else []
    return f"{{{', '.join([*fields, *names, *left])}}}"
