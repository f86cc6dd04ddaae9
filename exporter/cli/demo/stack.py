"""`demo --stack`: runs Prometheus and Alertmanager on loopback with the shipped files, and sends past days to one.

The files are those of config/ and alert_rules/ with other addresses and paths; receivers print what they would send.
The programs are found on PATH, write to a temporary folder only, and are ended by their process id.
"""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import typer
import yaml
from msgspec import Struct

import exporter
from exporter.app.assemble import CLOCK
from exporter.app.process import serving
from exporter.backfill.manifest import opened
from exporter.backfill.remote_write import RemoteWrite
from exporter.backfill.store_client import HttpConfig, client
from exporter.cli.backfill import ask_all
from exporter.cli.demo import receiver
from exporter.domain.calendars import ONE_DAY, day_at
from exporter.domain.clock import utcnow
from exporter.domain.errors import FailedError, StoreError
from exporter.domain.model import Days
from exporter.ledger.day_status import DayRules
from exporter.settings import Source
from exporter.web.server.server import listen, url
from exporter.web.status.page import DOCS, GRAFANA, NO_LINKS, Links

OPTION = "--stack"
PROGRAMS = ("prometheus", "alertmanager")
LOOPBACK = "127.0.0.1:0"
PAUSE_S, READY_S, END_S = 0.05, 30.0, 10.0
JOB = "chat-usage-exporter"
"""The job of the shipped configuration, so that sent and scraped samples have the same labels."""
SENT = timedelta(days=42)
KEEPS = "90d"  # the out-of-order window and the retention of Prometheus


class Stack(Struct, frozen=True):
    """The URLs that the programs are to serve on, and the folder with config/ and alert_rules/."""

    prometheus: str
    alertmanager: str
    files: Path


def find(addresses: Mapping[str, str], package: Path = Path(exporter.__file__).parent) -> Stack:
    """Finds the programs on PATH, and the shipped files: in an installed package, or beside it in a checkout.

    `addresses` to serve on are by program. FailedError says how to get what is missing; ConfigError names an address.
    """
    if missing := [name for name in PROGRAMS if shutil.which(name) is None]:
        remedy = "on Debian `make tools` fetches both and prints the PATH to set; else see prometheus.io/download"
        raise FailedError(f"{OPTION}: {' and '.join(missing)} not found on PATH; {remedy}")
    files = next((each for each in (package / "shipped", package.parent) if (each / "alert_rules").is_dir()), None)
    if files is None:
        raise FailedError(f"{OPTION}: alert_rules/ is not beside {package}; run it from a whole copy of the repository")
    prometheus, alertmanager = (_vacant(addresses[name], f"{OPTION}.{name}-address") for name in PROGRAMS)
    return Stack(prometheus, alertmanager, files)


@asynccontextmanager
async def running(
    stack: Stack, target: str, links: Links = NO_LINKS, ready_s: float = READY_S, end_s: float = END_S
) -> AsyncIterator[str]:
    """Runs the programs on `target` (the exporter's URL) and yields what to show.

    A program may take `ready_s` to get ready (else a FailedError has the end of its log) and `end_s` to end.
    """
    async with AsyncExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="chat-usage-demo-")))
        listening = closing.enter_context(listen(LOOPBACK, OPTION))
        await closing.enter_async_context(serving(receiver.create_app(typer.echo), listening))
        for path in (stack.files / "alert_rules").glob("*.yml"):
            (folder / f"rules-{path.name}").write_text(linked(path.read_text(), links))
        started = partial(_program, folder=folder, ready_s=ready_s, end_s=end_s)
        alerting = receiver.delivering(_read(stack.files, "alertmanager"), stack.files, url(listening))
        store = f"--storage.path={folder}/am"
        alone = "--cluster.listen-address="  # without it, Alertmanager listens on every interface for its cluster
        await closing.enter_async_context(started("alertmanager", stack.alertmanager, alerting, store, alone))
        scraping = scrape(_read(stack.files, "prometheus"), folder, target, stack.alertmanager)
        data = (f"--storage.tsdb.path={folder}/tsdb", f"--storage.tsdb.retention.time={KEEPS}")
        receives = "--web.enable-remote-write-receiver"
        await closing.enter_async_context(started("prometheus", stack.prometheus, scraping, *data, receives))
        yield invitation(stack.prometheus, stack.alertmanager)


def linked(rules: str, links: Links) -> str:
    """Returns alert rules with the configured links in place of the examples."""
    return rules.replace(DOCS, links.docs).replace(GRAFANA, links.grafana or GRAFANA)


def scrape(config: Mapping[str, object], folder: Path, target: str, alertmanager: str) -> Mapping[str, object]:
    """Returns a Prometheus configuration with the demo's addresses and paths; it has one job and one Alertmanager."""
    (job,) = config["scrape_configs"]  # type: ignore[misc]  # YAML has no types; a test reads the shipped file
    alerting = {"alertmanagers": [{"static_configs": [{"targets": [_address(alertmanager)]}]}]}
    jobs = [{**job, "static_configs": [{"targets": [_address(target)]}]}]  # type: ignore[has-type]  # the same
    storage = {"tsdb": {"out_of_order_time_window": KEEPS}}
    rules = [f"{folder}/rules-*.yml"]
    return {**config, "rule_files": rules, "alerting": alerting, "scrape_configs": jobs, "storage": storage}


def invitation(prometheus: str, alertmanager: str) -> str:
    """Says where the programs are, and how to get a notification soon."""
    alert = '[{"labels": {"alertname": "ChatUsageTest", "service": "chat-usage", "severity": "critical"}}]'
    return (
        f"Prometheus is at {prometheus}/alerts, Alertmanager at {alertmanager}; notifications are printed here.\n"
        "Alerts fire after 5 minutes to an hour. Pages are sent half a minute later, warnings a quarter of an hour\n"
        "later and only in office hours. To get a page soon:\n"
        f"  curl -s {alertmanager}/api/v2/alerts -H 'Content-Type: application/json' -d '{alert}'"
    )


@asynccontextmanager
async def _program(
    name: str, address: str, config: Mapping[str, object], *options: str, folder: Path, ready_s: float, end_s: float
) -> AsyncIterator[None]:
    (folder / f"{name}.yml").write_text(yaml.safe_dump(dict(config)))
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            name,
            f"--config.file={folder / name}.yml",
            f"--web.listen-address={_address(address)}",
            f"--web.external-url={address}",
            *options,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )  # its own session: only the demo gets Ctrl-C, and ends the programs in order
    try:
        if not await _is_ready(process, address, ready_s):
            last = (log.read_text(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
            raise FailedError(f"{OPTION}: {name} did not get ready: {last}")
        yield
    finally:
        await _end(process, end_s)


async def _is_ready(process: asyncio.subprocess.Process, address: str, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    async with httpx.AsyncClient(trust_env=False) as http:
        while process.returncode is None and time.monotonic() < deadline:
            with suppress(httpx.TransportError):
                if (await http.get(f"{address}/-/ready")).is_success:
                    return True
            await asyncio.sleep(PAUSE_S)
    return False


async def _end(process: asyncio.subprocess.Process, grace_s: float) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), grace_s)
    except TimeoutError:
        process.kill()
        await process.wait()


def _read(files: Path, name: str) -> Mapping[str, object]:
    found: Mapping[str, object] = yaml.safe_load((files / "config" / f"{name}.example.yml").read_text())
    return found


def _vacant(address: str, option: str) -> str:
    """Returns the URL of an address after a check that it is free; the program opens it again."""
    with listen(address, option) as listening:
        return url(listening)


def _address(base: str) -> str:
    return base.removeprefix("http://")


async def fill(sources: Sequence[Source], prometheus: str) -> None:
    """Sends the six weeks up to the newest complete day, and reports when they are there, or why not.

    `backfill` sends final days only, which would leave a gap before today; simulated days change little.
    """
    address = f"{prometheus}/api/v1/write"
    store = RemoteWrite(address, client(address, HttpConfig()), CLOCK, {"job": JOB}, partial(typer.echo, err=True))
    spans = {each.name: _span(each.target.rules, utcnow()) for each in sources}
    with tempfile.TemporaryDirectory(prefix="chat-usage-demo-") as folder, opened(Path(folder), {}, spans) as manifest:
        try:
            result = await ask_all(sources, manifest, lambda _step: None, store, store.http)
        except StoreError as error:
            typer.echo(f"Prometheus refused the past days: {error}")
            return
        days = manifest.content.spans[sources[0].name]
    for each in result.failed:
        typer.echo(f"Some past days are missing: {each}")
    typer.echo(f"Prometheus now has the days from {days.first} to {days.last}; to see dashboards, add it to Grafana.")


def _span(rules: DayRules, now: datetime) -> Days:
    newest = day_at(now, rules.zone) - ONE_DAY
    while rules.settled_at(newest) > now:
        newest -= ONE_DAY
    return Days(newest - SENT, newest)
