"""Leaves out of what schemathesis makes up the one thing that a description cannot say: from is not after to."""

from collections.abc import Mapping
from typing import Protocol

import schemathesis


class Question(Protocol):
    """What is needed of a `schemathesis.Case`."""

    @property
    def query(self) -> Mapping[str, object] | None:
        """The parameters of the query."""


@schemathesis.hook
def filter_case(_context: object, case: Question) -> bool:
    """Tells whether a question is to be asked."""
    query = case.query or {}
    first, last = query.get("from"), query.get("to")
    return not (isinstance(first, str) and isinstance(last, str) and first > last)
