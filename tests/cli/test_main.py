"""Every command in this process: messages for wrong use, none of which contains a key."""

import errno
import io
import os
import re
import runpy
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import entry_points
from pathlib import Path
from threading import Event, Thread, get_ident

import pytest

from exporter import __version__
from exporter.cli import main
from exporter.cli.main import PROGRAM, run
from tests.cli.conftest import CANARY

COMMANDS = ["serve", "check", "plan", "demo", "simulate", "backfill", "export", "calendar", "metrics"]
GOOD = f"sources: {{production: {{platform: paradigm, api_key: {CANARY}}}}}\n"


@contextmanager
def busy() -> Iterator[str]:
    """Occupies a port and yields its address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield f"127.0.0.1:{taken.getsockname()[1]}"


def test_the_installed_command_is_this_one() -> None:
    """The installed script calls the function that the tests call."""
    [script] = entry_points(group="console_scripts", name=PROGRAM)

    assert script.load() is main.main


@pytest.mark.parametrize(
    ("arguments", "status"), [pytest.param(["--version"], 0, id="good"), pytest.param(["poll"], 2, id="wrong")]
)
def test_the_exit_status_is_that_of_the_process(
    arguments: list[str], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also for `python -m exporter.cli`, if the command is not on PATH."""
    monkeypatch.setattr(sys, "argv", [PROGRAM, *arguments])

    with pytest.raises(SystemExit) as caught:
        runpy.run_module("exporter.cli", run_name="__main__")
    assert caught.value.code == status


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Beginners start here; each line says what the command does."""
    assert run(["--help"]) == 0

    out, err = capsys.readouterr()
    listed = re.findall(r"^  ([a-z]+)  +\S", out.partition("Commands:")[2], re.MULTILINE)
    assert (COMMANDS, "") == (listed, err)
    assert "..." not in out.partition("Commands:")[2], "a summary is cut off"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What it does, and each of its options with its meaning."""
    assert run([command, "--help"]) == 0

    out, err = capsys.readouterr()
    options = re.findall(r"^  (--[a-z.-]+)(.*)\n(.*)", out, re.MULTILINE)
    assert out.startswith(f"Usage: {PROGRAM} {command} [OPTIONS]\n\n  ")
    assert ("", True) == (err, bool(options))
    assert all(re.search(r"  +\S+ \S|^ {20,}\S", f"{rest}\n{following}") for _, rest, following in options)


def test_the_version_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """In one line, as Prometheus programs do."""
    assert run(["--version"]) == 0
    assert capsys.readouterr() == (f"{PROGRAM} {__version__}\n", "")


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    """As an error, because nothing was done."""
    assert run([]) == 2

    out, err = capsys.readouterr()
    assert ("", True) == (out, err.startswith(f"Usage: {PROGRAM}"))


def told(status: int, capsys: pytest.CaptureFixture[str]) -> str:
    """Returns the one line of a message for wrong use, without the program's name."""
    out, err = capsys.readouterr()
    assert (2, "") == (status, out)
    [line] = err.splitlines()
    assert line.startswith(f"{PROGRAM}: ")
    assert CANARY not in line
    return line.removeprefix(f"{PROGRAM}: ")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        pytest.param(["poll"], f"No such command 'poll'; see {PROGRAM} --help", id="no command of ours"),
        pytest.param(["--config.file", "x", "serve"], "No such option: --config.file before the command; "
                     f"put options after serve; see {PROGRAM} --help", id="an option before its command"),
        pytest.param(["serve", "--bogus"], f"No such option: --bogus; see {PROGRAM} serve --help", id="no option"),
        pytest.param(["serve", "--api-key", CANARY], f"No such option: --api-key; see {PROGRAM} serve --help",
                     id="a key as an option"),
        pytest.param(["serve", f"--api-key={CANARY}"], f"No such option: --api-key; see {PROGRAM} serve --help",
                     id="a key as an option with an equals sign"),
        pytest.param(["metrics", "all"], f"Got unexpected extra argument(s) (all); see {PROGRAM} metrics --help",
                     id="an argument"),
        pytest.param(["simulate", "--listen-address", "9855"],
                     '--listen-address: "9855" is not an address; write host:port or :port, as in 127.0.0.1:9854',
                     id="no address"),
        pytest.param(["demo", "--simulate.listen-address", "x", "--web.listen-address", "127.0.0.1:0"],
                     '--simulate.listen-address: "x" is not an address; write host:port or :port, as in 127.0.0.1:9854',
                     id="no address of the platform"),
        pytest.param(["serve"], "no sources to poll; name a file that has some with --config.file, or start with "
                     f"PARADIGM_API_KEY=... {PROGRAM} serve", id="no key"),
        pytest.param(["check"], "no sources to poll; name a file that has some with --config.file, or start with "
                     f"PARADIGM_API_KEY=... {PROGRAM} serve", id="nothing to check"),
        pytest.param(["serve", "--config.file", "/no/such.yml"], "/no/such.yml: cannot be read (No such file or "
                     "directory); give --config.file the path of a file", id="a file that is not there"),
        pytest.param(["check", "--config.file", "/"], "/: cannot be read (Is a directory); give --config.file the "
                     "path of a file", id="a folder"),
        pytest.param(["serve", "--web.docs-url", "javascript:alert(1)"],
                     '--web.docs-url: "javascript:alert(1)" is not the address of a web page; write it as '
                     "https://example.org/chat-usage-exporter/docs", id="no address of a web page"),
        pytest.param(["serve", "--web.grafana-url", "grafana:3000"],
                     '--web.grafana-url: "grafana:3000" is not the address of a web page; write it as '
                     "https://grafana.example.org", id="no address of Grafana"),
        pytest.param(["simulate", "--timezone", "Nowhere"],
                     '--timezone: "Nowhere" is not a known time zone; write UTC or a name such as Europe/Paris',
                     id="no zone"),
        pytest.param(["simulate", "--timezone", "Europe"],
                     '--timezone: "Europe" is not a known time zone; did you mean "Europe/Rome"?', id="half a zone"),
        pytest.param(["simulate", "--timezone", "../x"],
                     '--timezone: "../x" is not a known time zone; write UTC or a name such as Europe/Paris',
                     id="a path as a zone"),
    ],
)  # fmt: skip
def test_wrong_use_is_one_line(arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What is wrong, where, and what to do instead; exit status 2."""
    assert told(run(arguments), capsys) == line


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["simulate", "--companies", "many"], "--companies", id="no number"),
        pytest.param(["simulate", "--keep-days", "0"], "--keep-days", id="no day"),
        pytest.param(["simulate", "--companies", "0"], "greater than or equal to 1;", id="no company"),
        pytest.param(["demo", "--companies", "10001"], "less than or equal to 10000;", id="too many companies"),
        pytest.param(["simulate", "--channels", "0"], "greater than or equal to 1;", id="no channel"),
        pytest.param(["simulate", "--channels", "201"], "less than or equal to 200;", id="too many channels"),
        pytest.param(["serve", "--log.level", "loud"], "'debug', 'info', 'warn', 'error'", id="no severity"),
        pytest.param(["serve", "--log.format", "xml"], "'logfmt', 'json'", id="no format of logs"),
        pytest.param(["metrics", "--format", "xml"], "'markdown', 'json'", id="no format of the catalogue"),
        pytest.param(["serve", "--config.file"], "requires an argument", id="an option without its value"),
        pytest.param(["simulate", "--scenario", "flood"], "known: normal, outage, slow", id="no scenario"),
        pytest.param(["demo", "--scenario", "flood"], "known: normal, outage, slow", id="no scenario of a demo"),
    ],
)
def test_wrong_values_are_one_line(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In the words of the library or the simulation, which name the valid values."""
    assert says in told(run(arguments), capsys)


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        pytest.param(["serve"], "--web.listen-address", id="serve"),
        pytest.param(["simulate"], "--listen-address", id="simulate"),
        pytest.param(["demo"], "--web.listen-address", id="demo"),
        pytest.param(
            ["demo", "--web.listen-address", "127.0.0.1:0"], "--simulate.listen-address", id="demo's platform"
        ),
    ],
)
def test_a_busy_port_is_one_line(
    arguments: list[str], option: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is running already, or another program is; the message names the option to change."""
    monkeypatch.setenv("PARADIGM_API_KEY", CANARY)
    with busy() as address:
        line = told(run([*arguments, option, address]), capsys)

    assert line == f"cannot listen on {address}: address already in use; choose another address with {option}"


SLIPS = {
    "not closed": f'sources: {{production: {{platform: paradigm, api_key: "{CANARY}}}}}',
    "two colons": f"sources:\n  production:\n    platform: paradigm\n    api_key: {CANARY}: x\n",
    "a tab": f"sources:\n  production:\n\tplatform: paradigm\n\tapi_key: {CANARY}\n",
    "a list": f"sources: {{production: {{platform: paradigm, api_key: [{CANARY}]}}}}",
    "a word more": f"sources: {{production: {{platform: paradigm, api_key: {CANARY} x}}}}",
    "a slip beside it": f"sources: {{production: {{platform: paradigm, api_key: {CANARY}, intervall: 1h}}}}",
    "misspelt": f"sources: {{production: {{platform: paradigm, api_kei: {CANARY}}}}}",
    "as the file's name": f"sources: {{production: {{platform: paradigm, api_key_file: {CANARY}}}}}",
    "as an option": f"sources: {{production: {{platform: paradigm, {CANARY}: x}}}}",
    "as the platform": f"sources: {{production: {{platform: paradigm, api_key: k, base_url: 'https://u:{CANARY}@h'}}}}",
    "in a proxy": GOOD.replace("}}", f", proxy_url: 'socks5://u:{CANARY}@proxy'}}}}"),
    "no options at all": CANARY,
}


@pytest.mark.parametrize("command", ["check", "serve"])
@pytest.mark.parametrize("content", [pytest.param(content, id=name) for name, content in SLIPS.items()])
def test_a_wrong_file_is_said_without_the_key(
    command: str, content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line per mistake, with file and line; a key on that line, or in place of a value, is not shown."""
    file = tmp_path / "exporter.yml"
    file.write_text(content)

    assert run([command, "--config.file", str(file)]) == 2

    out, err = capsys.readouterr()
    assert CANARY not in out + err
    assert all(re.match(rf"{PROGRAM}: {re.escape(str(file))}(:\d+){{1,2}}: ", line) for line in err.splitlines())
    assert ("", True) == (out, bool(err))


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        pytest.param("PARADIGM_API_KEY", f"{CANARY} x", id="a blank in the key"),
        pytest.param("PARADIGM_API_KEY", f"{CANARY}\x00".replace("\x00", "\x7f"), id="a control character in the key"),
        pytest.param("PARADIGM_BASE_URL", f"https://user:{CANARY}@paradigm.example", id="a key in the URL"),
        pytest.param("CHAT_USAGE_SOURCES__PRODUCTION__API_KEI", CANARY, id="a misspelt variable"),
        pytest.param("CHAT_USAGE_API_KEY", CANARY, id="a variable of nothing"),
        pytest.param("CHAT_USAGE_SOURCES__PRODUCTION__API_KEY_FILE", CANARY, id="a key for a file's name"),
    ],
)
def test_a_wrong_variable_is_said_without_the_key(
    variable: str, value: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each line names the variable to fix."""
    monkeypatch.setenv("PARADIGM_API_KEY", CANARY)
    monkeypatch.setenv(variable, value)

    assert run(["check"]) == 2

    out, err = capsys.readouterr()
    assert CANARY not in out + err
    assert any(line.startswith(f"{PROGRAM}: {variable}: ") for line in err.splitlines())


def test_check_describes_what_it_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Notes come first, then a line per source with its reports, and the result last."""
    monkeypatch.setenv("PARADIGM_API_KEY", CANARY)
    file = tmp_path / "exporter.yml"
    file.write_text(
        f"sources:\n  production: {{platform: paradigm, api_key: {CANARY}, timezone: Europe/Paris}}\n"
        f"  test: {{platform: paradigm, api_key: {CANARY}, base_url: 'https://test.example/',"
        " poll: {interval: 90s}, reports: [users, chat-sessions]}\n"
    )

    assert run(["check", "--config.file", str(file)]) == 0

    out, err = capsys.readouterr()
    assert err == ""
    assert out.splitlines() == [
        "PARADIGM_API_KEY is ignored, because sources are configured",
        "production: LightOn Paradigm at https://paradigm.lighton.ai, every 60 min, days of Europe/Paris, "
        "reports chat-sessions, chats-feedback, tools, used-documents, users, user-activities",
        "test: LightOn Paradigm at https://test.example, every 1.5 min, days of UTC, reports users, chat-sessions",
        "The configuration is valid.",
    ]


def test_check_counts_every_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All at once, so that one round of fixes is enough; each line names the place and the remedy."""
    file = tmp_path / "exporter.yml"
    file.write_text(
        "sources:\n  production:\n    platform: paradigma\n    api_key: replace-me\n    settle: 6 parsecs\n"
        "  test:\n    platform: paradigm\n    api_kee: x\n"
    )

    assert run(["check", "--config.file", str(file)]) == 2

    err = capsys.readouterr().err
    assert re.findall(rf"^{PROGRAM}: {re.escape(str(file))}:(\d+): sources\.(\S+): ", err, re.MULTILINE) == [
        ("3", "production.platform"),
        ("4", "production.api_key"),
        ("5", "production.settle"),
        ("6", "test.api_key"),
        ("8", "test.api_kee"),
    ]


class FullDisk(io.StringIO):
    """A standard output that cannot be written."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("arguments", [["metrics"], ["--version"], ["check"]], ids=lambda arguments: arguments[0])
def test_output_that_cannot_be_written_is_one_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status 1: it was used correctly and did not succeed."""
    monkeypatch.setenv("PARADIGM_API_KEY", CANARY)
    monkeypatch.setattr(sys, "stdout", FullDisk())

    assert run(arguments) == 1
    assert capsys.readouterr().err == f"{PROGRAM}: No space left on device; free space, or change where it writes\n"


# An interrupt may come between open() and `with` in Python's own pathlib: the file is then closed by its finalizer.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_ends_a_command_in_peace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C while a configuration is read from a pipe: no traceback, and not the status of a success."""
    pipe = tmp_path / "exporter.yml"
    os.mkfifo(pipe)

    ended, reader = Event(), get_ident()

    def interrupt() -> None:
        with suppress(BrokenPipeError), pipe.open("wb") as file:
            file.write(b"#" * 100_000)  # more than a pipe holds: it is being read when this is through
            signal.pthread_kill(reader, signal.SIGINT)
            ended.wait(1)  # the signal is there long before the end of the pipe

    writer = Thread(target=interrupt)
    writer.start()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    try:
        status = run(["check", "--config.file", str(pipe)])
    finally:
        ended.set()
        writer.join()
        signal.signal(signal.SIGINT, before)

    assert status == 130
    assert capsys.readouterr().err.strip() == ""


def test_serve_imports_no_other_command_and_no_decoration_of_terminals() -> None:
    """They would stay in memory as long as it runs; plugins can still import what is left out."""
    script = (
        "import sys; from exporter.cli.main import COMMANDS, program; program(['serve']);"
        "unused = {*COMMANDS.values(), 'rich', 'pygments', 'httpx._main', 'exporter.simulator'} - {COMMANDS['serve']};"
        "print(*sorted(unused & sys.modules.keys())); import rich"
    )
    found = subprocess.run((sys.executable, "-c", script), capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
