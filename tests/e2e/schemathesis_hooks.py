"""A hook for schemathesis: OpenAPI cannot express that `from` must not be after `to`."""

from collections.abc import Mapping
from typing import Protocol

import schemathesis


class Case(Protocol):
    """The used part of `schemathesis.Case`."""

    @property
    def query(self) -> Mapping[str, object] | None:
        """The query parameters."""


@schemathesis.hook
def filter_case(_context: object, case: Case) -> bool:
    """Tells whether to send a request."""
    query = case.query or {}
    first, last = query.get("from"), query.get("to")
    return not (isinstance(first, str) and isinstance(last, str) and first > last)
