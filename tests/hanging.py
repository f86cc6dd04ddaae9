"""A file system that does not answer, as that of a server which is gone."""

from pathlib import Path
from threading import Event


def hanging(path: Path) -> tuple[Path, Event]:
    """Returns a path that whoever opens or looks at waits for, until the event is set."""
    answers = Event()

    class HangingPath(type(path)):  # type: ignore[misc]  # PosixPath
        def __fspath__(self) -> str:
            answers.wait()
            return str(self)

    return HangingPath(path), answers
