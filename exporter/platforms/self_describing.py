"""Reports whose answers describe their own fields, and how such an answer was read: for `check --probe`."""

from typing import NamedTuple, Protocol, runtime_checkable

from exporter.domain.model import FieldNote
from exporter.platforms.api import Context, Request


class Explanation(NamedTuple):
    """How an answer was read: which place of a row feeds `family` and why; `fields` are those that it describes."""

    family: str
    place: str
    why: str
    fields: tuple[FieldNote, ...]


@runtime_checkable
class SelfDescribing(Protocol):
    """A report whose answers describe their own fields: it chooses one of them, and `check --probe` shows which."""

    def explain(self, body: bytes, request: Request, context: Context) -> Explanation | None:
        """Returns how an answer is read; None for one that lists nothing. Raises what `Report.decode` raises."""
