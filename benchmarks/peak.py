"""Runs the program and writes the most memory that it had, in bytes, into a file.

What a parent hears of an ended child (`ru_maxrss`) counts what the child was before it became the program: a copy of
its parent.

usage: python -m benchmarks.peak FILE COMMAND ARGUMENT...
"""

import atexit
import os
import sys
from pathlib import Path

from benchmarks import cpu
from exporter.cli.main import main


def told(file: Path) -> None:
    """Writes this process' own peak."""
    file.write_text(str(int(cpu.peak(os.getpid()) * 2**20)))


if __name__ == "__main__":
    atexit.register(told, Path(sys.argv.pop(1)))
    main()
