"""Runs the program and writes what it took into a file: its peak memory in bytes, and its CPU seconds.

What a parent hears of an ended child (`ru_maxrss`) counts what the child was before it became the program: a copy of
its parent.

usage: python -m benchmarks.peak FILE COMMAND ARGUMENT...
"""

import atexit
import os
import sys
import time
from pathlib import Path

from benchmarks import cpu
from exporter.cli.main import main


def write(file: Path) -> None:
    file.write_text(f"{int(cpu.peak(os.getpid()) * 2**20)} {time.process_time()}")


if __name__ == "__main__":
    atexit.register(write, Path(sys.argv.pop(1)))
    main()
