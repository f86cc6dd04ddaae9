"""`demo --stack`: backfills the demo's Prometheus, so that dashboards are not empty."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from exporter.backfill.manifest import opened
from exporter.backfill.store_client import HttpConfig
from exporter.cli.backfill.destinations import Store, ask_all
from exporter.domain.calendars import ONE_DAY, day_at
from exporter.domain.clock import utcnow
from exporter.domain.errors import StoreError
from exporter.domain.model import Days
from exporter.ledger.day_status import DayRules
from exporter.settings import Source

JOB = "chat-usage-exporter"
"""The job of the shipped configuration, so that sent and scraped samples have the same labels."""
SENT = timedelta(days=42)
RECEIVES = "--web.enable-remote-write-receiver"
KEEPS = "90d"
"""The out-of-order window and the retention of Prometheus."""


async def fill(sources: Sequence[Source], prometheus: str, tell: Callable[[str], None]) -> None:
    """Sends the six weeks up to the newest complete day, and reports when they are there, or why not.

    `backfill` sends final days only; here that would leave a confusing gap before today, and simulated days change
    little.
    """
    store = Store(f"{prometheus}/api/v1/write", HttpConfig(), Path(), {"job": JOB})
    spans = {each.name: _span(each.target.rules, utcnow()) for each in sources}
    with TemporaryDirectory(prefix="chat-usage-demo-") as folder, opened(Path(folder), {}, spans) as manifest:
        try:
            result = await ask_all(sources, manifest, store.taking, lambda _step: None)
        except StoreError as error:
            tell(f"Prometheus refused the past days: {error}")
            return
        days = manifest.span(sources[0].name)
    for each in result.failed:
        tell(f"Some past days are missing: {each}")
    tell(f"Prometheus now has the days from {days.first} to {days.last}; add it to Grafana to see them in dashboards.")


def _span(rules: DayRules, now: datetime) -> Days:
    newest = day_at(now, rules.zone) - ONE_DAY
    while rules.settled_at(newest) > now:
        newest -= ONE_DAY
    return Days(newest - SENT, newest)
