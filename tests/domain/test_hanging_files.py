"""Files may be on a file system that does not answer: one line for each, and the program runs on."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from exporter.backfill.store_client import HttpConfig, TlsConfig, client, http_config
from exporter.domain.errors import ConfigError
from exporter.domain.threads import FILE_SECONDS, in_time
from exporter.http import Client
from exporter.platforms.registry import platforms
from exporter.settings import load
from exporter.web.server.web_config import LiveWebConfig
from tests.hanging import hanging
from tests.http.fakes import Notes, endpoint


def test_what_ends_in_time_gives_what_it_gives() -> None:
    assert in_time(lambda: 1, "file") == 1
    with pytest.raises(ZeroDivisionError):
        in_time(lambda: 1 / 0, "file")
    with pytest.raises(TimeoutError, match="its own"):
        in_time(lambda: (_ for _ in ()).throw(TimeoutError("its own")), "file")


def test_what_does_not_end_in_time_is_an_error_of_its_file() -> None:
    ended = Event()
    with pytest.raises(OSError, match=r"no answer within 0\.01 s") as caught:
        in_time(ended.wait, "file", 0.01)
    assert (caught.value.strerror, caught.value.filename) == ("no answer within 0.01 s", "file")
    ended.set()


@pytest.mark.anyio
async def test_a_request_waits_once_for_a_web_configuration_that_hangs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The configuration stays in effect; when the file system answers again, changes are applied."""
    path, answers = hanging(tmp_path / "web.yml")
    path_there = tmp_path / "web.yml"
    path_there.write_text("http_server_config: {http2: false}\n")
    answers.set()
    live = LiveWebConfig(path)
    before = await live.current()
    answers.clear()
    assert all([await live.current() is before for _ in range(1000)])
    assert caplog.text.count("web configuration files could not be checked") == 1
    path_there.write_text("http_server_config: {headers: {X-Frame-Options: deny}}\n")
    answers.set()
    assert live._looking is not None
    await asyncio.wait_for(live._looking, 60)
    assert (await live.current()).http_server_config != before.http_server_config


def source(*options: str) -> str:
    """Returns a configuration with a source that has these options beside the required ones."""
    usual = ("platform: paradigm", "base_url: 'https://paradigm.example'")
    return f"sources: {{s: {{{', '.join((*usual, *options))}}}}}\n"


def configured(folder: Path, name: str, content: str) -> object:
    (file := folder / f"{name}.yml").write_text(content)
    return load(file, {}, platforms())


def store(tls_config: TlsConfig) -> object:
    return client("https://store.example", HttpConfig(tls_config=tls_config))


FILES: dict[str, Callable[[Path, Path], object]] = {
    "config": lambda pipe, _: load(pipe, {}, platforms()),
    "api_key": lambda pipe, folder: configured(folder, "key", source(f"api_key_file: {pipe}")),
    "ca": lambda pipe, folder: configured(folder, "ca", source("api_key: sk-1", f"ca_file: {pipe}")),
    "trust": lambda pipe, _: Client(endpoint(ca_file=str(pipe)), Notes()),
    "web": lambda pipe, _: LiveWebConfig(pipe),
    "store": lambda pipe, _: http_config(pipe),
    "store-ca": lambda pipe, _: store(TlsConfig(ca_file=pipe)),
    "store-cert": lambda pipe, _: store(TlsConfig(cert_file=pipe)),
}


def test_a_pipe_in_place_of_any_file_is_one_line_that_names_it(tmp_path: Path) -> None:
    """As files on a server that is down; all at once, since each takes its whole timeout."""

    def refused(name: str) -> str:
        os.mkfifo(pipe := tmp_path / f"{name}.pipe")
        with pytest.raises(ConfigError) as caught:
            FILES[name](pipe, tmp_path)
        return str(caught.value)

    with ThreadPoolExecutor(len(FILES)) as threads:
        said = dict(zip(FILES, threads.map(refused, FILES), strict=True))

    late = {name: f"no answer within {FILE_SECONDS:g} s" in line and "\n" not in line for name, line in said.items()}
    assert late == dict.fromkeys(FILES, True)
    named = {name for name, line in said.items() if f"{name}.pipe" in line or f"s.{name}_file:" in line}
    assert named == FILES.keys(), said
