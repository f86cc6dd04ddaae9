"""Reads the configuration again while the program runs; a wrong one changes nothing and shows."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from exporter.app.running_sources import Change, Sources
from exporter.domain.errors import ConfigError
from exporter.exposition.telemetry import ConfigGauges
from exporter.settings import Settings
from exporter.web.status.problems import FailedReload

log = logging.getLogger(__name__)


class Reloader:
    """Makes what is configured now take effect, one reload at a time; `read` may block and raises a ConfigError.

    `took_effect` is called with the settings once the sources run by them. `failed_reload` is why the last reload
    failed, None if it did not.
    """

    def __init__(
        self,
        read: Callable[[], Settings],
        sources: Sources,
        gauges: ConfigGauges,
        now: Callable[[], datetime],
        took_effect: Callable[[Settings], Awaitable[None]],
    ) -> None:
        self._read = read
        self._sources = sources
        self._gauges = gauges
        self._now = now
        self._took_effect = took_effect
        self._turn = asyncio.Lock()
        self.failed_reload: FailedReload | None = None

    async def reload(self) -> str:
        """Reads and applies the configuration; returns in one line why that failed, nothing if it did not."""
        async with self._turn:
            try:
                settings = await asyncio.to_thread(self._read)
                change = await self._sources.change(settings)
            except ConfigError as error:
                return self._refused("; ".join(str(error).splitlines()))
            except Exception:
                log.exception("reload broke")
                return self._refused("an error of the exporter itself; please report it with the lines of its log")
            try:
                await self._took_effect(settings)
            except Exception:
                log.exception("the sources run by the new configuration, the state file still by the old one")
            self._gauges.took(settings.digest, self._now())
            self.failed_reload = None
            log.info("configuration reloaded", extra=_log_fields(change))
            return ""

    def _refused(self, reason: str) -> str:
        self._gauges.refused()
        self.failed_reload = FailedReload(self._now(), reason)
        log.error("configuration not reloaded; the one before goes on", extra={"reason": reason})
        return reason


def _log_fields(change: Change) -> dict[str, object]:
    """Returns the names of the sources that a change adds, changes and removes, comma-separated."""
    named = {"added": change.added, "changed": change.changed, "removed": change.removed}
    return {what: ",".join(names) for what, names in named.items() if names}
