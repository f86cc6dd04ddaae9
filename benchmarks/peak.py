"""Runs the program and writes the most memory that it had, in bytes, into a file.

What a parent hears of an ended child (`ru_maxrss`) counts what the child was before it became the program: a copy of
its parent.

usage: python -m benchmarks.peak FILE COMMAND ARGUMENT...
"""

import atexit
import re
import sys
from pathlib import Path

from exporter.cli.main import main


def told(file: Path) -> None:
    """Writes this process' own peak."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    file.write_text(str(int(found[1]) * 1024 if found else 0))


if __name__ == "__main__":
    atexit.register(told, Path(sys.argv.pop(1)))
    main()
