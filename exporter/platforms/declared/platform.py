"""A platform that a definition file describes: how it is reached, and what its reports have in common."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from exporter.platforms.api import Account, Report
from exporter.platforms.declared.report import DeclaredReport


@dataclass(frozen=True, slots=True)
class Authentication:
    """Makes the headers of a request from the key: `kind` is bearer, basic, or the name of a header for the key alone.

    For basic the key is a user, a colon and a password. The `fixed` headers are the same in all requests.
    """

    kind: str = "bearer"
    fixed: tuple[tuple[str, str], ...] = ()

    def __call__(self, key: str) -> Mapping[str, str]:
        authorization = {"bearer": f"Bearer {key}", "basic": f"Basic {b64encode(key.encode()).decode()}"}.get(self.kind)
        return dict((*self.fixed, ("Authorization", authorization) if authorization else (self.kind, key)))


def base_url(text: str) -> str:
    """Cleans a base URL: with or without a slash at its end, and capitals in its host, it means the same platform."""
    parts = urlsplit(text.strip())
    return urlunsplit((parts.scheme.lower(), parts.netloc.lower(), parts.path.rstrip("/"), "", ""))


def equipped(report: Report, account: Account) -> Report:
    return report.equipped(account) if isinstance(report, DeclaredReport) else report
