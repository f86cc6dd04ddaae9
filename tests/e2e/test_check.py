"""`check --probe` as a process that gets a signal while it waits for a platform."""

import signal
import socket
import subprocess
import sys

import pytest

from tests import environment
from tests.e2e import programs

COMMAND = (sys.executable, "-c", "from exporter.cli.main import main; main()", "check", "--probe")
KEY = "waiting.key"


@pytest.mark.e2e
@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_an_interrupted_probe_stops_quietly(signal_number: signal.Signals) -> None:
    """Exit status 1 within seconds, without table or traceback."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(20)
        variables = {
            **environment.plain(),
            "PARADIGM_BASE_URL": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "PARADIGM_API_KEY": KEY,
        }
        process = subprocess.Popen(COMMAND, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            connection, _ = silent.accept()
            with connection:
                process.send_signal(signal_number)
                out, err = process.communicate(timeout=10)
        finally:
            programs.end(process, grace_s=1)

    assert process.returncode == 1
    assert out.endswith(b"The configuration is valid.\n")
    said = b"chat-usage-exporter: interrupted before every report had answered\n"
    assert err == b"asking paradigm: chat-sessions\n" + said
