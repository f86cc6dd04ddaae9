"""A file system that does not respond, such as a network share without its server."""

from pathlib import Path
from threading import Event


def hanging(path: Path) -> tuple[Path, Event]:
    """Returns a path whose use blocks until the event is set."""
    answers = Event()

    class HangingPath(type(path)):  # type: ignore[misc]  # PosixPath
        def __fspath__(self) -> str:
            answers.wait()
            return str(self)

    return HangingPath(path), answers
