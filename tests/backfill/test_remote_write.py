"""Remote write: each figure once in a message that any receiver reads, and sent again only where that can help."""

import ssl
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from struct import unpack
from threading import Thread
from typing import NamedTuple

import cramjam
import httpx
import pytest
from msgspec.structs import replace

from exporter.backfill.figures import ReportDays, Series, noon
from exporter.backfill.remote_write import RemoteWrite, batches, encoded
from exporter.backfill.store_client import client, http_config
from exporter.domain.errors import ConfigError, StoreError
from exporter.domain.model import Days
from tests.backfill.backfill_run import NOON
from tests.certificates import self_signed, signed
from tests.pipeline.pipeline import ManualClock

pytestmark = pytest.mark.anyio

URL = "https://store.example/api/v1/write"
FIRST = date(2026, 11, 1)
PIECE = ReportDays("s", "r", Days(FIRST, FIRST))


def figures(count: int, company: str = "17", mode: str = "chat") -> Series:
    labels = {"source": "s", "company_id": company, "company": "Zoë & Söhne", "mode": mode}
    seconds = array("q", [noon(FIRST + timedelta(days=n)) for n in range(count)])
    return Series("m_daily", labels, seconds, array("d", [n + 0.5 for n in range(count)]))


class Received(NamedTuple):
    """A series as the receiver reads it: labels with the name, and samples as (milliseconds, value)."""

    labels: Mapping[str, str]
    samples: Sequence[tuple[int, float]]


def fields(content: bytes) -> Iterator[tuple[int, bytes | int]]:
    """Reads a message of Protocol Buffers: number and content of each field."""
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = content[at]
            at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
            if byte < 128:
                return value

    while at < len(content):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        else:
            length = 8 if key & 7 == 1 else varint()
            yield key >> 3, content[at : at + length]
            at += length


def read(body: bytes) -> list[Received]:
    found = []
    for _, each in fields(bytes(cramjam.snappy.decompress_raw(body))):
        assert isinstance(each, bytes)
        labels, samples = list[tuple[str, str]](), list[tuple[int, float]]()
        for number, content in fields(each):
            assert isinstance(content, bytes)
            if number == 1:
                name, value = (part.decode() for _, part in fields(content) if isinstance(part, bytes))
                labels.append((name, value))
            else:
                (_, figure), (_, stamp) = fields(content)
                assert isinstance(figure, bytes)
                assert isinstance(stamp, int)
                samples.append((stamp, unpack("<d", figure)[0]))
        assert [name for name, _ in labels] == sorted(dict(labels))
        found.append(Received(dict(labels), samples))
    return found


def test_a_message_says_what_was_to_be_sent() -> None:
    """Labels by name, milliseconds, samples in the order of time; an empty label is none."""
    [series] = read(encoded([figures(2, mode="")], {"job": "x"}))
    assert series.labels == {
        "__name__": "m_daily",
        "source": "s",
        "company_id": "17",
        "company": "Zoë & Söhne",
        "job": "x",
    }
    assert series.samples == [(1793534400000, 0.5), (1793620800000, 1.5)]


@pytest.mark.parametrize("most", [1, 3, 4, 100])
def test_batches_lose_nothing_and_keep_their_size(most: int) -> None:
    found = [figures(size, str(n)) for n, size in enumerate((2, 1, 3, 1, 1))]
    cut = list(batches(found, most))
    assert [each for batch in cut for each in batch] == found
    assert all(len(batch) == 1 or sum(len(each.values) for each in batch) <= most for batch in cut)


@dataclass(slots=True)
class Store:
    """Answers with `answers`, one after the other, the last one for ever; keeps what it took with 2xx."""

    answers: list[Callable[[], httpx.Response]]
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOON))
    taken: list[Received] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]()
        if answer.is_success:
            self.taken += read(request.content)
        return answer

    def remote(self) -> RemoteWrite:
        http = httpx.AsyncClient(transport=httpx.MockTransport(self))
        return RemoteWrite(URL, http, self.clock.for_fetch(), {})


def says(status: int, text: str = "", **headers: str) -> Callable[[], httpx.Response]:
    return lambda: httpx.Response(status, text=text, headers=headers)


def lost() -> httpx.Response:
    raise httpx.ConnectError("refused")


def late() -> httpx.Response:
    raise httpx.ReadTimeout("slow")


PASSING = {
    "busy": says(429, **{"Retry-After": "7"}),
    "ill": says(503, "starting"),
    "gone": lost,
    "slow": late,
    "full": says(500, "no space left on device"),
}


@pytest.mark.parametrize("trouble", PASSING.values(), ids=PASSING)
async def test_what_passes_is_waited_for(trouble: Callable[[], httpx.Response]) -> None:
    """Nothing is lost, and nothing is taken twice."""
    store = Store([trouble, trouble, says(204)])
    await store.remote().take(PIECE, [figures(3)])
    assert [len(each.samples) for each in store.taken] == [3]
    assert len(store.clock.slept) == 2


async def test_the_store_says_how_long() -> None:
    store = Store([PASSING["busy"], says(200)])
    await store.remote().take(PIECE, [figures(1)])
    assert store.clock.slept == [7.0]


FINAL = {
    "too old": (says(400, "out of bounds"), "out_of_order_time_window to 20d"),
    "too old, of Prometheus 2.42": (says(500, "too old sample"), "out_of_order_time_window to 20d"),
    "other value": (says(400, "duplicate sample for timestamp"), "duplicate sample"),
    "no key": (says(401), "--http.config.file"),
    "no receiver": (says(404, "remote write receiver needs to be enabled"), "--web.enable-remote-write-receiver"),
    "elsewhere": (says(302), "refused the samples with 302"),
}


@pytest.mark.parametrize(("trouble", "remedy"), FINAL.values(), ids=FINAL)
async def test_what_does_not_pass_is_not_tried_again(trouble: Callable[[], httpx.Response], remedy: str) -> None:
    store = Store([trouble])
    with pytest.raises(StoreError) as error:
        await store.remote().take(PIECE, [figures(1)])
    assert remedy in str(error.value)
    assert "\n" not in str(error.value)
    assert (len(store.requests), store.clock.slept) == (1, [])


async def test_retries_end() -> None:
    """Each wait is said before it begins."""
    store, said = Store([lost]), list[str]()
    with pytest.raises(StoreError, match=r"cannot be reached .* times; fix the store"):
        await replace(store.remote(), report_wait=said.append).take(PIECE, [figures(1)])
    assert sum(store.clock.slept) <= 900
    assert len(said) == len(store.clock.slept)
    assert said[0].startswith(f"{URL}: cannot be reached (ConnectError); retrying in ")


@pytest.mark.parametrize("password", ["canary-of-the-store", "c4n"])
@pytest.mark.parametrize("status", [401, 500])
@pytest.mark.parametrize(
    "text",
    [
        "basic_auth: {{username: u, password: {0}}}",
        "authorization: {{credentials: {0}}}",
        "http_headers: {{X-Token: {{secrets: [{0}]}}}}",
        "",
    ],
)
async def test_a_store_that_echoes_its_secrets_has_none_shown(
    tmp_path: Path, text: str, status: int, password: str
) -> None:
    """Neither in an error nor while it is waited for: password, its Authorization, a header, a token in the URL."""
    (tmp_path / "http.yml").write_text(text.format(password))
    url, said, authorization = f"{URL}?token={password}", list[str](), list[str]()

    def echo(request: httpx.Request) -> httpx.Response:
        authorization.extend(request.headers.get("authorization", "").split()[1:])
        return httpx.Response(status, text=f"bad {password} in {dict(request.headers)} of {request.url}")

    async with client(url, http_config(tmp_path / "http.yml"), httpx.MockTransport(echo)) as http:
        with pytest.raises(StoreError) as caught:
            await RemoteWrite(url, http, ManualClock(NOON).for_fetch(), {}, said.append).begin(FIRST)
    assert bool(said) is (status == 500)
    for secret in (password, *authorization):
        assert secret not in "\n".join((str(caught.value), *said))


async def test_the_age_is_asked_with_a_sample_that_is_nobodys() -> None:
    store = Store([says(204)])
    await store.remote().begin(FIRST)
    [probe] = store.taken
    assert probe.labels == {"__name__": "chat_usage_backfill_probe"}
    assert [stamp for stamp, _ in probe.samples] == [1793534400000]


async def test_many_samples_are_several_requests() -> None:
    store = Store([says(204)])
    await store.remote().take(PIECE, [figures(31, str(n)) for n in range(200)])
    assert len(store.requests) == 4
    assert sum(len(each.samples) for each in store.taken) == 6200


CONFIGS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "basic": ("basic_auth: {username: u, password: p}", {"authorization": "Basic dTpw"}),
    "basic-file": ("basic_auth: {username: u, password_file: secret}", {"authorization": "Basic dTpz"}),
    "bearer": ("authorization: {credentials: t}", {"authorization": "Bearer t"}),
    "other-type": ("authorization: {type: Token, credentials_file: secret}", {"authorization": "Token s"}),
    "tenant": ("http_headers: {X-Scope-OrgID: {values: [a]}}", {"x-scope-orgid": "a"}),
    "secret-header": ("http_headers: {X-Key: {secrets: [a], files: [secret]}}", {"x-key": "a, s"}),
}


@pytest.mark.parametrize(("text", "headers"), CONFIGS.values(), ids=CONFIGS)
async def test_a_store_is_reached_as_the_file_says(tmp_path: Path, text: str, headers: Mapping[str, str]) -> None:
    (tmp_path / "secret").write_text("s\n")
    (tmp_path / "http.yml").write_text(text)
    store = Store([says(204)])
    transport = httpx.MockTransport(store)
    async with client(URL, http_config(tmp_path / "http.yml"), transport) as http:
        await RemoteWrite(URL, http, store.clock.for_fetch(), {}).begin(FIRST)
    sent = store.requests[0].headers
    assert {name: sent[name] for name in headers} == headers
    assert sent["content-encoding"] == "snappy"
    assert sent["x-prometheus-remote-write-version"] == "0.1.0"


REFUSED = {
    "unknown": ("oauth2: {client_id: hunter2}", "unknown field"),
    "two": ("{basic_auth: {username: u, password: hunter2}, authorization: {credentials: hunter2}}", "are both set"),
    "both": ("authorization: {credentials: hunter2, credentials_file: f}", "exactly one"),
    "none": ("basic_auth: {username: hunter2}", "exactly one"),
    "no-yaml": ("basic_auth: [hunter2", "is not YAML"),
    "wrong-tag": ("basic_auth: !!int hunter2", "is not YAML"),
    "no-file": ("authorization: {credentials_file: nowhere}", "nowhere: No such file"),
    "no-ca": ("tls_config: {ca_file: nowhere}", "No such file"),
    "a-number": ("basic_auth: {username: u, password: 12}", "password"),
}


@pytest.mark.parametrize(("text", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_done_is_refused_and_not_shown(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "http.yml").write_text(text)
    with pytest.raises(ConfigError) as error:
        client(URL, http_config(tmp_path / "http.yml"))
    assert words in str(error.value)
    assert "hunter2" not in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "url", ["store.example/write", "ftp://store.example", "https://u:hunter2@store.example", "http://store:port/"]
)
def test_an_odd_url_is_refused(url: str) -> None:
    with pytest.raises(ConfigError) as error:
        client(url, http_config(None))
    assert "hunter2" not in str(error.value)


@contextmanager
def over_tls(folder: Path) -> Iterator[str]:
    """Serves a store that takes everything from those who show a certificate of its own authority."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "store.crt", folder / "store.key")
    context.load_verify_locations(folder / "ca.crt")
    context.verify_mode = ssl.CERT_REQUIRED
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}/write"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


OURS = "cert_file: us.crt, key_file: us.key"
TLS = {
    "both-shown": (f"{{ca_file: ca.crt, {OURS}}}", True),
    "not-looked-at": (f"{{insecure_skip_verify: true, {OURS}}}", True),
    "unknown-authority": (f"{{{OURS}}}", False),
    "no-certificate": ("{ca_file: ca.crt}", False),
}


@pytest.mark.parametrize(("section", "taken"), TLS.values(), ids=TLS)
async def test_who_is_trusted_is_what_the_file_says(tmp_path: Path, section: str, taken: bool) -> None:
    """Files are found beside the configuration. Where trust lacks, the first refusal ends the run."""
    self_signed(tmp_path, "ca")
    signed(tmp_path, "store", "ca", "IP:127.0.0.1")
    signed(tmp_path, "us", "ca")
    (tmp_path / "http.yml").write_text(f"tls_config: {section}")
    with over_tls(tmp_path) as url:
        async with client(url, http_config(tmp_path / "http.yml")) as http:
            remote = RemoteWrite(url, http, ManualClock(NOON).for_fetch(), {})
            if taken:
                await remote.begin(FIRST)
            else:
                with pytest.raises(StoreError, match=r"no TLS .*tls_config"):
                    await remote.begin(FIRST)
