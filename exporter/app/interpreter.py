"""Settings of the interpreter for what runs for long: `serve`, which is scraped meanwhile, and `backfill`."""

import ctypes
import gc
import sys
from contextlib import suppress

YOUNG = 20_000
"""New objects before the garbage collector looks at them: an answer makes hundreds of thousands, none in a cycle."""
MIDDLE, OLD = 20, 20
"""Looks at the young ones before it looks at the middle-aged ones, and at those before it looks at all."""
SWITCH_S = 0.001
"""How long the thread that polls goes on where the one that answers scrapes could."""
M_MMAP_THRESHOLD, LARGE = -3, 2**20
"""glibc's number of that option (malloc.h), and the bytes from which on a block is one of its own."""


def collect_rarely() -> None:
    """Has the garbage collector look more rarely, and never again at what the start has made.

    Decoding 7 MiB about tools takes 0.9 instead of 1.7 s of CPU, under the lock that a scrape waits for.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)


def switch_often() -> None:
    """Has threads change after a millisecond instead of five, so that scrapes wait shorter while a poll is read.

    While 1,000 companies are polled, 99 % of the scrapes of 50 scrapers take up to 45 ms instead of 180 to 300 ms, and
    the program a tenth more CPU.
    """
    sys.setswitchinterval(SWITCH_S)


def give_back() -> None:
    """Has large blocks go back to the system when they are freed, where the C library is glibc.

    By itself glibc raises its threshold after the first answer of 8 MiB, takes the next such blocks from its heap,
    and leaves gaps there: a backfill of months took 7 MiB more than one of a month. `serve` needs that threshold:
    else a scrape that is not compressed would take two and a half times as long.
    """
    with suppress(AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE)
