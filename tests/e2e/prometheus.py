"""Runs a real Prometheus that scrapes one target, and queries it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec

from tests import loopback
from tests.e2e import programs


class Point(NamedTuple):
    """A series of an instant query: labels with the name, and the value."""

    labels: Mapping[str, str]
    value: float


class _Series(msgspec.Struct):
    metric: dict[str, str]
    value: tuple[float, str]


class _Vector(msgspec.Struct):
    result: list[_Series]


class _Answer(msgspec.Struct):
    data: _Vector


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running Prometheus at `url`."""

    url: str

    def query(self, expression: str) -> list[Point]:
        """Evaluates a PromQL expression that yields an instant vector, now.

        Raises:
            ValueError: Prometheus refuses it; the message is its own.
        """
        answer = loopback.get(f"{self.url}/api/v1/query", params={"query": expression})
        if answer.is_error:
            raise ValueError(f"{expression}: {answer.text}")
        vector = msgspec.json.decode(answer.content, type=_Answer).data
        return [Point(series.metric, float(series.value[1])) for series in vector.result]

    def wait_until(self, expression: str, timeout_s: float = 20) -> list[Point]:
        """Evaluates `expression` until it yields something, and returns that.

        Raises:
            TimeoutError: it yielded nothing within `timeout_s` seconds; the message holds the state of the target.
        """
        try:
            return programs.wait_for(lambda: self.query(expression), f"a result of {expression}", timeout_s)
        except TimeoutError as error:
            targets = loopback.get(f"{self.url}/api/v1/targets").text
            raise TimeoutError(f"{error}; targets: {targets}") from None


@contextmanager
def scraping(program: Path, folder: Path, target: str, protocols: Sequence[str] = ()) -> Iterator[Prometheus]:
    """Runs a Prometheus that scrapes `target` (host:port) each second, with configuration, data and log in `folder`.

    `protocols` are what it asks the target for, best first (OpenMetricsText1.0.0, PrometheusText0.0.4); its own default
    if empty, which is also the only choice before version 2.49.
    """
    job = {"job_name": "exporter", "static_configs": [{"targets": [target]}]}
    if protocols:
        job["scrape_protocols"] = list(protocols)
    config = folder / "prometheus.json"  # JSON is YAML
    config.write_text(json.dumps({"global": {"scrape_interval": "1s"}, "scrape_configs": [job]}))
    with started(program, folder, config) as running:
        yield running


@contextmanager
def started(program: Path, folder: Path, config: Path, *options: str) -> Iterator[Prometheus]:
    """Runs a Prometheus with this configuration, with data and log in `folder`."""
    address = f"127.0.0.1:{programs.free_port()}"
    command: list[str | Path] = [
        program,
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
        *options,
    ]
    url = f"http://{address}"
    with programs.running(command, folder / "prometheus.log", lambda: programs.answers(f"{url}/-/ready")):
        yield Prometheus(url)
