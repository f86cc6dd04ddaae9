"""Runs a real Alertmanager on loopback; tests post alerts and read their status."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import yaml

from tests import loopback
from tests.e2e import programs
from tests.oncall.shipped import Config


class Status(msgspec.Struct):
    """The state of an alert: unprocessed, active or suppressed."""

    state: str


class StoredAlert(msgspec.Struct):
    """An alert in Alertmanager."""

    labels: dict[str, str]
    status: Status


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """A running Alertmanager at `url`."""

    url: str

    def post(self, alerts: Sequence[Mapping[str, str]]) -> None:
        """Posts firing alerts that end in an hour."""
        now = datetime.now(UTC)
        times = {"startsAt": now.isoformat(), "endsAt": (now + timedelta(hours=1)).isoformat()}
        body = [{"labels": dict(labels), **times} for labels in alerts]
        loopback.post(f"{self.url}/api/v2/alerts", json=body).raise_for_status()

    def alerts(self) -> list[StoredAlert]:
        """Returns the firing alerts."""
        answer = loopback.get(f"{self.url}/api/v2/alerts").raise_for_status()
        return msgspec.json.decode(answer.content, type=list[StoredAlert])


@contextmanager
def alertmanager(program: Path, folder: Path, config: Config) -> Iterator[Alertmanager]:
    """Runs an Alertmanager with a configuration, and with its data and log in `folder`."""
    file = folder / "alertmanager.yml"
    file.write_text(yaml.safe_dump(config))
    url = f"http://127.0.0.1:{programs.free_port()}"
    command: list[str | Path] = [
        program,
        f"--config.file={file}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={url.removeprefix('http://')}",
        "--cluster.listen-address=",  # otherwise it listens on every interface
    ]
    with programs.running(command, folder / "alertmanager.log", lambda: programs.answers(f"{url}/-/ready")):
        yield Alertmanager(url)
