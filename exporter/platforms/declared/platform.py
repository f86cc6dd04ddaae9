"""A platform described by a definition file: authentication, and what its reports share."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from exporter.platforms.api import Account, Report
from exporter.platforms.declared.report import DeclaredReport


@dataclass(frozen=True, slots=True)
class Authentication:
    """Makes request headers from the key: `kind` is bearer, basic, or the name of a header for the key.

    For basic the key is user:password. `fixed` headers are sent with all requests.
    """

    kind: str = "bearer"
    fixed: tuple[tuple[str, str], ...] = ()

    def __call__(self, key: str) -> Mapping[str, str]:
        authorization = {"bearer": f"Bearer {key}", "basic": f"Basic {b64encode(key.encode()).decode()}"}.get(self.kind)
        return dict((*self.fixed, ("Authorization", authorization) if authorization else (self.kind, key)))


def base_url(text: str) -> str:
    """Normalises a base URL: a trailing slash and capitals in the host make no difference."""
    parts = urlsplit(text.strip())
    return urlunsplit((parts.scheme.lower(), parts.netloc.lower(), parts.path.rstrip("/"), "", ""))


def equipped(report: Report, account: Account) -> Report:
    return report.equipped(account) if isinstance(report, DeclaredReport) else report
