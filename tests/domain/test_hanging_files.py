"""Files may be on a file system that does not answer: one line for each, and the program runs on."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
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


def test_one_access_to_a_file_hangs_at_a_time(tmp_path: Path) -> None:
    """The next ones fail like it, also while not even the folder answers, until it ends or the file is another one."""
    (path := tmp_path / "file").write_text("")
    begun, answers = SimpleQueue[None](), Event()

    def access() -> str:
        begun.put(None)
        answers.wait()
        return path.read_text()

    for content in ("", "another", "file"):
        path.write_text(content)
        for number in range(5):
            with pytest.raises(TimeoutError, match="no answer within"):
                in_time(access, path, 0.01)
            if not number:
                begun.get()
    no_folder, folder_answers = hanging(path)
    for _ in range(5):
        with pytest.raises(TimeoutError, match="no answer within"):
            in_time(access, no_folder, 0.01)
    assert begun.empty()
    folder_answers.set()
    answers.set()
    while True:
        with suppress(TimeoutError):
            assert in_time(access, path, 60) == "file"
            break


@pytest.mark.anyio
async def test_requests_do_not_wait_for_a_web_configuration_that_hangs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Only those of the first moment do. The configuration stays in effect until the file system answers again."""
    path, answers = hanging(tmp_path / "web.yml")
    path_there = tmp_path / "web.yml"
    path_there.write_text("http_server_config: {http2: false}\n")
    answers.set()
    live = LiveWebConfig(path, 0.1)
    before = live.config
    answers.clear()
    assert all(each is before for each in await asyncio.gather(*[live.current() for _ in range(100)]))
    assert all([await live.current() is before for _ in range(1000)])
    assert caplog.text.count("web configuration files could not be checked") == 1
    path_there.write_text("http_server_config: {headers: {X-Frame-Options: deny}}\n")
    answers.set()
    while await live.current() is before:
        assert live._hanging is not None
        await asyncio.wait_for(live._hanging, 60)
    assert live.config.http_server_config.headers == {"X-Frame-Options": "deny"}


@pytest.mark.anyio
async def test_each_request_sees_what_the_files_were_when_it_came(tmp_path: Path) -> None:
    """Also if the look of an earlier request goes on: a removed user is not let in because of it."""
    path, answers = hanging(tmp_path / "web.yml")
    path_there = tmp_path / "web.yml"
    path_there.write_text("")
    answers.set()
    live = LiveWebConfig(path, 60)
    answers.clear()
    requests = []
    for burst in range(1, 6):
        path_there.write_text(f"rate_limit: {{interval: 1h, burst: {burst}}}\n")
        requests.append(asyncio.create_task(live.current()))
        await asyncio.sleep(0)
    answers.set()
    assert [each.rate_limit.burst for each in await asyncio.gather(*requests)] == [5] * 5


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
