"""The keys and types of an answer, without its content, for operators who write overrides and definitions.

Only keys that consist of words for fields, or of one letter, are shown: others may be names of intents or steps.
"""

import re
from collections import Counter
from collections.abc import Mapping

from exporter.platforms import json_values

_TYPES: Mapping[type, str] = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
DEEPEST, LONGEST, MOST_KINDS, MOST_KEYS, HIGHEST_ID = 6, 600, 3, 16, 22
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^A-Za-z0-9_\-]")
_WORDS = frozenset(
    re.findall(
        r"\w+",
        "accepted agent amount answer answers average bot bucket buckets call calls channel channels chart "
        "chatbot code component components content conversation conversations count counts current data date "
        "day days description duration durations email end ended entries error errors exec execution "
        "executions exit field figure figures for from group groups hit hits hour hours id ids index info "
        "input inputs instance intent intents interaction interactions interval intervals item items join key "
        "kind label labels lang language languages last length list max mean median medians message messages "
        "meta metadata min name names new not number numbers of old overview page pages payload per percent "
        "percentage performance period periodic points previous rate ratio reason reasons record records "
        "report reports response result results role row rows score scores seconds sent series share since "
        "size start statistic statistics stats status step steps sum summary target text time times timestamp "
        "title to total totals transfer transferred trend ts type types unit units until user users value "
        "values version voice x y n by "
        # of other platforms, which a definition describes
        "account accounts active assistant assistants chat chats company companies cost created cursor customer "
        "customers daily dislike dislikes document documents feedback feedbacks down input like likes model models "
        "month next num organisation organisations organization organizations output people person persons project "
        "projects queries query question questions rating ratings request requests session sessions team teams "
        "tenant tenants token tokens tool tools up updated usage used week workspace workspaces year",
    )
)


def outline(value: object, depth: int = DEEPEST) -> str:
    """Returns keys and types of a JSON value: `{data: {… 12 names: integer}}`."""
    text = _outline(value, depth)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def summary(value: object) -> str:
    """Describes a JSON value: an object's keys that name fields, else the type."""
    match value:
        case dict():
            names = sorted({json_values.key(str(each)) for each in value})
            return f"an object with the keys {', '.join(names[:12])}" if names else "an empty object"
        case list() | json_values.Listed():
            return "a list"
        case str():
            return "a string"
        case bool() | None:
            return str(value).lower().replace("none", "null")
        case _:
            return "a number"


def keys(value: object) -> str:
    """Lists the keys of the topmost object; keys that may be names are only counted."""
    if not isinstance(value, dict):
        return f"The answer is {_outline(value, 1)}."
    shown, hidden = _parted(value)
    listed = [*shown, f"… {hidden} not shown (possibly names)"] if hidden else shown
    return f"The answer has the keys {', '.join(listed) or '(none)'}."


def key(text: str) -> str:
    """Returns a key that consists of words for fields, else `*`."""
    return text if _names_a_field(text) else "*"


def _parted(value: Mapping[str, object]) -> tuple[list[str], int]:
    shown = [name for name in value if _names_a_field(name)][:MOST_KEYS]
    return shown, len(value) - len(shown)


def _names_a_field(text: str) -> bool:
    if text.isdecimal():
        return len(text) < len(str(HIGHEST_ID)) + 1 and int(text) <= HIGHEST_ID  # the id of a component
    if len(text) == 1 and text.isascii() and text.isalpha():  # too short to be a name of anything
        return True
    words = _WORD.findall(text)
    return bool(words) and len(text) <= 64 and all(word.lower() in _WORDS for word in words)  # noqa: PLR2004 -- a name


def _outline(value: object, depth: int) -> str:
    if not isinstance(value, dict | list):
        return _TYPES[type(value)]
    if not depth:
        return "…"
    if isinstance(value, dict):
        return _object(value, depth - 1)
    kinds = list(dict.fromkeys(_outline(each, depth - 1) for each in value))
    return f"[{' or '.join(kinds[:MOST_KINDS])}{' or …' if len(kinds) > MOST_KINDS else ''}]"


def _object(value: Mapping[str, object], depth: int) -> str:
    shown, _ = _parted(value)
    hidden = Counter(_outline(each, depth) for name, each in value.items() if name not in shown)
    fields = [f"{name}: {_outline(value[name], depth)}" for name in shown]
    names = [f"… {count} name{'s' if count > 1 else ''}: {kind}" for kind, count in hidden.most_common(MOST_KINDS)]
    left = [f"… {len(hidden) - MOST_KINDS} other kinds"] if len(hidden) > MOST_KINDS else []
    return f"{{{', '.join([*fields, *names, *left])}}}"
