"""Reports that can say how they read an answer: for `check --probe`."""

from typing import Protocol, runtime_checkable

from exporter.platforms.api import Context, Request


@runtime_checkable
class SelfDescribing(Protocol):
    """A report whose reading of an answer is worth a look: it chose a field, or expressions found something."""

    def explain(self, body: bytes, request: Request, context: Context) -> tuple[str, ...]:
        """Says in lines how an answer is read: keys and types, no values; in none if it lists nothing.

        Raises what `Report.decode` raises.
        """
