"""`demo --stack`: sends the past weeks to the Prometheus that it started, so that a first look shows days."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from exporter.backfill.manifest import Manifest, opened
from exporter.backfill.store_client import HttpConfig
from exporter.cli.backfill.destinations import Store, ask_all
from exporter.domain.calendars import day_at
from exporter.domain.clock import utcnow
from exporter.domain.errors import StoreError
from exporter.domain.model import Days
from exporter.ledger.day_status import DayRules
from exporter.settings import Source

JOB = "chat-usage-exporter"
"""The job of the shipped configuration, so that sent samples have the labels of scraped ones."""
SENT = timedelta(days=42)
RECEIVES = "--web.enable-remote-write-receiver"
KEEPS = "90d"
"""How far back Prometheus takes samples, and its retention."""


async def fill(sources: Sequence[Source], prometheus: str, tell: Callable[[str], None]) -> None:
    """Sends six weeks, up to the newest complete day, and reports when they are there, or why not.

    Of a real platform only final days are sent; a simulated one changes little, and a gap before today would
    confuse.
    """
    store = Store(f"{prometheus}/api/v1/write", HttpConfig(), Path(), {"job": JOB})
    with _manifest(sources) as manifest:
        try:
            result = await ask_all(sources, manifest, store.taking, lambda _step: None)
        except StoreError as error:
            tell(f"Prometheus does not take the past: {error}")
            return
        days = manifest.span(sources[0].name)
    for each in result.failed:
        tell(f"Part of the past is missing: {each}")
    tell(
        f"Prometheus now has the days from {days.first} to {days.last}: add it to a Grafana to see the dashboards full."
    )


@contextmanager
def _manifest(sources: Sequence[Source]) -> Iterator[Manifest]:
    """Opens a manifest that is deleted afterwards."""
    spans = {each.name: _span(each.target.rules, utcnow()) for each in sources}
    with TemporaryDirectory(prefix="chat-usage-demo-") as folder, opened(Path(folder), {}, spans) as manifest:
        yield manifest


def _span(rules: DayRules, now: datetime) -> Days:
    newest: date = day_at(now, rules.zone) - timedelta(days=1)
    while rules.settled_at(newest) > now:
        newest -= timedelta(days=1)
    return Days(newest - SENT, newest)
