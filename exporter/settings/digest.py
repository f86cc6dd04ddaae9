"""Makes one number of what is configured, so that two exporters, or two moments, can be compared by it.

It is made of what is written, file and environment laid over each other: equal files make equal numbers in whatever
folder they are. Layout, order of keys and comments do not count, nor do keys and the credentials of a proxy: nobody can
guess at a secret with it, and a new key is no other configuration.
"""

import hashlib
import json
import re
from collections.abc import Mapping

BYTES = 6
"""A gauge is a double, which holds every whole number of 48 bits exactly."""
_CREDENTIALS = re.compile(r"(?<=//).*@")


def digest(tree: Mapping[str, object]) -> int:
    """Returns the number of a configuration that can be used: 48 bits of its SHA-256."""
    written = json.dumps(_without_secrets(tree), sort_keys=True, ensure_ascii=False).encode()
    return int.from_bytes(hashlib.sha256(written).digest()[:BYTES])


def _without_secrets(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _public(str(key), each) for key, each in value.items() if key != "api_key"}
    return value


def _public(key: str, value: object) -> object:
    if key == "proxy_url" and isinstance(value, str):
        return _CREDENTIALS.sub("", value)
    return _without_secrets(value)
