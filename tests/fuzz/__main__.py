"""Fuzzes with new random inputs, guided by coverage if atheris is installed; or reads one input again.

usage: python -m tests.fuzz [--minutes N]
       python -m tests.fuzz KIND NUMBER

Prints a table of inputs and of those that broke the law; exit status 1 if one did.
"""

import argparse
import asyncio
import importlib.util
import logging
import re
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.fuzz.check import check, make_input
from tests.fuzz.targets import Target, targets

_RUNS = re.compile(r"^#(\d+)\s", re.MULTILINE)
_TIMEOUT_S = 120.0


class Outcome(NamedTuple):
    """Number of inputs of one kind, and a line about a failed one, if any."""

    read: int
    error: str | None


def guided(target: Target, seconds: float) -> Outcome:
    """Fuzzes in a separate process, which libFuzzer ends."""
    command = [sys.executable, "-m", "tests.fuzz.guided", target.name, str(max(1, round(seconds)))]
    retry_budget = seconds + _TIMEOUT_S
    ended = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=retry_budget, check=False)
    read = max(map(int, _RUNS.findall(ended.stderr)), default=0)
    if not ended.returncode:
        return Outcome(read, None)
    sys.stderr.write(ended.stdout + ended.stderr)
    return Outcome(read, f"ended with {ended.returncode}; the traceback is above, the input in fuzzed/")


def unguided(target: Target, seconds: float) -> Outcome:
    """Fuzzes with new random numbers."""
    first, end = secrets.randbelow(2**48), time.monotonic() + seconds
    number = first
    while time.monotonic() < end:
        if error := check(target, make_input(target, number)):
            return Outcome(number - first + 1, f"{error}; again: python -m tests.fuzz '{target.name}' {number}")
        number += 1
    return Outcome(number - first, None)


def fuzz(kinds: tuple[Target, ...], minutes: float) -> int:
    """Fuzzes each kind for its share of the time, prints the results and returns the exit status."""
    has_atheris = importlib.util.find_spec("atheris") is not None
    print(
        f"{'guided by atheris' if has_atheris else 'without atheris: by random alone'}, {minutes:g} minutes", flush=True
    )
    outcomes = []
    for target in kinds:
        outcome = (guided if has_atheris else unguided)(target, minutes * 60 / len(kinds))
        print(f"{target.name:<30} {outcome.read:>9} inputs  {outcome.error or 'the law holds'}", flush=True)
        outcomes.append(outcome)
    wrong = sum(outcome.error is not None for outcome in outcomes)
    read = sum(outcome.read for outcome in outcomes)
    print(f"{'all':<30} {read:>9} inputs  {wrong} of {len(kinds)} kinds broke the law")
    # A process that fuzzed nothing must not pass for one that found nothing.
    return int(wrong > 0 or not all(outcome.read for outcome in outcomes))


def again(target: Target, number: int) -> int:
    """Prints an input and reads it without catching exceptions."""
    bad = make_input(target, number)
    print(bad.content)
    print(check(target, bad) or "the check passes")
    bad.seed.read(bad.content)
    return 0


def main() -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("kind", nargs="?", help="a kind of input, as the table calls it")
    parser.add_argument("number", nargs="?", type=int, help="the number of an input")
    parser.add_argument("--minutes", type=float, default=10.0)
    given = parser.parse_args()
    logging.disable()  # a bad state file is a line in the log
    with tempfile.TemporaryDirectory() as folder:
        kinds = {target.name: target for target in asyncio.run(targets(Path(folder)))}
        if given.kind is None:
            return fuzz(tuple(kinds.values()), given.minutes)
        if given.kind not in kinds or given.number is None:
            parser.error(f"give a kind and a number; kinds: {', '.join(kinds)}")
        return again(kinds[given.kind], given.number)


if __name__ == "__main__":
    sys.exit(main())
