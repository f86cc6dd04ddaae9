"""CPU time: of a function in this thread, and of other processes and their threads, as the kernel counts it."""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")
TICKS = os.sysconf("SC_CLK_TCK")
KIB_OF_MIB = 1024


def cpu(function: Callable[[], Result], tries: int = 1) -> tuple[float, Result]:
    """Returns the fewest CPU seconds that this thread needed in a number of tries, and the last result."""
    best = float("inf")
    for _ in range(tries):
        began = time.thread_time()
        result = function()
        best = min(best, time.thread_time() - began)
    return best, result


def of_thread(pid: int) -> float:
    """Returns the CPU seconds of the main thread of a process; in the exporter, it serves scrapes."""
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0]) / 1e9


def of_process(pid: int) -> float:
    """Returns the CPU seconds of all threads of a process, including ended ones; the resolution is 10 ms."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / TICKS


def resident(pid: int) -> float:
    """Returns the resident memory of a process in MiB."""
    return _status(pid, "VmRSS")


def peak(pid: int) -> float:
    """Returns the peak resident memory of a process in MiB."""
    return _status(pid, "VmHWM")


def _status(pid: int, field: str) -> float:
    found = re.search(rf"^{field}:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    if found is None:
        raise SystemExit(f"/proc/{pid}/status has no {field}: the process has ended, see what it printed")
    return int(found[1]) / KIB_OF_MIB
