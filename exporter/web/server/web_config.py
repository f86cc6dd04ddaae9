"""Holds the current web configuration, and rereads it when one of its files has changed."""

import asyncio
import logging
import ssl
from collections.abc import Mapping
from functools import cached_property, partial
from pathlib import Path

from exporter.domain.errors import ConfigError
from exporter.domain.threads import FileStamp, Worker, file_stamp
from exporter.web.server import tls
from exporter.web.server.web_config_file import OPEN, WebConfig, read

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""How long a request waits for the file system, once."""


class LiveWebConfig:
    """The current `config` and TLS `context` (None: plain HTTP); without a path anybody may connect.

    ConfigError if the file, or a certificate that it names, cannot be used. If that happens later, nothing changes, and
    the log says why.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.config: WebConfig = OPEN
        self.context: ssl.SSLContext | None = None
        self._path = path
        self._stamps: Mapping[Path, FileStamp] = {}
        self._looking: asyncio.Task[None] | None = None
        if path is not None:
            self._take(path)

    async def current(self) -> WebConfig:
        """Returns the configuration, after a look at its files.

        While a file system does not answer, they count as unchanged, and only the first look waits for it.
        """
        if self._path is not None and (self._looking is None or self._looking.done()):
            self._looking = asyncio.create_task(self._worker.run(partial(self._apply_changes, self._path)))
            try:
                await asyncio.wait_for(asyncio.shield(self._looking), LOOK_SECONDS)
            except TimeoutError:
                found = {"file": str(self._path), "reason": f"no answer within {LOOK_SECONDS:g} s"}
                log.warning("web configuration files could not be checked", extra=found)
        return self.config

    @cached_property
    def _worker(self) -> Worker:
        """A thread for all looks; each in one of its own would cost a scrape twice as much."""
        return Worker("web configuration")

    def _apply_changes(self, path: Path) -> None:
        """Rereads the configuration if one of its files has changed; a mistake is logged once."""
        stamps = {file: file_stamp(file) for file in self._stamps}
        if stamps == self._stamps:
            return
        self._stamps = stamps
        try:
            self._take(path)
        except ConfigError as error:
            reason = "; ".join(str(error).splitlines())
            log.error("web configuration not changed", extra={"reason": reason})  # noqa: TRY400 - one line, no traceback
            return
        log.info("web configuration changed", extra={"file": str(path)})

    def _take(self, path: Path) -> None:
        config = read(path)
        section = config.tls_server_config
        self.context = None if section is None else tls.context(section)
        self.config = config
        self._stamps = {file: file_stamp(file) for file in (path, *config.files)}
