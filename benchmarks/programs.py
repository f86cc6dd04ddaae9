"""The measured programs, as processes on loopback: platform, exporter, the usual alternative, prepared bytes."""

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from exporter.platforms.paradigm.platform import REPORTS
from exporter.simulator.paradigm.world import HISTORY, World

OURS = (sys.executable, "-c", "from exporter.cli.main import main; main()")
SEED = 1
TIMEOUT_S = 1800.0
PAUSE_S = 0.02
LAST_READ = f'window_coverage_ratio{{source="production",report="{[*REPORTS][-1]}",window="28d"}} 1.0'
FIGURE = "paradigm_user_queries_last_day{"


@dataclass(frozen=True, slots=True)
class Program:
    """A running program: its process and its port."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def page(self, path: str = "/metrics") -> str:
        """Returns its response; empty while it does not listen."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode(errors="replace")
        except (OSError, HTTPException):
            return ""
        finally:
            connection.close()

    def wait(self, condition: Callable[[], bool], what: str) -> float:
        """Waits until the condition is true, and returns the seconds it waited."""
        began = time.monotonic()
        while not condition():
            if self.process.poll() is not None or time.monotonic() - began > TIMEOUT_S:
                raise SystemExit(f"waited in vain for {what}; exit status {self.process.poll()}")
            time.sleep(PAUSE_S)
        return time.monotonic() - began


def free_port() -> int:
    """Returns a free loopback port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def running(command: Sequence[str], port: int) -> Iterator[Program]:
    """Runs a program until the end of the block; shows its output if it fails."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: S603 our own programs
        try:
            yield Program(process, port)
        except BaseException:
            log.seek(0)
            sys.stderr.write(log.read().decode(errors="replace")[-4000:])
            raise
        finally:
            process.kill()
            process.wait()


@contextmanager
def platform(companies: int, keep_days: int = HISTORY.days) -> Iterator[Program]:
    """Runs the simulated Paradigm with this many past days, and waits until it responds."""
    port = free_port()
    world = (f"--companies={companies}", f"--seed={SEED}", f"--keep-days={keep_days}")
    options = (f"--listen-address=127.0.0.1:{port}", *world)
    with running((*OURS, "simulate", *options), port) as program:
        program.wait(lambda: bool(program.page("/control")), "the simulated platform")
        yield program


def configure(folder: Path, polled: Program, history_days: int = 60) -> Path:
    """Writes the configuration of an exporter that polls a platform every hour."""
    (folder / "key").write_text(World.from_seed(SEED, 1).keys.admin)
    path = folder / "exporter.yml"
    path.write_text(
        f"sources: {{production: {{platform: paradigm, base_url: 'http://127.0.0.1:{polled.port}', api_key_file: key,"
        f" history_days: {history_days}, poll: {{interval: 1h, timeout: 10m, requests_per_minute: 6000}}}}}}\n"
    )
    return path


@contextmanager
def exporter(config: Path) -> Iterator[Program]:
    """Runs the exporter; does not wait for it."""
    port = free_port()
    options = (f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}")
    with running((*OURS, "serve", *options), port) as program:
        yield program


def has_figures(program: Program) -> bool:
    """Returns whether the first figures are served."""
    return FIGURE in program.page()


def has_past(program: Program) -> bool:
    """Returns whether the history of the report that is polled last was read."""
    return LAST_READ in program.page()


@contextmanager
def compared(module: str, argument: object) -> Iterator[Program]:
    """Runs a module for comparison, which serves at once: `benchmarks.usual` or `benchmarks.ready`."""
    port = free_port()
    with running((sys.executable, "-m", module, str(argument), str(port)), port) as program:
        program.wait(lambda: bool(program.page("/")), module)
        yield program
