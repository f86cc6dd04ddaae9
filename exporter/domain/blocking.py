"""Runs calls that may block forever, such as reads from a file system that does not answer, in daemon threads."""

import errno
from collections.abc import Callable
from concurrent.futures import Future, wait
from functools import partial
from os import PathLike
from pathlib import Path
from threading import Thread
from typing import TypeVar

Result = TypeVar("Result")

FILE_SECONDS = 5.0
"""Timeout for a file that an operator names."""
FileStamp = tuple[int, int, int] | None
"""Changes when the file does: modification time, size and inode; None if there is no file."""


def in_daemon(function: Callable[[], Result]) -> Future[Result]:
    """Starts the function in a daemon thread, which does not keep the process alive."""
    future: Future[Result] = Future()
    Thread(target=partial(complete, future, function), name="daemon", daemon=True).start()
    return future


def in_time(access: Callable[[], Result], path: str | PathLike[str], seconds: float = FILE_SECONDS) -> Result:
    """Returns what `access` to the file at `path` returns; TimeoutError (an OSError) if it takes too long."""
    return result_in_time(in_daemon(access), path, seconds)


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


def complete(future: Future[Result], function: Callable[[], Result]) -> None:
    """Runs the function and completes the future, unless it was cancelled."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(function())
    except StopIteration as error:  # asyncio's futures refuse it, and the caller would wait forever
        future.set_exception(RuntimeError("the function raised StopIteration").with_traceback(error.__traceback__))
    except BaseException as error:  # for the caller to handle
        future.set_exception(error)
