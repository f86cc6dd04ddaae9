"""All readers of untrusted input: decoders of both platforms, configuration, web configuration, state file."""

import shutil
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from exporter.domain.errors import ConfigError, ReportError
from exporter.domain.model import Reading
from exporter.exposition.text import Format, join, write
from exporter.ledger.ledger import Asked as Covered
from exporter.ledger.ledger import Ledger, fold
from exporter.metrics.report_health import families
from exporter.metrics.report_view import view
from exporter.metrics.target import Health, ReportState
from exporter.platforms.api import Discovery
from exporter.platforms.chatcaptain import export_job
from exporter.platforms.registry import platforms
from exporter.polling import state_format
from exporter.polling.state_file import StateFile
from exporter.polling.state_format import Section
from exporter.settings import definitions, load
from exporter.web.server.web_config import LiveWebConfig
from tests.certificates import self_signed
from tests.fuzz.formats import JSON, STATE, YAML, Form
from tests.fuzz.responses import (
    CONTEXT,
    DAYS,
    NOW,
    TODAY,
    ValidResponse,
    chatcaptain_responses,
    export_responses,
    paradigm_responses,
)
from tests.pipeline.pipeline import RULES, target_with

HERE = Path(__file__).parent
WEB = HERE.parent / "web" / "web_config"
HOURLY = Health(timedelta(hours=1), last_attempt=NOW, last_success=NOW, read_at=NOW, outcome="ok", history=True)

FINGERPRINT = {"base_url": "https://paradigm.example"}

Read = Callable[[bytes], object]
"""Reads bytes as the exporter does; returns the result."""


class Seed(NamedTuple):
    """A valid input and its reader."""

    content: bytes
    read: Read


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of input, the exporter's own `errors` for it, and valid `seeds`."""

    name: str
    form: Form
    errors: tuple[type[Exception], ...]
    seeds: tuple[Seed, ...]


async def targets(folder: Path) -> tuple[Target, ...]:
    """Returns all targets; files are written in `folder`."""
    kinds: dict[str, list[Seed]] = defaultdict(list)
    for response in (*await paradigm_responses(), *await chatcaptain_responses()):
        kinds[response.what].append(Seed(response.body, partial(read_response, response)))
    exports = await export_responses()
    kinds["export started"] = [Seed(body, export_job.started) for body in exports["started"]]
    kinds["export progress"] = [Seed(body, export_job.progress) for body in exports["progress"]]
    found = [Target(name, JSON, (ReportError,), tuple(seeds)) for name, seeds in kinds.items()]
    return (*found, _settings(folder), _definition(folder), _web_config(folder), await _state(folder))


def read_response(response: ValidResponse, body: bytes) -> bytes | Mapping[str, Discovery]:
    """Decodes a response and renders it as a poll does; returns the exposition, or the discoveries."""
    decoded = response.report.decode(body, response.request, CONTEXT)
    return page(response, _state_of(response, decoded)) if isinstance(decoded, Reading) else decoded.discoveries


def _state_of(response: ValidResponse, decoded: Reading) -> ReportState:
    covered = Covered(response.request.days, TODAY, NOW, 45)
    ledger = fold(Ledger(), decoded, covered, lambda _identity, _name: True)
    return ReportState(ledger, HOURLY, listed=decoded.names)


def page(response: ValidResponse, state: ReportState) -> bytes:
    """Returns the rendered report in both formats."""
    pages = join(write(family) for family in families(view(target_with(), response.report, state, NOW)))
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
    """Returns the target of the state file: a damaged one is no error, but logged."""
    states: dict[str, ReportState] = {}
    reports: dict[str, ValidResponse] = {}
    for response in (*await paradigm_responses(), *await chatcaptain_responses()):
        decoded = response.report.decode(response.body, response.request, CONTEXT)
        if isinstance(decoded, Reading) and response.what not in reports:
            states[response.what], reports[response.what] = (
                replace(_state_of(response, decoded), to_refresh=(DAYS,)),
                response,
            )

    path = folder / "state"

    def read(content: bytes) -> bytes:
        """Restores the state as at a start, renders it, and saves it again."""
        path.write_bytes(content)
        found = StateFile(path, lambda: NOW).store("s", FINGERPRINT, RULES).load()
        pages = [page(reports[report], state) for report, state in found.items() if report in reports]
        return b"".join([*pages, *state_format.encoded({"s": Section({}, 45, found)})])

    digests = {name: sha256(value.encode()).hexdigest() for name, value in FINGERPRINT.items()}
    kept = {"s": Section(digests, RULES.keep_days, dict(list(states.items())[:6]))}
    return Target("state file", STATE, (), (Seed(b"".join(state_format.encoded(kept)), read),))
