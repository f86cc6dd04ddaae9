"""Reads memory, file descriptors and threads of a process from /proc.

Leaked asyncio tasks show up as descriptors or memory.
"""

import re
from pathlib import Path
from typing import NamedTuple

_KIB = 1024


class Sample(NamedTuple):
    """Seconds since the start, bytes of resident and of proportional memory, descriptors, threads."""

    seconds: float
    rss: int
    pss: int
    descriptors: int
    threads: int


def sample(pid: int, seconds: float) -> Sample:
    """Samples a process of the same user.

    Raises:
        OSError: the process has ended.
    """
    folder = Path("/proc", str(pid))
    status, memory = (folder / "status").read_text(), (folder / "smaps_rollup").read_text()
    return Sample(
        seconds,
        _number("VmRSS", status) * _KIB,
        _number("Pss", memory) * _KIB,
        sum(1 for _ in (folder / "fd").iterdir()),
        _number("Threads", status),
    )


def _number(name: str, text: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE)
    if found is None:
        raise OSError(f"/proc has no {name}: the process has ended")
    return int(found[1])
