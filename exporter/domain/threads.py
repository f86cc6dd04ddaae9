"""Threads for calls that would block: one worker for computations, and a thread for each access that may never end.

All are daemons, unlike those of `concurrent.futures`, which are joined at exit: SIGTERM must end the program within
2 s, also during a large rendering or while a file system or name server is silent.
"""

import asyncio
import errno
from collections.abc import Callable
from concurrent.futures import Future, wait
from functools import partial
from os import PathLike
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

Result = TypeVar("Result")

FILE_SECONDS = 5.0
"""Timeout for a file that an operator names."""
FileStamp = tuple[int, int, int] | None
"""Changes when the file does: modification time, size and inode; None if there is no file."""
_late: dict[str, tuple[Future[FileStamp], Callable[[], bool]]] = {}
"""By path, the last access that took too long: the stamp of its file, and whether it has ended."""


class Worker:
    """Runs functions off the event loop, strictly one after the other, so that shared data need no lock."""

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    async def run(self, function: Callable[[], Result]) -> Result:
        """Waits for the function's turn and returns its result, or raises what it raised."""
        future: Future[Result] = Future()
        self._jobs.put(partial(_complete, future, function))
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Ends the thread after the queued jobs."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            del job  # else the last answer would stay in memory until the next job


def in_daemon(function: Callable[[], Result]) -> Future[Result]:
    """Starts the function in a thread of its own."""
    future: Future[Result] = Future()
    Thread(target=partial(_complete, future, function), name="daemon", daemon=True).start()
    return future


def in_time(access: Callable[[], Result], path: str | PathLike[str], seconds: float = FILE_SECONDS) -> Result:
    """Returns what `access` to the file at `path` returns; TimeoutError (an OSError) if it takes too long.

    While such an access goes on and its file is the same, others to the file fail at once: few threads hang.
    """
    stamp = Future[FileStamp]()
    earlier_stamp, has_ended = _late.get(str(path), (stamp, lambda: True))
    late = TimeoutError(errno.ETIMEDOUT, f"no answer within {seconds:g} s", str(path))
    if not has_ended() and not earlier_stamp.done():
        raise late

    def stamped() -> Result:
        stamp.set_result(file_stamp(Path(path)))
        if not has_ended() and earlier_stamp.result() == stamp.result():
            raise late
        return access()

    if not wait([future := in_daemon(stamped)], seconds).done:
        _late[str(path)] = stamp, future.done
        raise late
    return future.result()


def result_in_time(future: Future[Result], path: str | PathLike[str], seconds: float) -> Result:
    """Waits, as `in_time` does, for an access that has already started."""
    if not wait([future], seconds).done:
        raise TimeoutError(errno.ETIMEDOUT, f"no answer within {seconds:g} s", str(path))
    return future.result()


def file_stamp(path: Path) -> FileStamp:
    """Returns the stamp of a file; it also changes when a link (of a mounted secret) points to another file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _complete(future: Future[Result], function: Callable[[], Result]) -> None:
    """Runs the function and completes the future, unless it was cancelled."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(function())
    except StopIteration as error:  # asyncio's futures refuse it, and the caller would wait forever
        future.set_exception(RuntimeError("the function raised StopIteration").with_traceback(error.__traceback__))
    except BaseException as error:  # for the caller to handle
        future.set_exception(error)
