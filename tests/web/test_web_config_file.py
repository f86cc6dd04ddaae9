"""The web configuration: the files of web_config/ are read, or refused with the message in their first line."""

import re
import shutil
from pathlib import Path

import pytest

from exporter.domain.errors import ConfigError
from exporter.web.server.connection import is_allowed
from exporter.web.server.web_config import LiveWebConfig
from exporter.web.server.web_config_file import CIPHERS, read
from tests.certificates import openssl, self_signed

FILES = Path(__file__).parent / "web_config"
EXAMPLE = Path(__file__).parents[2] / "config" / "web.example.yml"
pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not there to make certificates")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the certificates and keys named in the files."""
    place = tmp_path_factory.mktemp("web")
    for name in ("server", "other", "client_ca"):
        self_signed(place, name)
    openssl(place, "rsa", "-aes128", "-passout", "pass:secret", "-in", "server.key", "-out", "encrypted.key")
    return place


@pytest.mark.parametrize("case", sorted(FILES.glob("*.good.yml")), ids=lambda path: path.name)
def test_a_good_file_is_taken(case: Path, folder: Path) -> None:
    """Paths are relative to the folder of the file, not to the working directory."""
    (folder / "web.yml").write_bytes(case.read_bytes())
    web_config = LiveWebConfig(folder / "web.yml")

    assert (web_config.context is not None) == (web_config.config.tls_server_config is not None)
    assert all(path.parent == folder for path in read(folder / "web.yml").files)


@pytest.mark.parametrize("commented", [pytest.param(True, id="as-shipped"), pytest.param(False, id="every-option")])
def test_the_shipped_example_is_good(folder: Path, commented: bool) -> None:
    """Also with every commented option enabled."""
    text = EXAMPLE.read_text()
    if not commented:
        text = re.sub(r"(?m)^  # (?=\w+: )", "  ", text)
    shutil.copy(folder / "client_ca.crt", folder / "clients.crt")
    (folder / "web.yml").write_text(text)

    config = LiveWebConfig(folder / "web.yml").config

    assert set(config.basic_auth_users) == {"prometheus"}
    assert config.tls_server_config is not None
    assert bool(config.tls_server_config.client_allowed_sans) is not commented


@pytest.mark.parametrize("case", sorted(FILES.glob("*.bad.yml")), ids=lambda path: path.name)
def test_a_bad_file_is_refused_by_name(case: Path, folder: Path) -> None:
    """In one line: what, where, how to fix it; never a password in the place of a hash."""
    expected = case.read_text().splitlines()[0].removeprefix("# ")
    (folder / "web.yml").write_bytes(case.read_bytes())

    with pytest.raises(ConfigError) as caught:
        LiveWebConfig(folder / "web.yml")
    [line] = str(caught.value).splitlines()
    assert expected in line
    assert "canary" not in line


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"web.yml: cannot be read .*see --web.config.file"):
        LiveWebConfig(tmp_path / "web.yml")


def test_every_cipher_is_one_of_openssl(folder: Path) -> None:
    """Go's names are translated."""
    for suite in CIPHERS:
        tls = f"{{cert_file: server.crt, key_file: server.key, cipher_suites: [{suite}]}}"
        (folder / "web.yml").write_text(f"tls_server_config: {tls}\nhttp_server_config: {{http2: false}}\n")
        context = LiveWebConfig(folder / "web.yml").context
        assert context is not None
        assert CIPHERS[suite] in {each["name"] for each in context.get_ciphers()}


@pytest.mark.anyio
async def test_an_invalid_change_has_no_effect_and_is_logged_once(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The previous configuration stays; the next valid file is applied."""
    path = folder / "web.yml"
    path.write_bytes((FILES / "users.good.yml").read_bytes())
    web_config = LiveWebConfig(path)

    path.write_text("nonsense: {}")
    assert [set((await web_config.current()).basic_auth_users) for _ in range(2)] == [{"alice", "no"}] * 2
    assert [record.message for record in caplog.records] == ["web configuration not changed"]
    path.write_text("")
    assert not (await web_config.current()).basic_auth_users


def test_inline_certificates_are_read(folder: Path) -> None:
    """As in the toolkit, also beside an empty path."""
    inline = {name: (folder / name).read_text().replace("\n", "\n    ") for name in ("server.crt", "server.key")}
    (folder / "web.yml").write_text(
        f"tls_server_config:\n  cert_file: ''\n"
        f"  cert: |\n    {inline['server.crt']}\n  key: |\n    {inline['server.key']}\n"
    )
    assert LiveWebConfig(folder / "web.yml").context is not None


@pytest.mark.parametrize(
    ("certificate", "expected"),
    [
        pytest.param({"subjectAltName": (("DNS", "a.example"), ("DNS", "b.example"))}, True, id="one-of-its-names"),
        pytest.param({"subjectAltName": (("DNS", "evil.a.example"),)}, False, id="another-name"),
        pytest.param({"subject": ((("commonName", "a.example"),),)}, False, id="the-common-name-does-not-count"),
        pytest.param(None, False, id="no-certificate"),
    ],
)
def test_a_client_is_known_by_its_alternative_names(certificate: dict[str, object] | None, expected: bool) -> None:
    assert is_allowed(certificate, ("a.example",)) is expected
    assert is_allowed(certificate, ())
