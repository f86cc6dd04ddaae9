"""Reloads the configuration at SIGHUP or `/-/reload`; a wrong one is reported and changes nothing."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

from exporter.app.running_sources import Sources
from exporter.domain.errors import ConfigError
from exporter.domain.threads import FileStamp, file_stamp, in_time
from exporter.exposition.telemetry import ConfigGauges
from exporter.settings import Settings
from exporter.web.status.problems import FailedReload

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Reloader:
    """Applies the current configuration, one reload at a time; `read` may block and raises ConfigError.

    `settings` are those at the start. `took_effect` is called with new ones once the sources run with them.
    `failed_reload` says why the last reload failed, if it did.
    """

    settings: Settings
    read: Callable[[], Settings]
    sources: Sources
    gauges: ConfigGauges
    now: Callable[[], datetime]
    took_effect: Callable[[Settings], Awaitable[None]]
    failed_reload: FailedReload | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _watched: tuple[Path | None, FileStamp] = field(init=False)

    def __post_init__(self) -> None:
        self._watch(self.settings)

    async def reload(self) -> str:
        """Reads and applies the configuration; returns one line if that failed, else an empty text."""
        async with self._turn:
            try:
                settings = await asyncio.to_thread(self.read)
                change = await self.sources.change(settings)
            except ConfigError as error:
                return self._refused("; ".join(str(error).splitlines()))
            except Exception:
                log.exception("reload failed unexpectedly")
                return self._refused("internal error of the exporter; please report it with its log")
            try:
                await self.took_effect(settings)
            except Exception:
                log.exception("sources run with the new configuration, the state file still with the old one")
            self._watch(settings)
            self.gauges.took(settings.digest, self.now())
            self.failed_reload = None
            names = {what: ",".join(names) for what, names in change.items() if names}
            log.info("configuration reloaded", extra=names)
            return ""

    async def file_changed(self) -> bool:
        """Returns whether `thresholds_file` changed since the last call or reload."""
        path, before = self._watched
        if path is None:
            return False
        stamp = before
        with suppress(TimeoutError):
            stamp = await asyncio.to_thread(in_time, partial(file_stamp, path), path)
        self._watched = path, stamp  # also if the file is wrong, so that it is reported once
        return stamp != before

    def _watch(self, settings: Settings) -> None:
        self._watched = settings.thresholds_file, settings.thresholds_stamp

    def _refused(self, reason: str) -> str:
        self.gauges.refused()
        self.failed_reload = FailedReload(self.now(), reason)
        log.error("configuration not reloaded; the previous one stays in effect", extra={"reason": reason})
        return reason
