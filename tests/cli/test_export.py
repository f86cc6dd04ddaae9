"""`export` over real HTTP: a platform with status words of its own, and a host for the files that must see no key."""

import asyncio
import json
import os
import shlex
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette

from exporter.app.assemble import client_of, endpoint_of
from exporter.app.process import serving
from exporter.cli.demo.command import demonstration
from exporter.cli.export import Order, chatbot, exported
from exporter.cli.main import run
from exporter.domain.clock import Clock
from exporter.domain.errors import ConnectionLostError, FailedError, HttpStatusError, PlatformError, SchemaError
from exporter.domain.model import Days
from exporter.http import RetryBudget, download
from exporter.http.download import Resolve, check, is_allowed
from exporter.platforms.api import Request
from exporter.platforms.chatcaptain import export_job as job
from exporter.platforms.registry import platforms
from exporter.polling.probe import LastCodes
from exporter.settings import load
from exporter.simulator.app import create_app
from exporter.simulator.chatcaptain.bots import Bots
from exporter.simulator.chatcaptain.exports import Exports
from exporter.simulator.paradigm.world import World
from exporter.web.server.server import listen, url
from tests.http.fakes import endpoint

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAYS = Days(date(2026, 11, 1), date(2026, 11, 18))
WORLD, BOTS = World.from_seed(1, 1), Bots.from_seed(1)
ROOT = Path(__file__).parents[2]


class Passed:
    """A clock that moves when somebody sleeps; keeps what was shown."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.words: list[str] = []

    def now(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    @property
    def clock(self) -> Clock:
        return Clock(monotonic=self.now, sleep=self.sleep)


class Site:
    """A platform and the other host, both on loopback; `save` exports from it."""

    def __init__(self, base: str, exports: Exports, folder: Path) -> None:
        self.exports = exports
        self.target = folder / "statistics.csv"
        self.passed = Passed()
        self.base = base
        settings = load(None, demonstration(WORLD, BOTS, base), platforms())
        self.source = chatbot(settings, None)

    async def save(self, export_id: str | None = None, seconds: float = 1800, max_bytes: int = 2**24) -> int:
        client = client_of(self.source, LastCodes())
        try:
            rules = download.DownloadRules(endpoint_of(self.source), max_bytes)
            show, clock = self.passed.words.append, self.passed.clock
            order = Order(self.source, DAYS, self.target, rules, export_id, seconds, show, clock)
            return await exported(client, order)
        finally:
            await client.aclose()

    @property
    def leftovers(self) -> list[str]:
        """What is in the folder besides the target."""
        return sorted(each.name for each in self.target.parent.iterdir() if each != self.target)


Sites = Callable[..., AbstractAsyncContextManager[Site]]


@pytest.fixture
def site(tmp_path: Path) -> Sites:
    @asynccontextmanager
    async def made(*scenarios: str) -> AsyncIterator[Site]:
        with listen("127.0.0.1:0", "") as one, listen("127.0.0.1:0", "") as other:
            exports = Exports(1, url(other), huge=2**25)
            app = create_app(WORLD, lambda: NOON, scenarios=scenarios or ("normal",), bots=BOTS, exports=exports)
            async with serving(app, one), serving(Starlette(routes=exports.routes()), other):
                yield Site(url(one), exports, tmp_path)

    return made


async def test_an_export_is_waited_for_and_saved(site: Sites) -> None:
    """Whatever its status words are: they are shown as they come; the file is nobody else's to read."""
    async with site() as made:
        size = await made.save()

    assert made.target.stat().st_size == size > 0
    assert stat.S_IMODE(made.target.stat().st_mode) == 0o600
    assert made.leftovers == []
    words = [word.removeprefix("the platform says: ") for word in made.passed.words if "says" in word]
    assert words == ["queued", "IN_BEARBEITUNG", "completed"]
    assert "--export-id exp_" in made.passed.words[0]


async def test_the_other_host_sees_no_key(site: Sites) -> None:
    """Nor a cookie, nor any header that the platform gets; also after a redirect."""
    async with site("export-redirected") as made:
        await made.save()

    assert len(made.exports.seen) == 2
    key = BOTS.chatbots[0].key
    for headers in made.exports.seen:
        assert headers.keys() <= {"host", "user-agent", "accept", "accept-encoding", "connection"}
        assert key not in str(headers)


async def test_an_export_is_resumed_by_its_id(site: Sites) -> None:
    async with site() as made:
        with pytest.raises(FailedError, match=r"is not complete after 1 s; .* Resume with --export-id exp_") as late:
            await made.save(seconds=1)
        export_id = str(late.value).rpartition(" ")[2]
        assert await made.save(export_id) > 0
        with pytest.raises(FailedError, match="is unknown to the platform"):
            await made.save("exp_unknown")


FAILURES = {
    "export-never-ends": "is not complete after 1800 s; raise --deadline",
    "export-fails": "failed: the platform says: Export konnte nicht erstellt werden",
    "export-truncated": "failed: the download from 127.0.0.1 broke off",
    "export-huge": "failed: the file is longer than 16777216 bytes; see --max-size",
}


@pytest.mark.parametrize(("scenario", "words"), FAILURES.items(), ids=FAILURES)
async def test_a_failed_export_leaves_nothing_behind(site: Sites, scenario: str, words: str) -> None:
    """One line with the id, no half file, and never the link."""
    async with site(scenario) as made:
        with pytest.raises(FailedError) as failed:
            await made.save()

    assert words in str(failed.value)
    assert "\n" not in str(failed.value)
    assert "signature" not in str(failed.value) + "".join(made.passed.words)
    assert not made.target.exists()
    assert made.leftovers == []


async def test_a_refused_link_is_asked_for_once_more(site: Sites) -> None:
    async with site("export-link-refused") as made:
        assert await made.save() > 0
    assert len(made.exports.seen) == 2


async def test_a_key_that_is_refused_is_told_and_nothing_was_started(site: Sites) -> None:
    async with site("key-rejected") as made:
        with pytest.raises(FailedError, match=r"the export was not started: .* answered 401"):
            await made.save()


def resolving(*addresses: str) -> Resolve:
    async def resolve(_host: str, _port: int) -> list[str]:
        return list(addresses)

    return resolve


@pytest.mark.parametrize(
    ("link", "addresses", "words"),
    [
        pytest.param("http://files.example/x", ["93.184.216.34"], "not a valid https link", id="plain-http"),
        pytest.param("file:///etc/passwd", ["93.184.216.34"], "not a valid https link", id="file"),
        pytest.param("https://files.example/x", ["127.0.0.1"], "private network", id="loopback"),
        pytest.param("https://files.example/x", ["169.254.169.254"], "private network", id="link-local"),
        pytest.param("https://files.example/x", ["10.1.2.3"], "private network", id="private"),
        pytest.param("https://files.example/x", ["::1"], "private network", id="loopback-6"),
        pytest.param("https://files.example/x", ["93.184.216.34", "10.0.0.1"], "private network", id="one-of-two"),
        pytest.param("https://files.example:99999/x", ["93.184.216.34"], "not a valid https link", id="port-too-high"),
        pytest.param("https://files.example:abc/x", ["93.184.216.34"], "not a valid https link", id="port-of-letters"),
        pytest.param("https://files.example/x", [], "has no address", id="no-address"),
        pytest.param("https://xn--/", ["93.184.216.34"], "not a valid https link", id="half-a-name"),
        pytest.param("https://files.\ufb00\u202e/x", ["93.184.216.34"], "not a valid https link", id="no-name"),
        pytest.param("https://files.example/\0", ["93.184.216.34"], "not a valid https link", id="nul"),
        pytest.param("https://files.example/\r\nX: y", ["93.184.216.34"], "not a valid https link", id="line-end"),
        pytest.param(
            f"https://files.example/{'x' * 70_000}", ["93.184.216.34"], "not a valid https link", id="without-end"
        ),
    ],
)
async def test_a_link_into_the_operator_s_network_is_not_followed(
    tmp_path: Path, link: str, addresses: list[str], words: str
) -> None:
    """Whatever the name says: what it resolves to is judged, and that is connected to."""
    rules = download.DownloadRules(endpoint(), 1000, resolve=resolving(*addresses))
    with pytest.raises((HttpStatusError, ConnectionLostError), match=words):
        await download.save(link, tmp_path / "file", rules)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "location", ["https://a:abc/", "http://xn--/", "https://xn--/", "https://\ufb00/", "", "file:///x"]
)
async def test_a_redirect_to_what_is_no_link_is_a_refusal(tmp_path: Path, location: str) -> None:
    """Nor one to the same place for ever, nor to where a link may not point."""
    moved = httpx.Response(302, headers={b"Location": location.encode()})
    rules = download.DownloadRules(
        endpoint(), 1000, resolve=resolving("93.184.216.34"), transport=httpx.MockTransport(lambda _request: moved)
    )
    with pytest.raises(HttpStatusError):
        await download.save("https://files.example/x", tmp_path / "file", rules)


class Telling:
    """A platform that answers to the start of an export, and then the same to each question about it."""

    def __init__(self, start: object, state: object) -> None:
        self.start, self.state = (json.dumps(each).encode() for each in (start, state))

    async def get(self, request: Request, _retry_budget: RetryBudget) -> bytes:
        return self.start if request.method == "POST" else self.state


async def told(start: object, state: object, tmp_path: Path, export_id: str | None = None) -> tuple[str, str]:
    """Exports, which fails; returns the progress and the failure."""
    settings, passed = load(None, demonstration(WORLD, BOTS, "http://127.0.0.1:1"), platforms()), Passed()
    rules, show = download.DownloadRules(endpoint(), 1000), passed.words.append
    order = Order(chatbot(settings, None), DAYS, tmp_path / "file", rules, export_id, 1800, show, passed.clock)
    with pytest.raises(FailedError) as failed:
        await exported(Telling(start, state), order)
    return "\n".join(passed.words), str(failed.value)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"status": "Completed"}, "the platform says Completed, but gives no downloadUrl"),
        ({"status": "completed", "downloadUrl": " "}, "the platform says completed, but gives no downloadUrl"),
        ({"status": "completed", "downloadUrl": 7}, "expected a link as downloadUrl, not integer"),
        ({"status": "x", "downloadUrl": ["https://x/"]}, "expected a link as downloadUrl, not [string]"),
    ],
)
async def test_an_export_without_a_link_is_not_waited_for_until_the_deadline(
    tmp_path: Path, state: object, words: str
) -> None:
    assert words in (await told({"exportId": "exp_1"}, state, tmp_path))[1]


@pytest.mark.parametrize("export_id", ["a\x1b[1mb", "a\nexport saved OK", "a\u202eb", "x" * 201])
async def test_an_id_that_is_none_is_not_printed(tmp_path: Path, export_id: str) -> None:
    words, failure = await told({"exportId": export_id}, {}, tmp_path)
    assert words == ""
    assert "the exportId is not valid" in failure
    assert export_id not in failure


@pytest.mark.parametrize("started_here", [True, False], ids=["of-the-platform", "of-the-operator"])
async def test_an_id_is_offered_to_a_shell_in_quotes(tmp_path: Path, started_here: bool) -> None:
    export_id = "x'; rm -rf ~ #"
    words, failure = await told(
        {"exportId": export_id}, {"error": "\x1b[2J\nno"}, tmp_path, None if started_here else export_id
    )
    for said in (words, failure):
        assert shlex.split(said.rpartition("--export-id ")[2]) == [export_id]
        assert said.isprintable()


LETTERS = st.text(max_size=20)
LINKS = st.one_of(
    st.text(),
    st.builds(
        "{}://{}{}{}/{}".format,
        st.sampled_from(("https", "http", "file", "HTTPS", "")) | LETTERS,
        st.sampled_from(("", "user:password@", "@")) | LETTERS,
        st.sampled_from(("files.example", "127.0.0.1", "0x7f.1", "2130706433", "localhost", "xn--"))
        | LETTERS
        | st.ip_addresses().map(lambda ip: f"[{ip}]" if ip.version == 6 else str(ip)),
        st.sampled_from(("", ":443", ":0", ":99999", ":-1", ":x")) | LETTERS,
        LETTERS,
    ),
)


@given(LINKS, st.ip_addresses())
async def test_a_link_is_checked_or_refused(link: str, address: IPv4Address | IPv6Address) -> None:
    """Never another error, never an address beyond the internet, never a control character in the reason."""
    reason, good = "", None
    try:
        good = await check(link, resolving(str(address)), at_home=False)
    except (HttpStatusError, ConnectionLostError) as refusal:
        reason = str(refusal)
    assert reason.isprintable()
    assert "password" not in reason
    if good is None:
        return
    url, addresses = good
    assert url.scheme == "https"
    assert [ip_address(each.host) for each in addresses] == [address]
    assert is_allowed(str(address))


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("64:ff9b::5db8:d822", True),
        ("64:ff9b::a9fe:a9fe", False),
        ("64:ff9b:1::5db8:d822", False),
        ("2002:5db8:d822::1", True),
        ("2002:7f00:1::1", False),
        ("2001:0:5db8:d822::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:93.184.216.34", True),
        ("::7f00:1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fec0::1", False),
        ("fd00::1", False),
        ("ff0e::1", False),
        ("2001:db8::1", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("0.0.0.0", False),  # noqa: S104 -- compared, not bound
        ("100.64.0.1", False),
        ("192.168.0.1", False),
    ],
)
def test_only_addresses_on_the_internet_are_followed(address: str, allowed: bool) -> None:
    assert is_allowed(address) is allowed
    assert not is_allowed("10.0.0.1", at_home=True)
    assert is_allowed("::ffff:127.0.0.1", at_home=True)


def test_answers_mean_what_the_documentation_says() -> None:
    """An error counts before a link, a link before a word; an answer without an id is no export."""
    assert job.progress(b'{"status": "x\\n\\u001b[1m", "downloadUrl": ""}') == job.Progress("x [1m", None)
    assert job.progress(b'{"downloadUrl": "https://x"}').link == "https://x"
    with pytest.raises(PlatformError, match="the platform says: no"):
        job.progress(b'{"status": "completed", "downloadUrl": "https://x", "error": "no"}')
    with pytest.raises(SchemaError, match="expected an exportId, not an object with the keys id"):
        job.started(b'{"id": 1}')
    with pytest.raises(SchemaError, match=r"expected an object, not \[\]"):
        job.started(b"[]")


CONFIG = "sources:\n  a: {platform: paradigm, api_key: some-key}\n"
BOT = "  bot: {platform: chatcaptain, chatbot_id: b, api_key: some-key}\n"
WRONG = {
    "no chatbot": (CONFIG, [], "--source: choose one source of the platform chatcaptain; known: none"),
    "another platform": (CONFIG + BOT, ["--source", "a"], "--source: a is not a source of the platform chatcaptain"),
    "no day": (CONFIG + BOT, [], "--from: is missing; give the first day"),
    "upside down": (CONFIG + BOT, ["--from", "2026-02-01", "--to", "2026-01-01"], "--from: 2026-02-01 is after"),
    "no date": (CONFIG + BOT, ["--from", "soon"], '--from: "soon" is not a date'),
    "no time": (CONFIG + BOT, ["--from", "2026-02-01", "--deadline", "soon"], '--deadline: "soon" is not a duration'),
    "no folder": (
        CONFIG + BOT,
        ["--from", "2026-02-01", "--output", "no/x"],
        "the folder of no/x does not exist",
    ),
    "is there": (CONFIG + BOT, ["--from", "2026-02-01", "--output", "c.yml"], "--output: c.yml exists already"),
}


@pytest.mark.parametrize(("config", "arguments", "words"), WRONG.values(), ids=WRONG)
def test_wrong_use_is_one_line(
    config: str, arguments: list[str], words: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("c.yml").write_text(config)
    assert run(["export", "--config.file=c.yml", *arguments]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert words in line


async def test_an_interrupted_export_says_how_to_resume(site: Sites, tmp_path: Path) -> None:
    """A real process: a signal ends it at once, with the id on its lines and no file."""
    async with site("export-never-ends") as made:
        bot = BOTS.chatbots[0]
        config = tmp_path / "bot.yml"
        config.write_text(
            f"sources:\n  bot: {{platform: chatcaptain, chatbot_id: {bot.id}, api_key: {bot.key}, "
            f"base_url: '{made.base}'}}"
        )
        command = [sys.executable, "-m", "exporter.cli", "export", f"--config.file={config}", "--from=2026-11-01"]
        process = await asyncio.create_subprocess_exec(
            *command, "--output", str(made.target), stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
        assert process.stderr is not None
        said = b""
        async with asyncio.timeout(20):
            while b"queued" not in said:
                said += await process.stderr.readline()
            process.send_signal(signal.SIGTERM)
            said += await process.stderr.read()
            status = await process.wait()
    assert status == 1
    assert b"--export-id exp_" in said
    assert b"Traceback" not in said
    assert bot.key.encode() not in said
    assert not made.target.exists()
    assert made.leftovers == ["bot.yml"]


async def test_days_are_cut_in_the_source_s_zone() -> None:
    """From the first local midnight to a millisecond before the one after the last day."""
    berlin = replace(DAYS, first=date(2026, 10, 25), last=date(2026, 10, 25))
    settings = load(None, demonstration(WORLD, BOTS, "http://127.0.0.1:1"), platforms())
    zone = chatbot(settings, None).target.rules.zone
    assert dict(job.start("b/c", berlin, zone).params) == {
        "from": "2026-10-25T00:00:00.000Z",
        "to": "2026-10-25T23:59:59.999Z",
    }
    assert job.start("b/c", berlin, zone).path == "/v1/chatbots/b%2Fc/statistics/export"
