"""What the kernel says of a process: memory, file descriptors, threads.

asyncio's tasks are not among it: until Python 3.14 nobody outside a process can see them. A task that stays keeps its
connection or its frame, which shows as descriptors or memory.
"""

import re
from pathlib import Path
from typing import NamedTuple

_KIB = 1024


class Sample(NamedTuple):
    """One look: seconds since the start; bytes of resident and of proportional memory; descriptors; threads."""

    seconds: float
    rss: int
    pss: int
    descriptors: int
    threads: int


def sample(process: int, seconds: float) -> Sample:
    """Looks at a process of ours.

    Raises:
        OSError: it has ended.
    """
    folder = Path("/proc", str(process))
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
        raise OSError(f"/proc has no {name} of the process: it has ended")
    return int(found[1])
