"""A file system that does not respond, such as a network share without its server."""

from pathlib import Path
from threading import Event


def hanging(path: Path) -> tuple[Path, Event]:
    """Returns a path whose use blocks until the event is set."""
    answers = Event()

    class HangingPath(type(path)):  # type: ignore[misc]  # mypy does not know which class of paths this system has
        def __fspath__(self) -> str:
            answers.wait()
            return str(self)

    return HangingPath(path), answers
