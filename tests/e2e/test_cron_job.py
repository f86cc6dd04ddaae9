"""Runs the container command of the backfill CronJob, with its mounts, against a platform with TLS."""

import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from exporter.simulator.paradigm.world import World
from tests import loopback
from tests.certificates import self_signed
from tests.cli.test_backfill import Store, served
from tests.e2e.commands import COMMAND, SEED, simulating
from tests.helm.charts import at, objects, the, valued
from tests.oncall.shipped import Config, mapping, mappings, words

pytestmark = [pytest.mark.e2e, pytest.mark.once]

MOUNTED = "/etc/extra"


@contextmanager
def behind_tls(platform: str, folder: Path) -> Iterator[str]:
    """Serves a platform over TLS with the self-signed certificate `ca.crt` in `folder`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sent = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            answer = loopback.get(platform + self.path, headers=sent)
            self.send_response(answer.status_code)
            self.send_header("Content-Type", answer.headers["content-type"])
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: object) -> None:
            pass

    self_signed(folder, "ca", "IP:127.0.0.1")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "ca.crt", folder / "ca.key")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"https://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def run(found: list[Config], folder: Path, files: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Runs the CronJob's container with its mounts below `folder` and these files in them."""
    spec = mapping(at(the(found, "CronJob"), "spec", "jobTemplate", "spec", "template", "spec"))
    (container,) = mappings(spec["containers"])
    mounts = [str(mount["mountPath"]) for mount in mappings(container["volumeMounts"])]
    files = {"/etc/chat-usage-exporter/exporter.yml": str(at(the(found, "ConfigMap"), "data", "exporter.yml")), **files}

    def here(text: str) -> str:
        for mount in mounts:
            text = text.replace(mount, f"{folder}{mount}")
        return text

    for mount in mounts:
        made = Path(here(mount))
        (made.parent if made.suffix else made).mkdir(parents=True, exist_ok=True)
    for place, text in files.items():
        if place.startswith(tuple(mounts)):  # what is mounted nowhere is not there
            Path(here(place)).write_text(here(text))
    command: list[str | Path] = [COMMAND, *map(here, words(container["args"]))]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env={"NO_PROXY": "*"})


def test_it_trusts_an_authority_from_an_extra_volume(tmp_path: Path) -> None:
    """Without the mount it ends with status 2."""
    days = {"enabled": True, "from": str(datetime.now(UTC).date() - timedelta(days=9))}
    with (
        simulating(tmp_path, "--companies=3") as platform,
        behind_tls(platform, tmp_path) as url,
        served(Store()) as store,
    ):
        given: Config = {
            "sources": {"p": {"platform": "paradigm", "base_url": url, "ca_file": f"{MOUNTED}/ca.crt"}},
            "history": {**days, "remoteWriteUrl": f"{store.url}/api/v1/write"},
            "extraVolumes": [{"name": "ca2", "configMap": {"name": "corp-ca"}}],
            "extraVolumeMounts": [{"name": "ca2", "mountPath": MOUNTED}],
            "extraArgs": ["--web.enable-lifecycle"],
        }
        files = {
            "/run/secrets/chat-usage-exporter/p": World.from_seed(SEED).keys.admin,
            f"{MOUNTED}/ca.crt": (tmp_path / "ca.crt").read_text(),
        }
        sent = run(objects("--values", valued(given, tmp_path)), tmp_path / "with", files)
        assert sent.returncode == 0, sent.stderr
        assert store.written

        (tmp_path / "bare").mkdir()
        bare = {**given, "extraVolumeMounts": []}
        refused = run(objects("--values", valued(bare, tmp_path / "bare")), tmp_path / "without", files)
        assert refused.returncode == 2
        assert "ca_file" in refused.stderr
