"""Reads URLs of platforms and proxies, and checks certificate files; messages never show credentials."""

import ssl
from functools import partial
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from exporter.domain.blocking import in_time
from exporter.http import is_loopback
from exporter.settings.readers import text

EXAMPLE_URL = "https://paradigm.lighton.ai"
EXAMPLE_PROXY = "http://proxy.example.org:3128"
_SCHEMES = ("http", "https")


def url(value: object) -> str:
    """Reads an http(s) URL without credentials, query and fragment."""
    parts = _split(text(value), EXAMPLE_URL)
    if parts.username is not None or parts.password is not None:
        raise ValueError("contains a user or password; leave them out, since only the key authenticates")
    if parts.query or parts.fragment:
        raise ValueError(f'contains "?" or "#"; give the address only, such as {EXAMPLE_URL}')
    return text(value)


def proxy(value: object) -> str:
    """Reads the URL of an http(s) proxy."""
    _split(text(value), EXAMPLE_PROXY)
    return text(value)


def is_exposed(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")


def check_certificates(path: Path, _written: str) -> None:
    try:
        in_time(partial(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations, path), path)
    except ssl.SSLError:
        raise ValueError("contains no PEM certificate; give the PEM file of the authority") from None
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror}); give the path of a PEM file") from None


def _split(address: str, example: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        usable = parts.scheme in _SCHEMES and parts.hostname and parts.port != 0
    except ValueError:  # such as a port that is not a number, or half an IPv6 address
        usable = False
    if not usable or any(letter.isspace() for letter in address):
        raise ValueError(f"is not a URL; write http(s):// and a host, such as {example}")
    return parts
