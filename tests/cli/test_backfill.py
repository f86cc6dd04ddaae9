"""`backfill` as an operator runs it: combinations of options, messages and exit statuses."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from threading import Thread

import pytest
from rich.console import Console

from exporter.backfill.backfill import Step
from exporter.backfill.figures import ReportDays
from exporter.cli.backfill import progress
from exporter.cli.main import run
from exporter.domain.model import Days
from exporter.simulator.paradigm.world import World
from tests import environment
from tests.e2e.commands import SEED, simulating

NEWEST = datetime.now(UTC).date() - timedelta(days=5)
"""Final already, even if the test runs over midnight."""
FIRST = NEWEST - timedelta(days=9)
SPAN = ("--from", str(FIRST), "--to", str(NEWEST))
Text = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    environment.clear(monkeypatch)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with simulating(tmp_path_factory.mktemp("platform"), "--companies=2") as url:
        yield url


@pytest.fixture
def configured(platform: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Configures the platform by the environment."""
    monkeypatch.setenv("PARADIGM_BASE_URL", platform)
    monkeypatch.setenv("PARADIGM_API_KEY", World.from_seed(SEED).keys.admin)
    return platform


@dataclass
class Store:
    """Accepts all samples but returns none; with a `status`, refuses all."""

    url: str = ""
    status: int = 0
    written: list[bytes] = field(default_factory=list)


@pytest.fixture
def store() -> Iterator[Store]:
    with served(Store()) as running:
        yield running


@contextmanager
def served(store: Store) -> Iterator[Store]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            is_query = self.path == "/api/v1/query"
            if not is_query and not store.status:
                store.written.append(body)
            answer = b'{"data": {"result": []}}' if is_query else b""
            self.send_response(store.status or (200 if is_query else 204))
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    store.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield store
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_file_is_written_once(configured: str, tmp_path: Path, capsys: Text) -> None:
    """It prints contents and next step; a second run requests nothing, and a file that was removed is not replaced."""
    file = tmp_path / "history.om"
    command = ["backfill", *SPAN, "--output", str(file), "--label", "job=x"]
    assert run(command) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith(f"{file}: ")
    assert said[0].endswith(f"families, {FIRST} to {NEWEST}")
    assert said[-1] == f"  promtool tsdb create-blocks-from openmetrics --max-block-duration=744h {file} DATA_FOLDER"
    assert file.read_text().endswith("# EOF\n")

    assert run(command) == 0
    assert "already complete" in capsys.readouterr().out
    file.unlink()
    assert run(command) == 2
    assert "was written but is missing" in capsys.readouterr().err


WRONG = {
    "nowhere": ((*SPAN,), "give --output FILE"),
    "two": ((*SPAN, "--output", "{0}/a", "--verify", "http://s"), "give --output FILE"),
    "continued file": ((*SPAN, "--output", "{0}/a", "--continue"), "--continue: needs --remote-write"),
    "kept by nobody": ((*SPAN, "--verify", "http://s", "--manifest", "{0}/m"), "--verify alone writes nothing"),
    "no manifest": ((*SPAN, "--remote-write", "http://s"), "--manifest: is missing; name a folder"),
    "no folder": ((*SPAN, "--output", "{0}/no/where"), "does not exist; create it"),
    "in the way": ((*SPAN, "--output", "{0}/there"), "exists already"),
    "no first day": (("--output", "{0}/a"), "--from: is missing; give the first day"),
    "no date": (("--from", "yesterday", "--output", "{0}/a"), "--from:"),
    "not final": (("--from", "2026-01-01", "--to", "2999-01-01", "--output", "{0}/a"), "is not final yet"),
    "backwards": (("--from", "2026-01-02", "--to", "2026-01-01", "--output", "{0}/a"), "--from: 2026-01-02 is after"),
    "begins too late": (("--from", "2999-01-01", "--output", "{0}/a"), "--from: 2999-01-01 is not final yet"),
    "no source": ((*SPAN, "--source", "other", "--output", "{0}/a"), 'there is no source "other"; known: paradigm'),
    "no label": ((*SPAN, "--output", "{0}/a", "--label", "job"), "write NAME=VALUE"),
    "our label": ((*SPAN, "--output", "{0}/a", "--label", "mode=x"), "mode is repeated or a label of the"),
    "same label": (
        (*SPAN, "--output", "{0}/a", "--label", "a=x", "--label", "a=y"),
        "a is repeated or a label of",
    ),
    "odd store": ((*SPAN, "--remote-write", "store/write", "--manifest", "{0}/m"), "must start with http"),
}


@pytest.mark.parametrize(("options", "words"), WRONG.values(), ids=WRONG)
def test_what_does_not_go_together_is_one_line(
    configured: str, tmp_path: Path, capsys: Text, options: tuple[str, ...], words: str
) -> None:
    (tmp_path / "there").touch()
    assert run(["backfill", *(option.format(tmp_path) for option in options)]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert words in line


def test_levels_have_no_past(configured: str, tmp_path: Path, capsys: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "exporter.yml").write_text(
        f"sources: {{s: {{platform: paradigm, base_url: '{configured}', api_key: k, reports: [users]}}}}"
    )
    config = ("--config.file", str(tmp_path / "exporter.yml"))
    assert run(["backfill", *config, *SPAN, "--output", str(tmp_path / "a")]) == 2
    assert "none of the configured reports has days" in capsys.readouterr().err


def test_another_question_needs_another_manifest(configured: str, tmp_path: Path, capsys: Text) -> None:
    command = ["backfill", *SPAN, "--output", str(tmp_path / "a")]
    assert run(command) == 0
    assert run([*command, "--label", "job=x"]) == 2
    assert "was started with a different --label" in capsys.readouterr().err


def test_a_store_gets_each_day_once(configured: str, tmp_path: Path, capsys: Text, store: Store) -> None:
    """A second run sends nothing; a continued one only sends days that became final since."""
    way = ("--remote-write", f"{store.url}/write", "--manifest", str(tmp_path / "m"))
    assert run(["backfill", "--from", str(FIRST), "--to", str(NEWEST - timedelta(days=2)), *way]) == 0
    first = len(store.written)
    assert first == 1 + 5  # the probe, and a batch for each report
    again = ["backfill", "--continue", "--to", str(NEWEST), *way]
    assert run(again) == 0
    assert len(store.written) == 2 * first
    assert run(again) == 0
    assert len(store.written) == 2 * first
    assert f"has all final days, {FIRST} to {NEWEST}; not read back: add --verify URL" in capsys.readouterr().out


def test_continuing_begins_where_nothing_was_begun(configured: str, tmp_path: Path, store: Store) -> None:
    way = ("--remote-write", f"{store.url}/write", "--manifest", str(tmp_path / "m"))
    assert run(["backfill", "--continue", "--from", str(FIRST), *way]) == 0
    assert len(store.written) == 6


@pytest.mark.parametrize(
    "url",
    [
        "http://user:CANARY@127.0.0.1:9/api/v1/write",
        "http://CANARY:99999/api/v1/write",
        "http://CANARY:abc/",
        "http://xn--/CANARY",
        "ftp://CANARY/",
        "CANARY",
    ],
)
@pytest.mark.parametrize("option", ["--remote-write", "--verify"])
@pytest.mark.usefixtures("configured")
def test_a_url_is_judged_before_anything_is_written(tmp_path: Path, capsys: Text, option: str, url: str) -> None:
    keeps = ("--manifest", str(tmp_path / "m")) if option == "--remote-write" else ()
    assert run(["backfill", *SPAN, option, url, *keeps]) == 2
    said = capsys.readouterr()
    assert "the URL of the store" in said.err
    assert "CANARY" not in said.err + said.out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("configured")
def test_a_token_in_a_url_is_neither_kept_nor_printed(tmp_path: Path, capsys: Text) -> None:
    """Another token still counts as another store."""
    with served(Store(status=400)) as store:
        begun = ["backfill", *SPAN, "--manifest", str(tmp_path / "m"), "--remote-write"]
        assert run([*begun, f"{store.url}?token=CANARY"]) == 1
        assert run([*begun, f"{store.url}?token=CANARY"]) == 1
        assert run([*begun, f"{store.url}?token=OTHER"]) == 2
    said = capsys.readouterr()
    assert f"{store.url}?…: refused" in said.err
    assert "CANARY" not in said.err + said.out + (tmp_path / "m" / "manifest.json").read_text()


def test_a_store_that_refuses_ends_it(configured: str, tmp_path: Path, capsys: Text) -> None:
    with served(Store(status=404)) as store:
        way = ("--remote-write", f"{store.url}/write", "--manifest", str(tmp_path / "m"))
        assert run(["backfill", *SPAN, *way]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert "--web.enable-remote-write-receiver" in line


def test_an_empty_store_differs(configured: str, capsys: Text, store: Store) -> None:
    assert run(["backfill", *SPAN, "--verify", store.url]) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("chat-usage-exporter: ")]
    assert "the store 0" in lines[0]
    assert len(lines) <= 51
    assert "sums per company and month differ" in lines[-1]
    assert store.written == []


def test_a_platform_that_refuses_ends_it(
    platform: str, tmp_path: Path, capsys: Text, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line per report, and that the same command continues."""
    monkeypatch.setenv("PARADIGM_BASE_URL", platform)
    monkeypatch.setenv("PARADIGM_API_KEY", World.from_seed(SEED).keys.expired)
    assert run(["backfill", *SPAN, "--output", str(tmp_path / "a")]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 6
    assert "repeat the command to continue" in lines[-1]
    assert not (tmp_path / "a").exists()


def steps() -> Iterator[Step]:
    for done in (31, 62, 93):
        piece = ReportDays("s", "tools", Days(date(2026, 1, 1), date(2026, 1, 31)))
        yield Step(done, 93, piece, asked=done // 31, left=3 - done // 31, seconds_left=0.0)


def ticking(by: float) -> Callable[[], float]:
    """A clock that advances by `by` seconds at each call."""
    seconds = 0.0

    def now() -> float:
        nonlocal seconds
        seconds += by
        return seconds

    return now


@pytest.mark.parametrize(("by", "lines"), [(0.1, 2), (20.0, 3)], ids=["quick", "slow"])
def test_progress_is_a_line_now_and_then(by: float, lines: int) -> None:
    """The first and the last piece, and one every ten seconds between them, with rate and time left."""
    text = StringIO()
    with progress(Console(file=text, width=200), ticking(by)) as tell:
        for step in steps():
            tell(step)
    told = text.getvalue().splitlines()
    assert len(told) == lines
    assert told[0].startswith("s: tools until 2026-01-31; 31 of 93 days, ")
    assert told[-1].endswith("0s left")


def test_progress_is_a_bar_on_a_terminal() -> None:
    text = StringIO()
    with progress(Console(file=text, width=200, force_terminal=True), ticking(1.0)) as tell:
        for step in steps():
            tell(step)
    assert "93/93" in text.getvalue()
    assert "requests/s" in text.getvalue()
