"""The blocks of docs/alerting.md, "Deliver to Slack", deliver a message on loopback."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e import programs
from tests.oncall import shipped
from tests.oncall.amtool import program
from tests.oncall.inbox import receiving

SECTION = (shipped.ROOT / "docs" / "alerting.md").read_text().partition("## Deliver to Slack")[2].partition("\n## ")[0]
SET_UP, START, SEND, ASK = re.findall(r"^```sh\n(.*?)^```$", SECTION, re.DOTALL | re.MULTILINE)
PORTS = ("alertmanager", "prometheus")
STUB = '#!/bin/sh\nexec {program} "$@" --web.listen-address={address}\n'
"""The program with a free port, since tests run in parallel."""


@pytest.mark.e2e
def test_the_documented_steps_deliver_a_message_to_slack(tmp_path: Path) -> None:
    stubs, folder = tmp_path / "bin", tmp_path / "here"
    stubs.mkdir()
    folder.mkdir()
    addresses = {name: f"127.0.0.1:{programs.free_port()}" for name in PORTS}
    for name in ("amtool", "promtool", *PORTS):
        if name in PORTS:
            (stubs / name).write_text(STUB.format(program=program(name, "trixie"), address=addresses[name]))
            (stubs / name).chmod(0o755)
        else:
            (stubs / name).symlink_to(program(name, "trixie"))
    environ = {**os.environ, "PATH": f"{stubs}:{os.environ['PATH']}", "REPO": str(shipped.ROOT)}

    def run(block: str, typed: str = "") -> str:
        script = ["bash", "-euo", "pipefail", "-c", block.replace("localhost:9093", addresses["alertmanager"])]
        done = subprocess.run(
            script, cwd=folder, env=environ, input=typed, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    with receiving() as inbox:
        run(SET_UP, f"{inbox.url}/slack")
        file = folder / "alertmanager.yml"
        file.write_text(file.read_text().replace("group_wait: 30s", "group_wait: 0s"))
        script = f"cd {folder} && trap 'kill $(jobs -p)' TERM\n{START}\nwait; wait"
        started = ["env", f"PATH={environ['PATH']}", "bash", "-c", script]
        ready = f"http://{addresses['alertmanager']}/-/ready"
        with programs.running(started, tmp_path / "log", lambda: programs.answers(ready)):
            run(SEND)
            [body] = programs.wait_for(lambda: inbox.posted.get("slack", []), "a message in Slack", 20)
            assert run(ASK) == "chat-usage-account-team,chat-usage-tickets\n"
    assert "A test of the route to Slack." in str(body)
