"""The processes of a soak test: the simulated platforms, and the exporter that polls them."""

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
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0
CHECK_INTERVAL_S = 0.5


class Process:
    """A process that answers at `url` and can be started again."""

    def __init__(self, command: Sequence[str | Path], url: str, log: Path) -> None:
        self.url = url
        self.log = log
        self._command = command
        self.start()

    def start(self) -> None:
        """Starts the process and waits until it answers."""
        with self.log.open("ab") as output:
            self.popen = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        wait_for(self._is_ready, f"{self._command[1:3]} to answer", START_TIMEOUT_S)

    def _is_ready(self) -> bool:
        if self.popen.poll() is not None:
            raise ChildProcessError(f"ended with {self.popen.returncode}: {self.log.read_text()[-2000:]}")
        return answers(self.url)

    def send(self, number: signal.Signals) -> None:
        """Sends a signal."""
        self.popen.send_signal(number)

    def stop(self) -> int:
        """Stops the process, even if it is suspended; returns its exit status."""
        self.popen.send_signal(signal.SIGCONT)
        end(self.popen, STOP_TIMEOUT_S)
        return self.popen.returncode


class Processes:
    """Platforms with `companies` companies and a chatbot, and an exporter that polls them every `interval` seconds."""

    def __init__(self, folder: Path, companies: int, interval: float, seed: int) -> None:
        self.world = World.from_seed(seed, companies)
        self.bot: Chatbot = Bots.from_seed(seed).chatbots[0]
        self.platform_url, self.exporter_url = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        self._config = folder / "exporter.yml"
        self._configurations = 0
        self.configure()
        options = (f"--companies={companies}", f"--seed={seed}", f"--listen-address={self.platform_url[7:]}")
        command: list[str | Path] = [COMMAND, "simulate", *options]
        self.platform = Process(command, f"{self.platform_url}/control", folder / "simulate.log")
        command = [sys.executable, "-m", "tests.soak.fast_exporter", self._config, self.exporter_url[7:], str(interval)]
        self.exporter = Process(command, f"{self.exporter_url}/-/healthy", folder / "exporter.log")

    def configure(self, *, guest: bool = False) -> None:
        """Writes the configuration with a new limit, and with a third source if `guest` is set."""
        self._configurations += 1
        poll = "{timeout: 4s, jitter: 20%, requests_per_minute: 60000}"
        account = f"platform: paradigm, base_url: '{self.platform_url}', api_key: {self.world.keys.admin}, poll: {poll}"
        bot = f"platform: chatcaptain, base_url: '{self.platform_url}', chatbot_id: {self.bot.id}, company: Bot"
        lines = [
            f"  {PARADIGM}: {{{account}}}",
            f"  {CHATCAPTAIN}: {{{bot}, api_key: {self.bot.key}, poll: {poll}}}",
            *([f"  {GUEST}: {{{account}}}"] if guest else []),
        ]
        limit = f"- {{company: '*', activity: user_queries, below: {self._configurations}}}"
        self._config.write_text("\n".join(["sources:", *lines, "thresholds:", f"  {limit}", ""]))

    def reload(self, *, guest: bool) -> None:
        """Changes the configuration and reloads the exporter."""
        self.configure(guest=guest)
        self.exporter.send(signal.SIGHUP)

    def exposition(self) -> str:
        """Scrapes the exporter."""
        return loopback.get(f"{self.exporter_url}/metrics").raise_for_status().text

    def control(self, **state: object) -> None:
        """Sets clock or scenarios of the platforms."""
        loopback.post(f"{self.platform_url}/control", json=state, timeout=STOP_TIMEOUT_S).raise_for_status()

    def close(self) -> int:
        """Stops both processes; returns the exporter's exit status."""
        status = self.exporter.stop()
        self.platform.stop()
        return status


def wait_until(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Waits until the condition is true; returns False after the timeout."""
    deadline = time.monotonic() + timeout_s
    while not (is_true := condition()) and time.monotonic() < deadline:
        time.sleep(CHECK_INTERVAL_S)
    return is_true
