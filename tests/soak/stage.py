"""The processes of a soak: the simulated platforms, which may freeze or be gone, and the exporter that polls them."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from exporter.simulator.chatcaptain.bots import Bots, Chatbot
from exporter.simulator.paradigm.world import World
from tests import loopback
from tests.e2e.commands import COMMAND
from tests.e2e.programs import answers, end, free_port, wait_for

PARADIGM, CHATCAPTAIN, GUEST = "paradigm", "chatcaptain", "guest"
PATIENCE_S = 60.0
GRACE_S = 10.0
ASK_S = 0.5


class Program:
    """One process of ours that answers at `url`."""

    def __init__(self, command: Sequence[str | Path], url: str, log: Path) -> None:
        self.url = url
        self.log = log
        self._command = command
        self.start()

    def start(self) -> None:
        """Starts it, and returns when it answers."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        wait_for(self._has_answered, f"{self._command[1:3]} to answer", PATIENCE_S)

    def _has_answered(self) -> bool:
        if self.process.poll() is not None:
            raise ChildProcessError(f"ended with {self.process.returncode}: {self.log.read_text()[-2000:]}")
        return answers(self.url)

    def tell(self, what: signal.Signals) -> None:
        """Sends a signal."""
        self.process.send_signal(what)

    def end(self) -> int:
        """Ends it, frozen or not, and returns its exit status."""
        self.process.send_signal(signal.SIGCONT)
        end(self.process, GRACE_S)
        return self.process.returncode


class Stage:
    """Platforms of `companies` companies and one chatbot, and an exporter that polls both every `interval` seconds."""

    def __init__(self, folder: Path, companies: int, interval: float, seed: int) -> None:
        self.world = World.from_seed(seed, companies)
        self.bot: Chatbot = Bots.from_seed(seed).chatbots[0]
        self.platform_url, self.exporter_url = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        self._config = folder / "exporter.yml"
        self._configured = 0
        self.configure()
        options = (f"--companies={companies}", f"--seed={seed}", f"--listen-address={self.platform_url[7:]}")
        command: list[str | Path] = [COMMAND, "simulate", *options]
        self.platform = Program(command, f"{self.platform_url}/control", folder / "simulate.log")
        command = [sys.executable, "-m", "tests.soak.program", self._config, self.exporter_url[7:], str(interval)]
        self.exporter = Program(command, f"{self.exporter_url}/-/healthy", folder / "exporter.log")

    def configure(self, *, guest: bool = False) -> None:
        """Writes the configuration, each time with another limit, with or without a third source."""
        self._configured += 1
        poll = "{timeout: 4s, jitter: 20%, requests_per_minute: 60000}"
        account = f"platform: paradigm, base_url: '{self.platform_url}', api_key: {self.world.keys.admin}, poll: {poll}"
        bot = f"platform: chatcaptain, base_url: '{self.platform_url}', chatbot_id: {self.bot.id}, company: Bot"
        lines = [
            f"  {PARADIGM}: {{{account}}}",
            f"  {CHATCAPTAIN}: {{{bot}, api_key: {self.bot.key}, poll: {poll}}}",
            *([f"  {GUEST}: {{{account}}}"] if guest else []),
        ]
        limit = f"- {{company: '*', activity: user_queries, below: {self._configured}}}"
        self._config.write_text("\n".join(["sources:", *lines, "thresholds:", f"  {limit}", ""]))

    def reload(self, *, guest: bool) -> None:
        """Has the exporter read another configuration."""
        self.configure(guest=guest)
        self.exporter.tell(signal.SIGHUP)

    def page(self) -> str:
        """Returns what is served."""
        return loopback.get(f"{self.exporter_url}/metrics").raise_for_status().text

    def control(self, **wanted: object) -> None:
        """Sets clock or scenarios of the platforms."""
        loopback.post(f"{self.platform_url}/control", json=wanted, timeout=GRACE_S).raise_for_status()

    def close(self) -> int:
        """Ends everything and returns the exporter's exit status."""
        status = self.exporter.end()
        self.platform.end()
        return status


def until(condition: Callable[[], bool], patience_s: float) -> bool:
    """Asks now and then until it is true or patience ends; returns the last answer."""
    deadline = time.monotonic() + patience_s
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(ASK_S)
    return found
