"""API keys: checked at start, read from their file again at each use, never shown."""

import re
from codecs import BOM_UTF8
from collections.abc import Callable
from functools import partial
from pathlib import Path

from exporter.domain.threads import in_time
from exporter.settings.readers import quoted

EXAMPLE_KEY = "replace-me"
_PLACEHOLDER = re.compile(r"<.*>|\.{3,}|x{3,}|\*{3,}|(replace|change)[-_]?me|(your|my|the)[-_].*key.*", re.IGNORECASE)
_PATH = re.compile(r"(/|\.{1,2}/).*|[\w.-]+(/[\w.-]+)*\.(key|txt|token|secret|pem)", re.DOTALL)
_VISIBLE = re.compile(r"[!-~]+")
_LONGEST = 16384  # bytes, ten times the longest tokens; a longer file is not a key file


def clean(written: str) -> str:
    """Strips the key; raises ValueError, without showing it, if it cannot be one."""
    key = written.strip()
    if not key:
        raise ValueError("is empty; enter the key from the platform")
    if not _VISIBLE.fullmatch(key):
        raise ValueError("contains a space, a line break or a character that no key has; enter only the key")
    if _PLACEHOLDER.fullmatch(key):
        raise ValueError("is the placeholder of an example; enter the key from the platform")
    return key


def read(path: Path, name: str) -> str:
    """Reads the key file at `path`, called `name` in messages; the ValueError shows neither file nor key."""
    try:
        content = in_time(partial(_beginning, path), path)
    except OSError as error:
        raise ValueError(f"cannot read {name} ({error.strerror}); give the path of a file with the key") from None
    if len(content) > _LONGEST:
        raise ValueError(f"{name} is too long for a key; give the path of a file with only the key")
    try:
        return clean(content.removeprefix(BOM_UTF8).decode("ascii", errors="replace"))  # Windows editors write one
    except ValueError as error:
        raise ValueError(f"the key in {name} {error}") from None


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_LONGEST + 1)


def in_file(written: object, path_of: Callable[[object], Path]) -> Path:
    """Returns the path of a file with a key; ValueError names it only if it cannot be a pasted key."""
    path, name = path_of(written), str(written).strip()
    hidden = "the file (its name is not shown, since it could be a key; a path can begin with ./)"
    read(path, quoted(name) if _PATH.fullmatch(name) else hidden)
    return path
