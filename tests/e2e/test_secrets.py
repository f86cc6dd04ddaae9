"""Secrets that are configured everywhere occur in nothing that the program emits, whatever the platforms do."""

import base64
import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import bcrypt
import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from exporter.simulator.app import create_app
from exporter.simulator.chatcaptain.bots import Bots
from exporter.simulator.chatcaptain.exports import Exports
from exporter.simulator.paradigm.world import World
from exporter.simulator.scenarios import SCENARIOS
from tests.e2e import programs
from tests.e2e.commands import COMMAND, SEED
from tests.threaded_server import echo_server, serve_in_thread

pytestmark = [pytest.mark.e2e, pytest.mark.once]

KEYS, BOT = World.from_seed(SEED).keys, Bots.from_seed(SEED).chatbots[0]
PASSWORD = "CANARY-password-5c1f"
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
CANARIES = {
    "a key in the configuration": KEYS.admin,
    "a key in a file": KEYS.company_admin,
    "a chatbot's key": BOT.key,
    "a key that is refused": "CANARY-refused-9d3a7e",
    "a key that is echoed": "CANARY-echoed-77b0aa",
    "a proxy's password": "CANARY-proxy-e41d",
    "a key that is not used": "CANARY-unused-0a9b",
    "a user's password": PASSWORD,
    "its hash": HASH,
    "a download link's signature": "signature=",
}
FORMS: tuple[Callable[[str], str], ...] = (
    str,
    quote,
    lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    lambda text: json.dumps(text)[1:-1],
)
SCENARIO = """
  {scenario}:
    {{platform: paradigm, base_url: '{platform}', api_key_file: key, reports: [users], history_days: 47}}
  {scenario}-bot: {{platform: chatcaptain, base_url: '{platform}', chatbot_id: {bot}, api_key_file: bot.key,
    reports: [overview], history_days: 47, poll: {{timeout: 2s}}}}
"""
OTHERS = """
  inline: {{platform: paradigm, base_url: '{platform}', api_key: {admin}}}
  bot: {{platform: chatcaptain, base_url: '{platform}', chatbot_id: {bot}, api_key_file: bot.key}}
  refused: {{platform: paradigm, base_url: '{platform}', api_key: CANARY-refused-9d3a7e, reports: [tools]}}
  echoed: {{platform: paradigm, base_url: '{echo}', api_key: CANARY-echoed-77b0aa, reports: [tools]}}
  echoed-bot: {{platform: chatcaptain, base_url: '{echo}', chatbot_id: x, api_key: CANARY-echoed-77b0aa}}
  good-echo: {{platform: paradigm, base_url: '{good_echo}', api_key: CANARY-echoed-77b0aa, reports: [tools]}}
  good-echo-bot: {{platform: chatcaptain, base_url: '{good_echo}', chatbot_id: x, api_key: CANARY-echoed-77b0aa}}
  behind: {{platform: paradigm, base_url: 'https://paradigm.example', api_key: {admin}, reports: [tools],
            proxy_url: 'http://me:CANARY-proxy-e41d@127.0.0.1:9'}}
state_file: state
"""
SOURCES = tuple(f"{scenario}{kind}" for scenario in SCENARIOS for kind in ("", "-bot"))
OTHER_SOURCES = ("inline", "bot", "refused", "echoed", "echoed-bot", "good-echo", "good-echo-bot", "behind")
PATHS = (
    "/",
    "/metrics",
    "/-/healthy",
    "/-/ready",
    "/-/reload",
    "/api/v1/days",
    "/api/v1/days?format=csv",
    "/api/v1/openapi.json",
    "/nowhere",
)
COMMANDS = (
    ("check",),
    ("check", "--probe"),
    ("plan",),
    ("export", "--source=echoed-bot", "--output={folder}/echoed"),
    ("export", "--source=good-echo-bot", "--output={folder}/good-echo"),
    ("backfill", "--source=echoed-bot", "--from=2026-11-01", "--output={folder}/echoed.om"),
    ("backfill", "--source=normal-bot", "--from=2026-11-01", "--to=2026-11-02", "--output={folder}/normal.om"),
    *(
        ("export", f"--source={scenario}-bot", f"--output={{folder}}/{scenario}", "--deadline=4s")
        for scenario in SCENARIOS
        if scenario.startswith("export") or scenario == "normal"
    ),
    ("export", "--source=normal-bot", "--nonsense"),
    ("serve", "--web.listen-address={taken}"),
)


@contextmanager
def platforms() -> Iterator[str]:
    """Serves the simulated platforms in a thread, each scenario below its own path."""
    world = World.from_seed(SEED, 3)
    apps = {
        name: create_app(world, lambda: datetime.now(UTC), scenarios=(name,), exports=Exports(SEED, huge=2**20))
        for name in SCENARIOS
    }
    app = Starlette(routes=[Mount(f"/{name}", app) for name, app in apps.items()])
    with serve_in_thread(app) as base:
        yield base


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Writes the keys to a configuration and to files, and runs the simulated platforms."""
    made = tmp_path_factory.mktemp("secrets")
    (made / "key").write_text(KEYS.company_admin)
    (made / "bot.key").write_text(BOT.key)
    (made / "web.yml").write_text(f"basic_auth_users: {{me: '{HASH}'}}\n")
    with platforms() as base, echo_server(418) as told:
        sources = [SCENARIO.format(scenario=name, platform=f"{base}/{name}", bot=BOT.id) for name in SCENARIOS]
        good = told.replace("/418", "/200")
        others = OTHERS.format(platform=f"{base}/normal", admin=KEYS.admin, echo=told, good_echo=good, bot=BOT.id)
        (made / "exporter.yml").write_text(f"sources:\n{''.join(sources)}{others}")
        yield made


@contextmanager
def serving(folder: Path, log_format: str) -> Iterator[tuple[str, Path, int]]:
    """Runs `serve` with debug logs until each source was polled; yields URL, log and process id."""
    address, log = f"127.0.0.1:{programs.free_port()}", folder / f"{log_format}.log"
    web = (f"--web.listen-address={address}", f"--web.config.file={folder}/web.yml", "--web.enable-lifecycle")
    talk = ("--log.level=debug", f"--log.format={log_format}")
    command: list[str | Path] = [COMMAND, "serve", f"--config.file={folder}/exporter.yml", *web, *talk]

    def was_polled() -> bool:
        said = [line for line in log.read_text().splitlines() if "polled" in line or "poll failed" in line]
        polled = {name for line in said for name in re.findall(r'source"?[=:] ?"?([\w-]+)', line)}
        return polled >= {*SOURCES, *OTHER_SOURCES}

    with programs.running(command, log, was_polled, timeout_s=120) as process:
        yield f"http://{address}", log, process.pid


def pages(base: str) -> Iterator[tuple[str, str]]:
    """Requests every page in each format with right, wrong and no credentials."""
    for auth in (("me", PASSWORD), ("me", CANARIES["a key that is refused"]), None):
        with httpx.Client(base_url=base, auth=auth, trust_env=False) as http:
            for path in PATHS:
                for accept in ("text/html", "application/openmetrics-text", "text/csv"):
                    answer = http.request("POST" if "reload" in path else "GET", path, headers={"Accept": accept})
                    yield f"{path} {accept} {auth}", f"{answer.headers}{answer.text}"


def said(command: Sequence[str], folder: Path, taken: str) -> str:
    """Returns the output of a command, both streams."""
    words = [each.format(folder=folder, taken=taken) for each in command]
    options = [] if "serve" in words else [f"--config.file={folder}/exporter.yml"]
    done = subprocess.run([COMMAND, *words, *options], capture_output=True, timeout=200, check=False)
    return f"{done.stdout.decode()}{done.stderr.decode()}"


def tables(folder: Path, taken: str) -> Mapping[str, str]:
    """Returns the output of each command."""
    with ThreadPoolExecutor(4) as pool:
        words = pool.map(lambda command: said(command, folder, taken), COMMANDS)
        return dict(zip(map(" ".join, COMMANDS), words, strict=True))


@pytest.fixture(scope="module")
def emitted(folder: Path) -> Mapping[str, str]:
    """Everything that the program emitted, by origin."""
    found: dict[str, str] = {}
    for log_format in ("json", "logfmt"):
        with serving(folder, log_format) as (base, log, pid):
            found |= pages(base)
            found[f"process list {log_format}"] = Path(f"/proc/{pid}/cmdline").read_text()
            if log_format == "json":
                found |= tables(folder, base.removeprefix("http://"))
        found |= {f"{log_format} log {number}": line for number, line in enumerate(log.read_text().splitlines(), 1)}
    found["state file"] = (folder / "state").read_bytes().decode("latin-1")
    return found


@pytest.mark.parametrize("canary", CANARIES)
def test_a_secret_occurs_nowhere(emitted: Mapping[str, str], canary: str) -> None:
    """Plain, quoted, escaped or in base64; in headers, pages, logs, tables, errors, state and process list."""
    forms = {form(CANARIES[canary]) for form in FORMS}
    assert [where for where, text in emitted.items() if any(form in text for form in forms)] == []


def test_everything_was_searched(emitted: Mapping[str, str], tell: Callable[[str], None]) -> None:
    """No output was empty, and each scenario was polled."""
    assert [where for where, text in emitted.items() if not text] == []
    tell(f"searched for {len(CANARIES)} canaries in {len(emitted)} places ({len(SCENARIOS)} scenarios): none found")
