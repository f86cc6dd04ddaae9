"""Reads a YAML file into a tree of texts with their lines; knows no option.

Scalars stay as written: YAML's guesses (`1:30` is 90, `no` is false, `007` is 7, dates) never happen. Only `null`, `~`
and nothing are null. Anchors, aliases and merge keys work; tags are refused.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from exporter.domain.errors import ConfigError
from exporter.domain.threads import in_time
from exporter.settings.readers import Loc, shown

_DEEPEST = 12  # levels, of which options need six; an alias that contains itself would never end
_MOST_BY_ALIAS = 10_000  # values that aliases may add; without them, a file has fewer values than characters
_TEXT = "tag:yaml.org,2002:str"
_NULL = "tag:yaml.org,2002:null"
_MERGE = "tag:yaml.org,2002:merge"
_HALF = re.compile("[\ud800-\udfff]")
_ADVICE = {
    r"found character '\t'": "a tab, where YAML allows only spaces; replace each tab with two spaces",
    "but found another document": 'a second document begins ("---"); keep one per file',
    "expected ',' or": "a list or group does not end here; quote a text that contains one of [ ] { } , : #",
    "mapping values are not allowed": "a second colon in one line; quote the text that contains it",
}
"""PyYAML's messages, and better ones."""
_QUOTE = re.compile(r"'[^'<>]{2,}'|\"[^\"<>]{2,}\"")

Place = int | str
"""Where a value is set: a line of the file (0: in none), or the name of a variable."""
Problem = tuple[Place, str]


@dataclass(frozen=True, slots=True)
class Document:
    """A tree of texts, the place of each value, problems found before validation, and notes for the log."""

    name: str
    tree: Mapping[str, object] = field(default_factory=dict, repr=False)
    places: Mapping[Loc, Place] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


class _Loader(yaml.SafeLoader):
    """Makes dicts, lists, texts and None; records the line of each, and duplicate keys."""

    yaml_implicit_resolvers = {  # noqa: RUF012  the base class declares it so
        first: [rule for rule in rules if rule[0] in (_NULL, _MERGE)]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def __init__(self, content: str) -> None:
        super().__init__(content)
        self.twice: list[Problem] = []
        self.lines: dict[Loc, Place] = {}
        self._left = len(content) + _MOST_BY_ALIAS

    def get_single_data(self) -> tuple[Mapping[str, object], Mapping[Loc, Place], tuple[Problem, ...]]:
        """Returns options, the place of each, and duplicate keys, as the result of `yaml.load`."""
        root = self.get_single_node()
        if root is None or root.tag == _NULL:
            return {}, {}, ()
        if not isinstance(root, yaml.MappingNode):
            raise _wrong("expected options at the top level, such as sources", root)
        return self._mapping(root, ()), self.lines, tuple(self.twice)

    def compose_mapping_node(self, anchor: object) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)  # type: ignore[arg-type]  # the stubs take the anchor for a table
        first: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _wrong("a key must be plain text", key)
            name, line = key.value, key.start_mark.line + 1
            if name in first and key.tag != _MERGE:
                words = f'the key "{shown(name)}" is set again (first in line {first[name]}); keep one of the two'
                self.twice.append((line, words))
            first.setdefault(name, line)
        return node

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Merges, and keeps the last of equal keys: merges of merges would multiply otherwise."""
        super().flatten_mapping(node)
        node.value = list({key.value: (key, value) for key, value in node.value}.values())

    def _mapping(self, node: yaml.MappingNode, loc: Loc) -> dict[str, object]:
        self.flatten_mapping(node)  # puts merged keys first, so that own ones override them
        options: dict[str, object] = {}
        for key, value in node.value:
            name = _whole(key)
            self.lines[*loc, name] = key.start_mark.line + 1
            options[name] = self._value(value, (*loc, name))
        return options

    def _value(self, node: yaml.Node, loc: Loc) -> object:
        self._left -= 1
        if len(loc) > _DEEPEST:
            raise _wrong("is nested too deeply", node)
        if self._left < 0:
            raise _wrong("aliases (*...) expand to too many values", node)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, loc)
        if isinstance(node, yaml.SequenceNode):
            self.lines.update({(*loc, n): item.start_mark.line + 1 for n, item in enumerate(node.value)})
            return [self._value(item, (*loc, number)) for number, item in enumerate(node.value)]
        if node.tag not in (_TEXT, _NULL):
            raise _wrong("tags (!...) are not supported; quote the value", node)
        return None if node.tag == _NULL else _whole(node)


def content(path: Path, option: str) -> str:
    """Returns the text of the file that an option names; ConfigError if it cannot be read."""
    try:
        return in_time(path.read_bytes, path).decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); give {option} the path of a file") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not in UTF-8; save it as UTF-8") from None


def read(path: Path, option: str) -> Document:
    """Reads the file that an option names; ConfigError if it is not YAML with options at the top level."""
    text, name = content(path, option), str(path)
    try:
        return Document(name, *yaml.load(text, _Loader))  # noqa: S506  it is a SafeLoader
    except yaml.MarkedYAMLError as error:
        raise ConfigError(_syntax(error, name)) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(f"{name}:{line}: contains the control character {error.character:#04x}; delete it") from None
    except (OverflowError, ValueError):  # from chr(), which PyYAML calls for escapes
        raise ConfigError(f"{name}: contains an escape (\\U...) of no existing character; correct it") from None
    except RecursionError:
        raise ConfigError(f"{name}: is nested too deeply; options are at most six levels deep") from None


def _wrong(problem: str, node: yaml.Node) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


def _whole(node: yaml.Node) -> str:
    """Returns the text of a scalar; refuses half a character (an escaped surrogate), which cannot be printed."""
    text = str(node.value)
    if _HALF.search(text):
        raise _wrong("an escape (\\u...) is half a character; write the character itself", node)
    return text


def _syntax(error: yaml.MarkedYAMLError, name: str) -> str:
    """Returns the line of an error, without content of the file, which may be a key."""
    mark = error.problem_mark or error.context_mark
    place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
    said = error.problem or error.context or "is no YAML"
    advice = (advice for words, advice in _ADVICE.items() if said.startswith(words))
    return f"{place}: {next(advice, None) or _QUOTE.sub('...', said)}"
