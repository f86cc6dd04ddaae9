"""The cost of imports: a bare interpreter, the libraries of `serve`, and the exporter."""

import subprocess
import sys
from collections.abc import Iterator
from textwrap import dedent

import msgspec

from benchmarks.figure import Figure

TRIES = 3
SCRIPT = """
    import json, os, sys, time
    {}
    pages = int(open("/proc/self/statm").read().split()[1])
    print(json.dumps([pages * os.sysconf("SC_PAGE_SIZE") / 2**20, time.process_time() * 1000, len(sys.modules)]))
"""
IMPORTS = {
    "Python alone": "",
    "libraries of serve": "import apscheduler.schedulers.asyncio, httpx, jinja2, jmespath, msgspec, prometheus_client, "
    "pydantic_settings, starlette.applications, typer, uvicorn, yaml",
    "serve": "from exporter.cli.main import program; program(['serve'])",
    "every command": "from exporter.cli.main import program; program()",
}


def measure() -> Iterator[Figure]:
    """Yields memory, CPU and number of modules, each the lowest of several tries."""
    for what, statement in IMPORTS.items():
        memory, milliseconds, modules = min(_imported(statement) for _ in range(TRIES))
        yield Figure(f"imports: {what}, memory", 1, memory, "MiB")
        yield Figure(f"imports: {what}, time", 1, milliseconds, "ms CPU")
        yield Figure(f"imports: {what}, modules", 1, modules, "")


def _imported(statement: str) -> list[float]:
    command = (sys.executable, "-c", dedent(SCRIPT).format(statement))
    printed = subprocess.run(command, capture_output=True, check=True).stdout  # noqa: S603 our own program
    return msgspec.json.decode(printed, type=list[float])
