"""Lets the wall clock of a running exporter jump, as after a suspend, without a battery, or by a wrong time server.

usage: python -m tests.e2e.clock_jumps LIBRARY

LIBRARY is the path of libfaketime (Debian: libfaketimeMT.so.1). Prints for each jump the slowest health check, the time
until the next poll, the number of skipped polls, and the time to stop. Exit status 1 if one is above its bound.
"""

import math
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import httpx

from exporter.simulator.paradigm.world import World
from tests.e2e.commands import COMMAND, SEED, simulating
from tests.e2e.programs import free_port, running
from tests.samples import samples

HEALTH_S, POLL_S, END_S = 1.0, 40.0, 2.0
PAUSE_S = 0.05
OBSERVE_S = 3.0
"""Time of observation after the first poll since a jump."""
YEAR = 365 * 86400


class Jump(NamedTuple):
    """Offsets of the wall clock in seconds, before the jump and after it."""

    name: str
    before: int
    after: int


JUMPS = (
    Jump("from 1970 to now", -int(time.time()) + 60, 0),
    Jump("ten years ahead", 0, 10 * YEAR),
    Jump("ten years back", 10 * YEAR, 0),
    Jump("a suspend of 57 hours", -57 * 3600, 0),
)


def polls(http: httpx.Client, outcome: str = "") -> float:
    """Returns the number of polls, of one outcome or of all."""
    found = samples(http.get("/metrics").text)
    return sum(
        each.value
        for each in found
        if each.name == "chat_usage_polls_total" and (each.labels["outcome"] == outcome or not outcome)
    )


def timed(call: Callable[[], httpx.Response]) -> float:
    """Returns the seconds that a health check took; raises AssertionError if it failed."""
    began = time.monotonic()
    answer = call()
    assert answer.status_code == httpx.codes.OK, answer.text
    return time.monotonic() - began


def measured(jump: Jump, library: str, folder: Path, platform: str, key: str) -> tuple[float, float, float, float]:
    """Returns slowest health check, seconds until the next poll, skipped polls, and seconds to stop."""
    offset, address = folder / "offset", f"127.0.0.1:{free_port()}"
    offset.write_text(f"{jump.before:+d}")
    faked = {
        "LD_PRELOAD": library,
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    variables = [f"{name}={value}" for name, value in faked.items()]
    paradigm = [f"PARADIGM_BASE_URL={platform}", f"PARADIGM_API_KEY={key}"]
    command: list[str | Path] = ["env", *variables, *paradigm, COMMAND, "serve", "--web.listen-address", address]
    with httpx.Client(base_url=f"http://{address}", timeout=60, trust_env=False) as http:

        def is_polled() -> bool:
            try:
                return polls(http) > 0
            except httpx.TransportError:
                return False

        with running(command, folder / "log", is_polled, timeout_s=60) as process:
            time.sleep(2)
            before, began, polled_after, ends = polls(http), time.monotonic(), math.inf, POLL_S
            offset.write_text(f"{jump.after:+d}")
            longest = 0.0
            while time.monotonic() - began < ends:
                longest = max(longest, timed(lambda: http.get("/-/healthy")))
                if polled_after == math.inf and polls(http) > before:
                    polled_after = time.monotonic() - began
                    ends = polled_after + OBSERVE_S
                time.sleep(PAUSE_S)
            skipped = polls(http, "skipped")
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            process.wait(30)
            return longest, polled_after, skipped, time.monotonic() - began


def main(arguments: Sequence[str]) -> int:
    """Prints the table; returns the exit status."""
    (library,) = arguments
    missed = False
    print(f"{'jump':24} {'health':>8} {'next poll':>10} {'skipped':>8} {'SIGTERM':>8}")
    with tempfile.TemporaryDirectory() as name, simulating(Path(name)) as platform:
        key = World.from_seed(SEED).keys.admin
        for jump in JUMPS:
            health, poll, skipped, ended = measured(jump, library, Path(name), platform, key)
            good = health <= HEALTH_S and poll <= POLL_S and not skipped and ended <= END_S
            missed |= not good
            print(f"{jump.name:24} {health:7.2f}s {poll:9.1f}s {skipped:8.0f} {ended:7.2f}s {'' if good else 'MISSED'}")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
