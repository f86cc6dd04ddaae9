"""A certificate that is not to be trusted ends the request before the key is sent, and the message names ca_file."""

import shutil
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest

from exporter.domain.errors import ConnectionLostError
from exporter.http.transport import transport_to
from tests.certificates import self_signed, signed
from tests.http.fakes import GOOD, Bench, endpoint
from tests.scripted_server import scripted_server

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not there to make certificates"),
]

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(GOOD) + GOOD


AUTHORITY = """
[ca]
default_ca = here
[here]
database = index
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = anybody
copy_extensions = copy
[anybody]
commonName = supplied
"""  # `openssl ca`, because `openssl req -x509` makes no expired certificates


def certificate(folder: Path, name: str, *, expired: bool = False) -> tuple[str, ssl.SSLContext]:
    """Makes a self-signed certificate for `name`; returns its file and the server's side of it."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    (folder / "ca.cnf").write_text(AUTHORITY)
    (folder / "index").touch()
    end = "20200102000000Z" if expired else "20991231000000Z"
    extensions = (
        f"subjectAltName={name}",
        "basicConstraints=critical,CA:TRUE",
        "keyUsage=digitalSignature,keyCertSign",
    )
    openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test", "-keyout", "key", "-out", "request",
            *(word for extension in extensions for word in ("-addext", extension)))  # fmt: skip
    openssl("ca", "-batch", "-notext", "-config", "ca.cnf", "-selfsign", "-keyfile", "key", "-in", "request",
            "-startdate", "20200101000000Z", "-enddate", end, "-out", "cert")  # fmt: skip
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "cert", folder / "key")
    return str(folder / "cert"), tls


async def test_ca_file_makes_a_private_instance_trusted(tmp_path: Path) -> None:
    cert, tls = certificate(tmp_path, "IP:127.0.0.1")
    async with scripted_server(WHOLE, tls=tls) as server:
        asked = Bench(endpoint=endpoint(base_url=f"https://127.0.0.1:{server.port}", ca_file=cert))
        assert await asked.ask() == GOOD


async def test_an_authority_of_simple_tools_is_trusted_on_every_python(tmp_path: Path) -> None:
    """What it signs says neither by which key nor for what use, as from `openssl x509 -req`."""
    self_signed(tmp_path, "ca")
    signed(tmp_path, "server", "ca", "IP:127.0.0.1")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    async with scripted_server(WHOLE, tls=tls) as server:
        url = f"https://127.0.0.1:{server.port}"
        assert await Bench(endpoint=endpoint(base_url=url, ca_file=str(tmp_path / "ca.crt"))).ask() == GOOD


@pytest.mark.parametrize(
    ("name", "expired", "trusted", "says"),
    [
        pytest.param("IP:127.0.0.1", False, False, "self-signed certificate", id="unknown-authority"),
        pytest.param("IP:127.0.0.1", True, True, "certificate has expired", id="expired"),
        pytest.param("DNS:other.example", False, True, "IP address mismatch", id="wrong-name"),
    ],
)
async def test_a_bad_certificate_is_refused(tmp_path: Path, name: str, expired: bool, trusted: bool, says: str) -> None:
    cert, tls = certificate(tmp_path, name, expired=expired)
    async with scripted_server(WHOLE, tls=tls) as server:
        url = f"https://127.0.0.1:{server.port}"
        asked = Bench(endpoint=endpoint(base_url=url, ca_file=cert if trusted else None))
        with pytest.raises(ConnectionLostError, match=f"the certificate of {url} is not trusted: .*{says}.*ca_file"):
            await asked.ask()
        assert server.heads == [], "the key was not sent"
        assert asked.notes.codes == ["error"], "a certificate does not heal in seconds"


async def test_a_server_without_tls_is_named() -> None:
    async with scripted_server(WHOLE) as server:
        url = f"https://127.0.0.1:{server.port}"
        with pytest.raises(ConnectionLostError, match=f"no TLS with {url}: .*; see base_url and ca_file"):
            await Bench(endpoint=endpoint(base_url=url)).ask()


async def test_a_client_for_plain_http_accepts_no_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even one of a public authority, here that of SSL_CERT_FILE; redirects are not followed anyway."""
    cert, tls = certificate(tmp_path, "IP:127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", cert)
    async with scripted_server(WHOLE, WHOLE, tls=tls) as server:
        url = httpx.URL(f"https://127.0.0.1:{server.port}")
        asked = httpx.Request("GET", url)
        async with transport_to(url, endpoint(ca_file=None), None, None) as transport:
            assert await (await transport.handle_async_request(asked)).aread() == GOOD
        async with transport_to(httpx.URL("http://127.0.0.1"), endpoint(ca_file=None), None, None) as transport:
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await transport.handle_async_request(asked)
