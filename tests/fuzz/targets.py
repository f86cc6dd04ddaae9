"""Everything that reads what others wrote: the decoders of both platforms, configuration, web configuration, state."""

import shutil
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from exporter.domain.errors import ConfigError, ReportError
from exporter.domain.model import Reading
from exporter.exposition.text import Format, join, write
from exporter.ledger.ledger import Asked as Covered
from exporter.ledger.ledger import Ledger, fold
from exporter.metrics.report_health import families
from exporter.metrics.report_view import Health
from exporter.platforms.api import Discovery
from exporter.platforms.chatcaptain import export_job
from exporter.platforms.registry import platforms
from exporter.polling import state_format
from exporter.polling.render import view
from exporter.polling.state_file import StateFile
from exporter.polling.state_format import Section
from exporter.polling.target import ReportState
from exporter.settings import definitions, load
from exporter.web.server.web_config import LiveWebConfig
from tests.certificates import self_signed
from tests.fuzz.answers import CONTEXT, DAYS, NOW, TODAY, Asked, of_chatcaptain, of_exports, of_paradigm
from tests.fuzz.formats import JSON, STATE, YAML, Form
from tests.road.road import RULES, target_with

HERE = Path(__file__).parent
WEB = HERE.parent / "web" / "web_config"
HOURLY = Health(timedelta(hours=1), last_attempt=NOW, last_success=NOW, outcome="ok", history=True)

FINGERPRINT = {"base_url": "https://paradigm.example"}

Read = Callable[[bytes], object]
"""Takes bytes all the way that they have in the program; returns what came of them."""


class Seed(NamedTuple):
    """A good input, and what reads it."""

    content: bytes
    read: Read


@dataclass(frozen=True, slots=True)
class Target:
    """One kind of input: the errors that are `ours`, and good `seeds` to make bad ones of."""

    name: str
    form: Form
    ours: tuple[type[Exception], ...]
    seeds: tuple[Seed, ...]


async def targets(folder: Path) -> tuple[Target, ...]:
    """Returns all of them; files that are read by their path are written in the `folder`."""
    kinds: dict[str, list[Seed]] = defaultdict(list)
    for asked in (*await of_paradigm(), *await of_chatcaptain()):
        kinds[asked.what].append(Seed(asked.body, partial(read_answer, asked)))
    exports = await of_exports()
    kinds["export started"] = [Seed(body, export_job.started) for body in exports["started"]]
    kinds["export progress"] = [Seed(body, export_job.progress) for body in exports["progress"]]
    found = [Target(name, JSON, (ReportError,), tuple(seeds)) for name, seeds in kinds.items()]
    return (*found, _settings(folder), _definition(folder), _web_config(folder), await _state(folder))


def read_answer(asked: Asked, body: bytes) -> bytes | Mapping[str, Discovery]:
    """Decodes an answer, holds what it says and draws it, as a poll does; returns the page, or what was learned."""
    came = asked.report.decode(body, asked.request, CONTEXT)
    return page(asked, _state_of(asked, came)) if isinstance(came, Reading) else came.discoveries


def _state_of(asked: Asked, came: Reading) -> ReportState:
    covered = Covered(asked.request.days, TODAY, NOW, 45)
    ledger = fold(Ledger(), came, covered, lambda _identity, _name: True)
    return ReportState(ledger, HOURLY, listed=came.names)


def page(asked: Asked, state: ReportState) -> bytes:
    """Returns the lines of a report's figures, in both formats."""
    pages = join(write(family) for family in families(view(target_with(), asked.report, state, NOW)))
    return pages[Format.TEXT].plain + pages[Format.OPENMETRICS].plain


def _settings(folder: Path) -> Target:
    path, known = folder / "exporter.yml", platforms()

    def read(content: bytes) -> object:
        path.write_bytes(content)
        return load(path, {}, known)

    seeds = tuple(Seed(each.read_bytes(), read) for each in sorted(HERE.glob("settings/*.yml")))
    return Target("configuration", YAML, (ConfigError,), seeds)


def _definition(folder: Path) -> Target:
    path = folder / "definition.yml"

    def read(content: bytes) -> object:
        path.write_bytes(content)
        return definitions.read(path)

    shipped = sorted((HERE.parents[1] / "config" / "platforms").iterdir())
    return Target("definition", YAML, (ConfigError,), tuple(Seed(each.read_bytes(), read) for each in shipped))


def _web_config(folder: Path) -> Target:
    path = folder / "web.yml"

    def read(content: bytes) -> object:
        path.write_bytes(content)
        return LiveWebConfig(path).config

    texts = [each.read_bytes() for each in sorted(WEB.glob("*.good.yml"))]
    has_openssl = shutil.which("openssl") is not None
    for name in ("server", "client_ca") if has_openssl else ():
        self_signed(folder, name)
    seeds = tuple(Seed(text, read) for text in texts if text.strip() and (has_openssl or b"tls" not in text))
    return Target("web configuration", YAML, (ConfigError,), seeds)


async def _state(folder: Path) -> Target:
    """Returns the state file of what the good answers come to; none is an error, a bad one is a line in the log."""
    states: dict[str, ReportState] = {}
    reports: dict[str, Asked] = {}
    for asked in (*await of_paradigm(), *await of_chatcaptain()):
        came = asked.report.decode(asked.body, asked.request, CONTEXT)
        if isinstance(came, Reading) and asked.what not in reports:
            states[asked.what], reports[asked.what] = replace(_state_of(asked, came), to_refresh=(DAYS,)), asked

    path = folder / "state"

    def read(content: bytes) -> bytes:
        """Restores it as a start does, draws what came back, and keeps it again."""
        path.write_bytes(content)
        found = StateFile(path, lambda: NOW).store("s", FINGERPRINT, RULES).load()
        pages = [page(reports[report], state) for report, state in found.items() if report in reports]
        return b"".join([*pages, *state_format.encoded({"s": Section({}, 45, found)})])

    digests = {name: sha256(value.encode()).hexdigest() for name, value in FINGERPRINT.items()}
    kept = {"s": Section(digests, RULES.keep_days, dict(list(states.items())[:6]))}
    return Target("state file", STATE, (), (Seed(b"".join(state_format.encoded(kept)), read),))
