"""The web configuration: the files of web_config/ are read, or refused with the message in their first line."""

import asyncio
import itertools
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from threading import Thread

import pytest

from exporter.domain.errors import ConfigError
from exporter.web.server.connection import is_allowed
from exporter.web.server.web_config import LiveWebConfig
from exporter.web.server.web_config_file import CIPHERS, read
from tests.certificates import openssl, self_signed
from tests.web.running_server import LOOK_SECONDS

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
    web_config = LiveWebConfig(path, LOOK_SECONDS)

    path.write_text("nonsense: {}")
    assert [set((await web_config.current()).basic_auth_users) for _ in range(2)] == [{"alice", "no"}] * 2
    assert [record.message for record in caplog.records] == ["web configuration not changed"]
    path.write_text("")
    assert not (await web_config.current()).basic_auth_users


TLS = "tls_server_config: {cert_file: new.crt, key_file: new.key}\n"


@pytest.mark.anyio
@pytest.mark.parametrize("order", list(itertools.permutations(["web.yml", "new.crt", "new.key"])), ids=" ".join)
async def test_a_change_of_several_files_takes_effect_with_the_last(
    order: Sequence[str], folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whichever that is: also a file that nothing named before, and one that is whole only later."""
    caplog.set_level("INFO")
    contents = {f"new.{kind}": (folder / f"server.{kind}").read_bytes() for kind in ("crt", "key")}
    contents["web.yml"] = TLS.encode()
    (tmp_path / "web.yml").write_text("")
    web_config = LiveWebConfig(tmp_path / "web.yml", LOOK_SECONDS)

    for name in order:
        for part in (contents[name][:-20], contents[name]):
            assert (await web_config.current()).tls_server_config is None
            (tmp_path / name).write_bytes(part)
    assert (await web_config.current()).tls_server_config is not None
    logged = [(record.message, getattr(record, "reason", "")) for record in caplog.records]
    assert len(logged) == len(set(logged))
    assert logged[-1] == ("web configuration changed", "")


@pytest.mark.anyio
async def test_a_refused_change_repeats_no_line_of_the_log(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """However many requests look at it, and whatever else the log says of it."""
    caplog.set_level("INFO")
    suites = "[TLS_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]"
    (folder / "web.yml").write_text("")
    web_config = LiveWebConfig(folder / "web.yml", LOOK_SECONDS)
    wrong = f"tls_server_config: {{cert_file: server.crt, key_file: server.crt, cipher_suites: {suites}}}\n"
    (folder / "web.yml").write_text(wrong)
    for _ in range(3):
        await web_config.current()
    assert [record.message for record in caplog.records] == ["web configuration not changed"]

    (folder / "web.yml").write_text(wrong.replace("key_file: server.crt", "key_file: server.key"))
    await web_config.current()
    assert [record.message for record in caplog.records[1:]] == [
        "cipher suites of TLS 1.3 cannot be chosen; all of them are offered",
        "web configuration changed",
    ]


@pytest.mark.anyio
async def test_a_crowd_of_requests_rereads_a_refused_change_once(tmp_path: Path) -> None:
    """Those that come before a look begins share it: a flood does not make each request wait for all others."""
    contents: list[bytes] = []

    class NotingPath(type(tmp_path)):  # type: ignore[misc]  # mypy does not know which class of paths this system has
        def read_bytes(self) -> bytes:
            contents.append(super().read_bytes())
            return contents[-1]

    path = NotingPath(tmp_path / "web.yml")
    path.write_text("")
    web_config = LiveWebConfig(path, LOOK_SECONDS)
    path.write_text("nonsense: {}")
    await asyncio.gather(*[web_config.current() for _ in range(100)])
    assert contents == [b"", b"nonsense: {}"]


@pytest.mark.anyio
async def test_a_change_while_a_file_is_read_is_seen_by_the_next_look(tmp_path: Path) -> None:
    """The pipe gives the first content, and is a file with the second before the reader goes on."""
    path = tmp_path / "web.yml"
    os.mkfifo(path)

    def write() -> None:
        with path.open("w") as pipe:  # waits for the reader, who then waits for its end
            (tmp_path / "next").write_text("rate_limit: {interval: 1h, burst: 2}\n")
            (tmp_path / "next").replace(path)
            pipe.write("rate_limit: {interval: 1h, burst: 1}\n")

    (writer := Thread(target=write)).start()
    web_config = LiveWebConfig(path, LOOK_SECONDS)
    writer.join()
    assert web_config.config.rate_limit.burst == 1
    assert (await web_config.current()).rate_limit.burst == 2


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
