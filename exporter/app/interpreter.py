"""Interpreter settings for long-running commands: `serve` and `backfill`."""

import ctypes
import gc
import sys
from contextlib import suppress

YOUNG = 20_000
"""New objects before the garbage collector runs: one answer makes hundreds of thousands, none in a cycle."""
MIDDLE, OLD = 20, 20
"""Looks at the young ones before it looks at the middle-aged ones, and at those before it looks at all."""
SWITCH_S = 0.001
"""How long a thread runs on while another could."""
M_MMAP_THRESHOLD, LARGE = -3, 2**20
"""glibc's number of that option (malloc.h), and the bytes from which on a block is one of its own."""


def collect_rarely() -> None:
    """Makes the garbage collector run less often, and never over what the start has made.

    Decoding 7 MiB of tools takes 0.9 instead of 1.7 s of CPU, under the lock that a scrape waits for.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)


def switch_often() -> None:
    """Makes threads switch after 1 ms instead of 5, so that scrapes wait less while a poll is decoded.

    With 1,000 companies and 50 scrapers, the 99th percentile is 45 ms instead of 180 to 300 ms, for a tenth more
    CPU.
    """
    sys.setswitchinterval(SWITCH_S)


def give_back() -> None:
    """Makes glibc return large blocks to the system when they are freed; does nothing with other C libraries.

    glibc raises its threshold after the first answer of 8 MiB, takes the next ones from its heap and leaves gaps:
    a backfill of months took 7 MiB more. `serve` needs that threshold: an uncompressed scrape would take 2.5
    times as long.
    """
    with suppress(AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE)
