"""Fuzzes one kind of input with atheris, guided by coverage, in a process of its own.

usage: python -m tests.fuzz.guided KIND SECONDS

The exit status is not 0 if a check failed, after a traceback; the input is saved in fuzzed/.
"""

import asyncio
import logging
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import atheris

with atheris.instrument_imports(include=["exporter"]):
    from tests.fuzz.check import Input, check, mutate
    from tests.fuzz.targets import Target, targets

FOUND = Path("fuzzed")


class CheckFailedError(Exception):
    """A check of an input failed."""


def main(kind: str, seconds: str) -> None:
    """Runs libFuzzer, which ends the process; the first byte of its inputs selects the seed."""
    logging.disable()  # a bad state file is a line in the log
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        target = next(each for each in asyncio.run(targets(place)) if each.name == kind)
        corpus = place / "corpus"
        corpus.mkdir()
        for number, seed in enumerate(target.seeds):
            (corpus / str(number)).write_bytes(bytes([number]) + seed.content)
        FOUND.mkdir(exist_ok=True)
        options = [
            f"-max_total_time={seconds}",
            f"-artifact_prefix={FOUND}/",
            "-rss_limit_mb=2048",
            "-print_final_stats=1",
            "-max_len=65536",
        ]
        atheris.Setup(["fuzz", *options, str(corpus)], _reader(target), custom_mutator=_mutator(target))
        atheris.Fuzz()


def _reader(target: Target) -> Callable[[bytes], None]:
    def read(data: bytes) -> None:
        if not data:
            return
        error = check(target, Input(target.seeds[data[0] % len(target.seeds)], data[1:]))
        if error:
            raise CheckFailedError(f"{target.name}: {error}")

    return read


def _mutator(target: Target) -> Callable[[bytes, int, int], bytes]:
    def mutator(data: bytes, most: int, seed: int) -> bytes:
        return (data[:1] + mutate(target, data[1:], Random(seed)))[:most]

    return mutator


if __name__ == "__main__":
    main(*sys.argv[1:])
