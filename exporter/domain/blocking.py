"""Runs what may block for ever, such as a file system that does not answer, in threads that nobody has to wait for."""

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
"""Time to read a file that an operator names."""
FileStamp = tuple[int, int, int] | None
"""What changes when a file does; None if there is none."""


def in_daemon(function: Callable[[], Result]) -> Future[Result]:
    """Starts the function in a thread of its own, which keeps no process from ending."""
    future: Future[Result] = Future()
    Thread(target=partial(complete, future, function), name="daemon", daemon=True).start()
    return future


def in_time(access: Callable[[], Result], path: str | PathLike[str], seconds: float = FILE_SECONDS) -> Result:
    """Returns what `access` to the file at `path` returns; TimeoutError (an OSError) if it takes too long."""
    return result_in_time(in_daemon(access), path, seconds)


def result_in_time(future: Future[Result], path: str | PathLike[str], seconds: float) -> Result:
    """Waits for an access that may have begun before, as `in_time` does."""
    if not wait([future], seconds).done:
        raise TimeoutError(errno.ETIMEDOUT, f"no answer within {seconds:g} s", str(path))
    return future.result()


def file_stamp(path: Path) -> FileStamp:
    """Returns the stamp of a file, also where a link, as of a mounted secret, points to another one."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def complete(future: Future[Result], function: Callable[[], Result]) -> None:
    """Runs the function and settles the future, unless that was cancelled."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(function())
    except StopIteration as error:  # asyncio's futures refuse it: the caller would wait for ever
        future.set_exception(RuntimeError("the function raised StopIteration").with_traceback(error.__traceback__))
    except BaseException as error:  # whatever it is belongs to the caller
        future.set_exception(error)
