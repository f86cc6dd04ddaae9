"""Access control of the running program with curl, openssl and a real Prometheus."""

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import bcrypt
import pytest

from tests.certificates import self_signed, signed
from tests.e2e import programs
from tests.e2e.commands import COMMAND
from tests.e2e.prometheus import Prometheus, started

pytestmark = [pytest.mark.e2e, pytest.mark.once]

PASSWORD = "correct horse"
TLS = "tls_server_config: {cert_file: server.crt, key_file: server.key%s}\n"
CLIENTS = ", client_ca_file: ca.crt, client_auth_type: RequireAndVerifyClientCert"
NAMED = CLIENTS + ", client_allowed_sans: [prometheus.example]"
CONFIGS = {
    "plain": "basic_auth_users: {}\n",
    "users": "basic_auth_users: {prometheus: '%s'}\n",
    "tls": TLS % "",
    "modern": TLS % ", min_version: TLS13",
    "both": TLS % "" + "basic_auth_users: {prometheus: '%s'}\n",
    "clients": TLS % CLIENTS,
    "named": TLS % NAMED,
}


class Client(NamedTuple):
    """A client: trusted authority, user, certificate and scheme."""

    trusts: str = "server"
    user: str = ""
    password: str = ""
    shows: str = ""
    scheme: str = "https"


CLIENT_CASES = {
    "plain": {"anybody": (Client(scheme="http"), True)},
    "users": {
        "right": (Client(user="prometheus", password=PASSWORD, scheme="http"), True),
        "wrong password": (Client(user="prometheus", password="wrong", scheme="http"), False),
        "unknown user": (Client(user="eve", password=PASSWORD, scheme="http"), False),
        "nobody": (Client(scheme="http"), False),
    },
    "tls": {
        "trusting": (Client(), True),
        "trusting another authority": (Client(trusts="ca"), False),
        "in plain http": (Client(scheme="http"), False),
        "with a certificate that nobody asks for": (Client(shows="client"), True),
    },
    "both": {
        "right": (Client(user="prometheus", password=PASSWORD), True),
        "wrong password": (Client(user="prometheus", password="wrong"), False),
        "right in plain http": (Client(user="prometheus", password=PASSWORD, scheme="http"), False),
    },
    "clients": {
        "known": (Client(shows="client"), True),
        "known, of another name": (Client(shows="other"), True),
        "without": (Client(), False),
        "a stranger": (Client(shows="stranger"), False),
    },
    "named": {
        "the allowed name": (Client(shows="client"), True),
        "another name": (Client(shows="other"), False),
    },
}
CASES = [
    pytest.param(config, client, is_allowed, id=f"{config}-{name.replace(' ', '-')}")
    for config, clients in CLIENT_CASES.items()
    for name, (client, is_allowed) in clients.items()
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with certificates of a server, two clients and an unknown client, and the configurations."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not there to make certificates")
    made = tmp_path_factory.mktemp("access")
    for name in ("server", "ca", "stranger"):
        self_signed(made, name, "DNS:localhost", "IP:127.0.0.1")
    signed(made, "client", "ca", "DNS:prometheus.example")
    signed(made, "other", "ca", "DNS:other.example")
    known = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(5)).decode()
    for name, text in CONFIGS.items():
        (made / f"{name}.yml").write_text(text.replace("%s", known))
    source = "{platform: paradigm, api_key: k, base_url: 'http://127.0.0.1:9'}"  # nobody is there
    (made / "exporter.yml").write_text(f"sources: {{production: {source}}}\n")
    return made


@contextmanager
def serving(folder: Path, config: str) -> Iterator[str]:
    """Runs `serve` with a web configuration and an unreachable platform; yields host:port."""
    address = f"127.0.0.1:{programs.free_port()}"
    options = (f"--config.file={folder / 'exporter.yml'}", f"--web.config.file={folder / config}.yml")
    command: list[str | Path] = [COMMAND, "serve", f"--web.listen-address={address}", *options]
    with programs.running(command, folder / f"{config}.log", lambda: is_open(address)):
        yield address


def is_open(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def places(folder: Path) -> Iterator[Mapping[str, str]]:
    """Runs the program once per configuration; yields host:port of each."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(serving(folder, name)) for name in CONFIGS}


@pytest.mark.parametrize(("config", "client", "is_allowed"), CASES)
def test_curl(folder: Path, places: Mapping[str, str], config: str, client: Client, is_allowed: bool) -> None:
    command: list[str | Path] = [programs.find("curl"), "--silent", "--fail", "--noproxy", "*", "--max-time", "20"]
    if client.scheme == "https":
        command += ["--cacert", f"{client.trusts}.crt"]
    if client.user:
        command += ["--user", f"{client.user}:{client.password}"]
    if client.shows:
        command += ["--cert", f"{client.shows}.crt", "--key", f"{client.shows}.key"]
    command.append(f"{client.scheme}://{places[config]}/metrics")
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=30, check=False)
    assert (done.returncode == 0, b"chat_usage_exporter_build_info" in done.stdout) == (is_allowed, is_allowed)


@pytest.mark.parametrize(
    ("config", "options", "works"),
    [
        pytest.param("tls", ["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"], False, id="1.1"),
        pytest.param("tls", ["-tls1_2"], True, id="1.2"),
        pytest.param("tls", ["-tls1_3"], True, id="1.3"),
        pytest.param("tls", ["-tls1_2", "-cipher", "AES128-SHA"], False, id="no-forward-secrecy"),
        pytest.param("tls", ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"], True, id="forward-secrecy"),
        pytest.param("modern", ["-tls1_2"], False, id="min-1.3-with-1.2"),
        pytest.param("modern", ["-tls1_3"], True, id="min-1.3-with-1.3"),
        pytest.param("clients", ["-tls1_2", "-cert", "client.crt", "-key", "client.key"], True, id="known-client"),
        pytest.param("clients", ["-tls1_2", "-cert", "stranger.crt", "-key", "stranger.key"], False, id="stranger"),
        pytest.param("clients", ["-tls1_2"], False, id="no-client-certificate"),
    ],
)
def test_openssl(folder: Path, places: Mapping[str, str], config: str, options: list[str], works: bool) -> None:
    """With TLS 1.3 a client learns of its refusal only after the handshake, so these cases use 1.2."""
    command = ["openssl", "s_client", "-connect", places[config], "-CAfile", "server.crt", "-verify_return_error"]
    done = subprocess.run([*command, *options], cwd=folder, input=b"", capture_output=True, timeout=30, check=False)
    assert (done.returncode == 0) is works, done.stderr.decode()


def job(folder: Path, name: str, client: Client, target: str) -> Mapping[str, object]:
    """Returns a Prometheus job with the client's `tls_config` and `basic_auth`."""
    made: dict[str, object] = {"job_name": name, "scheme": client.scheme, "static_configs": [{"targets": [target]}]}
    if client.scheme == "https":
        own = {"cert_file": f"{folder}/{client.shows}.crt", "key_file": f"{folder}/{client.shows}.key"}
        made["tls_config"] = {"ca_file": f"{folder}/{client.trusts}.crt", **(own if client.shows else {})}
    if client.user:
        made["basic_auth"] = {"username": client.user, "password": client.password}
    return made


@pytest.fixture(scope="module")
def scraped(folder: Path, places: Mapping[str, str], prometheus: Path) -> Iterator[Mapping[str, float]]:
    """Whether each client's job is up, from one Prometheus."""
    jobs = [
        job(folder, f"{config}: {name}", client, places[config])
        for config, clients in CLIENT_CASES.items()
        for name, (client, _) in clients.items()
    ]
    (folder / "prometheus.json").write_text(json.dumps({"global": {"scrape_interval": "1s"}, "scrape_configs": jobs}))
    with started(prometheus, folder, folder / "prometheus.json") as running:
        yield ups(running, len(jobs))


def ups(running: Prometheus, jobs: int) -> Mapping[str, float]:
    """Waits until every job has scraped; returns whether each succeeded."""
    programs.wait_for(lambda: len(running.query("up")) == jobs, f"{jobs} jobs to scrape", 30)
    return {point.labels["job"]: point.value for point in running.query("max_over_time(up[1m])")}


@pytest.mark.parametrize(
    ("name", "is_allowed"),
    [
        (f"{config}: {name}", is_allowed)
        for config, clients in CLIENT_CASES.items()
        for name, (_, is_allowed) in clients.items()
    ],
)
def test_prometheus(scraped: Mapping[str, float], name: str, is_allowed: bool) -> None:
    assert scraped[name] == is_allowed
