"""One thread, one job at a time, in order; who waits gets the result or the exception, and nobody waits for ever."""

import asyncio
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exporter.app.process import DaemonThreads
from exporter.domain.threads import Worker

pytestmark = pytest.mark.anyio

TIMEOUT_S = 20


@pytest.fixture
def worker() -> Iterator[Worker]:
    """A worker that ends with the test."""
    worker = Worker("worker under test")
    yield worker
    worker.close()


class Gate:
    """A job that tells when it has begun and does not end before it may."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.open = threading.Event()

    def __call__(self) -> str:
        self.begun.set()
        assert self.open.wait(TIMEOUT_S)
        return "through"


async def begun(gate: Gate) -> None:
    """Waits without stopping the loop."""
    assert await asyncio.to_thread(gate.begun.wait, TIMEOUT_S)


async def test_jobs_run_one_after_the_other_in_order(worker: Worker) -> None:
    """What they share needs no lock."""
    running, order = threading.Lock(), list[int]()

    def job(number: int) -> Callable[[], int]:
        def work() -> int:
            assert running.acquire(blocking=False)
            order.append(number)
            running.release()
            return number

        return work

    results = await asyncio.gather(*(worker.run(job(number)) for number in range(50)))

    assert list(range(50)) == results == order


async def test_the_loop_goes_on_while_a_job_runs(worker: Worker) -> None:
    """Scrapes are answered while a page is rendered, in a thread that ends with the program whatever it does."""
    gate = Gate()
    waiter = asyncio.create_task(worker.run(gate))
    await begun(gate)
    [thread] = [each for each in threading.enumerate() if each.name == "worker under test"]
    gate.open.set()

    assert await waiter == "through"
    assert thread.daemon


class SlipError(Exception):
    """What a job raises."""


@pytest.mark.parametrize(
    "raised",
    [
        pytest.param(SlipError("a slip"), id="an error"),
        pytest.param(SystemExit(3), id="an exit"),
        pytest.param(KeyboardInterrupt(), id="an interrupt"),
        pytest.param(MemoryError(), id="no memory"),
    ],
)
async def test_what_a_job_raises_reaches_the_waiter(worker: Worker, raised: BaseException) -> None:
    """The very exception; the thread lives on."""

    def slip() -> None:
        raise raised

    assert await outcome(worker, slip) is raised
    assert await worker.run(lambda: "next") == "next"


async def outcome(worker: Worker, job: Callable[[], object]) -> object:
    """Returns what the job returns or raises, also what pytest would obey."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return await worker.run(job)
    except BaseException as error:
        return error


async def test_a_job_that_runs_out_of_items_is_an_error(worker: Worker) -> None:
    """A future refuses StopIteration: the waiter would wait for ever, and the source would never be polled again."""
    raised = await outcome(worker, lambda: next(iter(())))

    assert isinstance(raised, RuntimeError)
    assert "StopIteration" in str(raised)


async def test_a_job_whose_waiter_went_is_not_begun(worker: Worker) -> None:
    """A poll that was cancelled does not render."""
    gate, ran = Gate(), list[str]()
    first = asyncio.create_task(worker.run(gate))
    await begun(gate)
    second = asyncio.create_task(worker.run(lambda: ran.append("second")))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    gate.open.set()
    await first
    await worker.run(lambda: ran.append("third"))

    assert second.cancelled()
    assert ran == ["third"]


async def test_a_job_that_runs_is_ended_although_its_waiter_went(worker: Worker) -> None:
    """A thread cannot be stopped; its result is dropped, and the next job gets its turn."""
    gate = Gate()
    waiter = asyncio.create_task(worker.run(gate))
    await begun(gate)
    waiter.cancel()
    await asyncio.gather(waiter, return_exceptions=True)
    gate.open.set()

    assert await worker.run(lambda: "next") == "next"


async def test_what_a_job_held_is_let_go_of_when_it_is_done(worker: Worker) -> None:
    """Not when there is another one: an answer of 8 MiB would stay until the next poll."""
    held, gone = Gate(), threading.Event()
    weakref.finalize(held, gone.set)
    held.open.set()
    await worker.run(held)
    del held
    assert await asyncio.to_thread(gone.wait, TIMEOUT_S)


async def test_close_ends_the_thread_after_the_queued_jobs() -> None:
    """What was begun is ended, and nothing is left behind."""
    worker, gate = Worker("worker to close"), Gate()
    jobs = [asyncio.create_task(worker.run(gate)), asyncio.create_task(worker.run(lambda: "queued"))]
    await begun(gate)
    [thread] = [each for each in threading.enumerate() if each.name == "worker to close"]
    worker.close()
    gate.open.set()

    assert await asyncio.gather(*jobs) == ["through", "queued"]
    await asyncio.to_thread(thread.join, TIMEOUT_S)
    assert not thread.is_alive()


async def test_a_job_that_hangs_delays_no_other() -> None:
    """However many hang: a key file on a disk that is gone, a name server that is silent."""
    store_requests, gate, loop = DaemonThreads(), Gate(), asyncio.get_running_loop()
    hanging = [loop.run_in_executor(store_requests, gate) for _ in range(100)]

    assert await loop.run_in_executor(store_requests, lambda: "done") == "done"
    with pytest.raises(ZeroDivisionError):
        await loop.run_in_executor(store_requests, lambda: 1 / 0)

    gate.open.set()
    assert set(await asyncio.gather(*hanging)) == {"through"}


HANGING = """
import asyncio, pathlib, sys
from exporter.app.process import run_command

async def command():
    reading = asyncio.create_task(asyncio.to_thread(pathlib.Path(sys.argv[1]).read_text))
    await asyncio.sleep(0.1)
    return "ended"

print(run_command(command()))
"""


def test_a_command_ends_while_a_file_hangs(tmp_path: Path) -> None:
    """A key file that nobody ever answers for, as on a network that is gone, does not keep the process."""
    os.mkfifo(tmp_path / "key")
    command = [sys.executable, "-c", HANGING, str(tmp_path / "key")]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    assert (0, "ended\n") == (done.returncode, done.stdout), done.stderr
