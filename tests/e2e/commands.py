"""Runs the commands `simulate` and `serve` as processes."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec

from exporter.simulator.paradigm.world import World
from tests import loopback
from tests.e2e import programs

COMMAND = Path(sys.executable).with_name("chat-usage-exporter")
SEED = 1


@dataclass(frozen=True, slots=True)
class Served:
    """An exporter at `url` and its simulated platform."""

    url: str
    platform: str

    @property
    def target(self) -> str:
        """host:port for Prometheus."""
        return self.url.removeprefix("http://")

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Sends a request to the exporter."""
        return loopback.get(self.url + path, headers=headers)

    def truth(self, **question: str) -> Mapping[str, object]:
        """Reads the platform's figures from /truth, which the exporter never does."""
        answer = loopback.get(f"{self.platform}/truth", params=question)
        found: Mapping[str, object] = msgspec.json.decode(answer.raise_for_status().content)
        return found


@contextmanager
def simulating(folder: Path, *options: str) -> Iterator[str]:
    """Runs `simulate`; yields the platform's URL."""
    address = f"127.0.0.1:{programs.free_port()}"
    command: list[str | Path] = [COMMAND, "simulate", f"--listen-address={address}", f"--seed={SEED}", *options]
    url = f"http://{address}"
    with programs.running(command, folder / "simulate.log", lambda: programs.answers(f"{url}/control")):
        yield url


@contextmanager
def serving(folder: Path, platform: str, key: str = World.from_seed(SEED).keys.admin) -> Iterator[Served]:
    """Runs `serve` with a configuration file; yields after its first poll."""
    address = f"127.0.0.1:{programs.free_port()}"
    (folder / "key").write_text(key)
    config = folder / "exporter.yml"
    config.write_text(f"sources: {{production: {{platform: paradigm, base_url: '{platform}', api_key_file: key}}}}\n")
    command: list[str | Path] = [COMMAND, "serve", f"--config.file={config}", f"--web.listen-address={address}"]
    url = f"http://{address}"
    with programs.running(command, folder / "serve.log", lambda: programs.answers(f"{url}/-/healthy")):
        yield Served(url, platform)
