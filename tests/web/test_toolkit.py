"""The test cases of exporter-toolkit 0.16: its file names, configurations and requests, and what it makes of them.

The verdicts were compared with those of that release's own `web.Serve`.
"""

import re
import shutil
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from exporter.domain.errors import ConfigError
from exporter.web.server.web_config import LiveWebConfig
from tests.certificates import self_signed
from tests.web.running_server import running_server

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not there to make certificates")

DOCS = Path(__file__).parents[2] / "docs" / "security.md"
TAKEN, REFUSED, REFUSED_HERE = "taken", "refused", "refused here alone"
FILES = "cert_file: server.crt, key_file: server.key"
VERIFIED = f"{FILES}, client_auth_type: VerifyClientCertIfGiven"
REQUIRED = f"{FILES}, client_auth_type: RequireAndVerifyClientCert"
HASHES = {
    "alice": "$2y$12$1DpfPeqF9HzHJt.EWswy1exHluGfbhnn3yXhR7Xes6m3WJqFg0Wby",
    "bob": "$2y$18$4VeFDzXIoPHKnKTU3O3GH.N.vZu06CVqczYZ8WvfzrddFU6tGqjR.",
    "carol": "$2y$10$qRTBuFoULoYNA7AQ/F3ck.trZBPyjV64.oA4ZsSBCIWvXuvQlQTuu",
    "dave": "$2y$10$2UXri9cIDdgeKjBo4Rlpx.U3ZLDV8X1IxKmsfOvhcM5oXQt/mLmXq",
}
USERS = "basic_auth_users: {" + ", ".join(f"{name}: {hashed}" for name, hashed in HASHES.items()) + "}"
ECDHE = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
EACH_CIPHER = ", ".join(
    (
        *(
            f"TLS_ECDHE_{key}_WITH_{suite}"
            for key in ("ECDSA", "RSA")
            for suite in (
                "AES_128_GCM_SHA256",
                "AES_256_GCM_SHA384",
                "CHACHA20_POLY1305_SHA256",
                "AES_128_CBC_SHA",
                "AES_256_CBC_SHA",
            )
        ),
        *("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"),
    )
)
EACH_HEADER = """http_server_config:
  headers:
    X-Frame-Options: deny
    Strict-Transport-Security: max-age=31536000; includeSubDomains
    X-Content-Type-Options: nosniff
    X-XSS-Protection: 1
    Content-Security-Policy: "default-src 'self' *.test.example.net"
"""


def tls(options: str, more: str = "") -> str:
    return f"tls_server_config: {{{options}}}\n{more}"


def headers(given: str) -> str:
    return f"http_server_config: {{headers: {{{given}}}}}"


CASES: Mapping[str, tuple[str, str]] = {
    "tls_config_noAuth.requireandverifyclientcert.good.yml": (TAKEN, tls(f"{REQUIRED}, client_ca_file: client.crt")),
    "tls_config_noAuth.requireanyclientcert.good.yml": (
        REFUSED_HERE,
        tls(f"{FILES}, client_auth_type: RequireAnyClientCert"),
    ),
    "tls_config_noAuth.requireanyclientcertkeyinline.good.yml": (
        REFUSED_HERE,
        tls('cert_file: server.crt, key: "KEY", client_auth_type: RequireAnyClientCert'),
    ),
    "web_config_auth_clientCAs_invalid.bad.yml": (REFUSED, tls(f"{FILES}, client_ca_file: somefile")),
    "web_config_auth_clientCAs_missing.bad.yml": (TAKEN, tls(REQUIRED)),
    "web_config_auth_client_san.bad.yaml": (
        TAKEN,
        tls(f"{REQUIRED}, client_ca_file: client2.crt, client_allowed_sans: [bad]"),
    ),
    "web_config_auth_client_san.good.yaml": (
        TAKEN,
        tls(f"{REQUIRED}, client_ca_file: client2.crt, client_allowed_sans: [one, test3, two]"),
    ),
    "web_config_auth_user_list_invalid.bad.yml": (REFUSED, tls(FILES, "basic_auth_users: {john: doe}")),
    "web_config_empty.yml": (TAKEN, ""),
    "web_config_headers.good.yml": (TAKEN, EACH_HEADER),
    "web_config_headers_content_type_options.bad.yml": (REFUSED, headers("X-Content-Type-Options: sniff")),
    "web_config_headers_extra_header.bad.yml": (REFUSED, headers("Content-Type: foo")),
    "web_config_headers_frame_options.bad.yml": (REFUSED, headers("X-Frame-Options: foo")),
    "web_config_junk.yml": (REFUSED, "hWkNKCp3fvIx3jKnsaBI\nTuEjdwNS8A2vYdFbiKqr\n"),
    "web_config_junk_key.yml": (REFUSED, tls("cert_filse: server.crt")),
    "web_config_noAuth.bad.yml": (REFUSED, tls(f"{FILES}, client_ca_file: /dev/null")),
    "web_config_noAuth.good.blocking.yml": (TAKEN, tls(REQUIRED)),
    "web_config_noAuth.good.yml": (TAKEN, tls(VERIFIED)),
    "web_config_noAuth_allCiphers.good.yml": (TAKEN, tls(f"{VERIFIED}, cipher_suites: [{EACH_CIPHER}]")),
    "web_config_noAuth_allCurves.good.yml": (
        REFUSED_HERE,
        tls(f"{VERIFIED}, curve_preferences: [CurveP256, CurveP384, CurveP521, X25519]"),
    ),
    "web_config_noAuth_certPath_empty.bad.yml": (REFUSED, tls('cert_file: "", key_file: server.key')),
    "web_config_noAuth_certPath_invalid.bad.yml": (REFUSED, tls("cert_file: somefile, key_file: server.key")),
    "web_config_noAuth_certPath_keyPath_empty.bad.yml": (
        REFUSED,
        tls('cert_file: "", key_file: "", client_auth_type: x'),
    ),
    "web_config_noAuth_certPath_keyPath_invalid.bad.yml": (REFUSED, tls("cert_file: somefile, key_file: somefile")),
    "web_config_noAuth_cert_empty.bad.yml": (REFUSED, tls('cert: "", key_file: server.key')),
    "web_config_noAuth_inventedCiphers.bad.yml": (
        REFUSED,
        tls(f"{VERIFIED}, cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA2048]"),
    ),
    "web_config_noAuth_inventedCurves.bad.yml": (REFUSED, tls(f"{VERIFIED}, curve_preferences: [CurveP257]")),
    "web_config_noAuth_keyPath_empty.bad.yml": (REFUSED, tls('cert_file: server.crt, key_file: ""')),
    "web_config_noAuth_keyPath_invalid.bad.yml": (REFUSED, tls("cert_file: server.cert, key_file: somefile")),
    "web_config_noAuth_key_empty.bad.yml": (REFUSED, tls('cert_file: server.crt, key: ""')),
    "web_config_noAuth_noHTTP2.good.yml": (
        TAKEN,
        tls(f"{VERIFIED}, max_version: TLS12, cipher_suites: [{ECDHE}]", "http_server_config: {http2: false}"),
    ),
    "web_config_noAuth_noHTTP2Cipher.bad.yml": (
        REFUSED,
        tls(f"{VERIFIED}, max_version: TLS12, cipher_suites: [{ECDHE}]"),
    ),
    "web_config_noAuth_someCiphers.good.yml": (
        TAKEN,
        tls(
            f"{VERIFIED}, cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, {ECDHE}],"
            " min_version: TLS12, max_version: TLS12"
        ),
    ),
    "web_config_noAuth_someCiphers_noOrder.good.yml": (
        TAKEN,
        tls(
            f"{VERIFIED}, cipher_suites: [{ECDHE}, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256],"
            " min_version: TLS12, max_version: TLS12, prefer_server_cipher_suites: false"
        ),
    ),
    "web_config_noAuth_someCurves.good.yml": (
        REFUSED_HERE,
        tls(f"{VERIFIED}, min_version: TLS13, curve_preferences: [CurveP521]"),
    ),
    "web_config_noAuth_tlsInline.good.yml": (TAKEN, tls('cert: "CERT", key: "KEY"')),
    "web_config_noAuth_wrongTLSVersion.bad.yml": (REFUSED, tls(f"{VERIFIED}, min_version: TLS111")),
    "web_config_rate_limiter_nonblocking.yaml": (TAKEN, "rate_limit: {interval: 0, burst: 0}"),
    "web_config_rate_limiter_one_second.yaml": (TAKEN, 'rate_limit: {interval: "1s", burst: 0}'),
    "web_config_users.good.yml": (TAKEN, tls(FILES, USERS)),
    "web_config_users_noTLS.good.yml": (TAKEN, USERS),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the certificates named in the configurations."""
    place = tmp_path_factory.mktemp("toolkit")
    self_signed(place, "server", "DNS:localhost", "IP:127.0.0.1")
    self_signed(place, "client")
    self_signed(place, "client2", "DNS:test3")
    return place


def configured(name: str, folder: Path) -> str:
    """Returns a configuration with its certificates."""
    text = CASES[name][1]
    for word, file in (("CERT", "server.crt"), ("KEY", "server.key")):
        text = text.replace(f'"{word}"', '"' + (folder / file).read_text().replace("\n", "\\n") + '"')
    return text


@pytest.mark.parametrize("name", CASES)
def test_a_configuration_of_the_toolkit_has_its_verdict(name: str, folder: Path) -> None:
    """Except for two options that Python does not support; they are refused by name."""
    verdict, _ = CASES[name]
    (folder / name).write_text(configured(name, folder))
    if verdict == TAKEN:
        LiveWebConfig(folder / name)
        return
    with pytest.raises(ConfigError) as caught:
        LiveWebConfig(folder / name)
    assert (" Python" in str(caught.value)) is (verdict == REFUSED_HERE or "Curves" in name)


def test_the_page_names_what_is_refused_here_alone() -> None:
    """By option or value, so that users of another exporter's file find the reason."""
    page = DOCS.read_text()
    for name, (verdict, text) in CASES.items():
        named = re.findall(r"RequireAnyClientCert|curve_preferences", text)
        assert bool(named) is (verdict == REFUSED_HERE) or verdict == REFUSED, name
        assert all(f"`{each}`" in page for each in named), name


class Asked(NamedTuple):
    """How a client connects: scheme, certificate, user and password, TLS 1.2 ciphers and newest TLS version."""

    scheme: str = "https"
    certificate: str | None = None
    auth: tuple[str, str] | None = None
    ciphers: str = ""
    newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3

    def client(self, folder: Path) -> httpx.AsyncClient:
        trust = ssl.create_default_context(cafile=folder / "server.crt")
        trust.minimum_version = min(trust.minimum_version, self.newest)
        trust.maximum_version = self.newest
        if self.ciphers:
            trust.set_ciphers(self.ciphers)
        if self.certificate:
            trust.load_cert_chain(folder / f"{self.certificate}.crt", folder / f"{self.certificate}.key")
        return httpx.AsyncClient(verify=trust, trust_env=False, auth=self.auth)


PLAIN, TLS = Asked("http"), Asked()
CBC, GCM_128, GCM_256 = "ECDHE-RSA-AES256-SHA", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384"
NO_ANSWER = 0
GOOD = "web_config_noAuth.good"
SOME, ANY_ORDER = "web_config_noAuth_someCiphers.good", "web_config_noAuth_someCiphers_noOrder.good"
SANS, OTHER_SANS = "web_config_auth_client_san.good.yaml", "web_config_auth_client_san.bad.yaml"
USERS_TLS, USERS_PLAIN = "web_config_users.good", "web_config_users_noTLS.good"


@pytest.mark.anyio
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1:DeprecationWarning")
@pytest.mark.parametrize(
    ("name", "asked", "status"),
    [
        pytest.param("web_config_empty", PLAIN, 200, id="default client"),
        pytest.param("web_config_empty", TLS, NO_ANSWER, id="empty and TLS client"),
        pytest.param(GOOD, PLAIN, NO_ANSWER, id="valid tls config and default client"),
        pytest.param(GOOD, TLS, 200, id="valid tls config and tls client"),
        pytest.param("web_config_noAuth_tlsInline.good", TLS, 200, id="cert and key inline"),
        pytest.param(GOOD, Asked(newest=ssl.TLSVersion.TLSv1_1), NO_ANSWER, id="TLS 1.1 client"),
        pytest.param("web_config_noAuth_allCiphers.good", TLS, 200, id="all ciphers"),
        pytest.param("web_config_noAuth_allCiphers.good", Asked(ciphers=CBC), 200, id="all ciphers, CBC alone"),
        pytest.param(SOME, Asked(ciphers=GCM_128), 200, id="some ciphers"),
        pytest.param(SOME, Asked(ciphers=CBC), NO_ANSWER, id="no common cipher"),
        pytest.param(SOME, Asked(ciphers=f"{GCM_128}:{GCM_256}"), 200, id="multiple client ciphers"),
        pytest.param(ANY_ORDER, Asked(ciphers=f"{GCM_128}:{GCM_256}"), 200, id="client chooses cipher"),
        pytest.param("web_config_noAuth_noHTTP2.good", TLS, 200, id="non-http2 ciphers"),
        pytest.param("web_config_headers.good", PLAIN, 200, id="valid headers config"),
        pytest.param(
            "tls_config_noAuth.requireandverifyclientcert.good", Asked(certificate="client"), 200, id="certificate"
        ),
        pytest.param(SANS, Asked(certificate="client2"), 200, id="present good SAN"),
        pytest.param(OTHER_SANS, Asked(certificate="client2"), NO_ANSWER, id="present invalid SAN"),
        pytest.param("web_config_noAuth.good.blocking", TLS, NO_ANSWER, id="no certificate"),
        pytest.param("web_config_rate_limiter_nonblocking.yaml", PLAIN, 200, id="rate limiter that doesn't block"),
        pytest.param("web_config_rate_limiter_one_second.yaml", PLAIN, 429, id="rate limiter of one second"),
        pytest.param(USERS_PLAIN, PLAIN, 401, id="without basic auth"),
        pytest.param(USERS_PLAIN, Asked("http", auth=("dave", "dave123")), 200, id="correct basic auth"),
        pytest.param(USERS_TLS, TLS, 401, id="without basic auth and TLS"),
        pytest.param(USERS_TLS, Asked(auth=("dave", "dave123")), 200, id="correct basic auth and TLS"),
        pytest.param(USERS_TLS, Asked(auth=("carol", "carol123")), 200, id="another correct basic auth"),
        pytest.param(USERS_TLS, Asked(auth=("dave", "bad")), 401, id="bad password and TLS"),
        pytest.param(USERS_TLS, Asked(auth=("nonexistent", "nonexistent")), 401, id="bad username and TLS"),
    ],
)
async def test_a_request_of_the_toolkit_has_its_answer(folder: Path, name: str, asked: Asked, status: int) -> None:
    """Rate limits are tested with ten requests in a row."""
    [name] = {name, f"{name}.yml"} & CASES.keys()
    async with running_server(folder, configured(name, folder)) as place, asked.client(folder) as http:
        for _ in range(10 if "rate_limiter" in name else 1):
            try:
                found = (await http.get(f"{asked.scheme}://{place}/metrics")).status_code
            except (httpx.TransportError, ssl.SSLError):
                found = NO_ANSWER
            assert found == status
