"""Tests of `programs`, with small Python programs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e import programs

PARTS = Path(__file__).parents[2] / "tools" / "parts"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_program_is_gone_after_its_block(tmp_path: Path) -> None:
    """A program ends with its block."""
    with programs.running(python("import time; time.sleep(60)"), tmp_path / "log", lambda: True) as process:
        assert is_alive(process.pid)

    assert not is_alive(process.pid)


def test_a_program_is_gone_after_a_failure(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A failed test leaves no process, and its report shows the program's output."""
    log = tmp_path / "log"
    with (
        pytest.raises(AssertionError, match="the test failed"),
        programs.running(python(DEAF), log, lambda: "deaf" in log.read_text(), grace_s=0.1) as process,
    ):
        raise AssertionError("the test failed")

    assert not is_alive(process.pid)
    assert capfd.readouterr().err == f"--- log of {Path(sys.executable).name}\ndeaf\n"


def test_a_program_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    """SIGKILL follows SIGTERM after the grace period."""
    log = tmp_path / "log"
    with programs.running(python(DEAF), log, lambda: "deaf" in log.read_text(), grace_s=0.1) as process:
        pass

    assert process.returncode == -9


def test_a_program_that_ends_early_is_not_waited_for(tmp_path: Path) -> None:
    """The test fails at once with the exit status."""
    ends = programs.running(python("raise SystemExit(3)"), tmp_path / "log", lambda: False)

    with pytest.raises(ChildProcessError, match="ended with 3 before it was ready"), ends:
        pytest.fail("the block was entered")


def test_a_program_that_never_gets_ready_is_given_up(tmp_path: Path) -> None:
    """There is a timeout, and the message names what was waited for."""
    never = programs.running(python("import time; time.sleep(60)"), tmp_path / "log", lambda: False, timeout_s=0.1)

    with pytest.raises(TimeoutError, match=r"waited 0\.1 s in vain for .*python.* to get ready"), never:
        pytest.fail("the block was entered")


def test_a_missing_program_skips_its_test() -> None:
    """The reason names the command that fetches it."""
    with pytest.raises(pytest.skip.Exception, match="no-such-program not found: make tools"):
        programs.find("no-such-program")


def test_a_program_is_found_among_the_fetched_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs from `make tools` need not be on PATH."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    fetched = programs.parts() / "fetched-program"
    fetched.parent.mkdir(parents=True)
    fetched.touch(mode=0o755)

    assert programs.find("fetched-program") == fetched


def test_a_free_port_can_be_listened_on() -> None:
    """Nothing listens on a free port."""
    assert not programs.answers(f"http://127.0.0.1:{programs.free_port()}/")


def test_the_cache_is_where_the_fetching_script_puts_it(tmp_path: Path) -> None:
    """`tools/parts` and `programs` use the same folder; a complete cache is not fetched again."""
    folder = tmp_path / "chat-usage-exporter" / "parts" / "trixie"
    (folder / "debs").mkdir(parents=True)
    (folder / "debs" / "empty.deb").touch()
    (folder / "bin").mkdir()
    (folder / "bin" / "promtool").touch(mode=0o755)
    (folder / "share" / "prometheus" / "alertmanager").mkdir(parents=True)
    (folder / "share" / "prometheus" / "alertmanager" / "default.tmpl").touch()
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # the SHA-256 of nothing
    (folder / "SHA256SUMS").write_text(f"{empty}  empty.deb\n")
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}

    printed = subprocess.run([PARTS], env=environment, capture_output=True, text=True, check=True).stdout

    assert printed == f"{folder / 'bin'}\n"
