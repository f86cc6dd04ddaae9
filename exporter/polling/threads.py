"""Threads beside the event loop: one worker for decoding to rendering, and others for calls that may block.

They are daemons, unlike those of `concurrent.futures`, which are joined at exit: SIGTERM must end the program within
2 s, also during a large rendering or while a name server is silent.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import ParamSpec, TypeVar

from exporter.domain.blocking import complete, in_daemon

Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")


class Worker:
    """Runs functions off the event loop, strictly one after the other, so that shared data need no lock."""

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    async def run(self, function: Callable[[], Result]) -> Result:
        """Waits for the function's turn and returns its result, or raises what it raised."""
        future: Future[Result] = Future()
        self._jobs.put(partial(complete, future, function))
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Ends the thread after the queued jobs."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            del job  # else the last answer would stay in memory until the next job


class DaemonThreads(ThreadPoolExecutor):
    """Runs each function in a thread of its own, as an event loop's default executor: DNS, key files.

    Nothing waits for one that blocks. They stay few: a source polls once at a time, so it has one of them.
    """

    def submit(
        self, function: Callable[Arguments, Result], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Future[Result]:
        return in_daemon(partial(function, *args, **kwargs))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Returns without waiting for threads, even if `wait` is true."""
        super().shutdown(wait=False, cancel_futures=cancel_futures)
