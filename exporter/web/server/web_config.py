"""Holds the current web configuration, and rereads it when one of its files has changed.

A file that cannot be used changes nothing, and the log says why.
"""

import logging
import ssl
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path

from exporter.domain.blocking import FileStamp, file_stamp, in_daemon, result_in_time
from exporter.domain.errors import ConfigError
from exporter.web.server import tls
from exporter.web.server.web_config_file import OPEN, WebConfig, read

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""How long a request waits for the file system, once."""
Stamp = tuple[FileStamp, ...]


class LiveWebConfig:
    """The current `config` and TLS `context` (None: plain HTTP); without a path anybody may connect.

    ConfigError if the file, or a certificate that it names, cannot be used.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self.config: WebConfig = OPEN
        self.context: ssl.SSLContext | None = None
        self._files: tuple[Path, ...] = ()
        self._stamp: Stamp = ()
        self._looking: Future[Stamp] | None = None
        if path is not None:
            self._take(path)
            self._stamp = _stamp(self._files)

    def current(self) -> WebConfig:
        """Returns the configuration for a request, after a look at the file."""
        if self._path is not None and self._look(self._files[:1]) != self._stamp[:1]:
            self.refresh()
        return self.config

    def refresh(self) -> None:
        """Applies changes of the files, certificates included."""
        stamp = self._look(self._files)
        if self._path is None or stamp == self._stamp:
            return
        self._stamp = stamp  # also of a file that is wrong: it is reported once
        try:
            self._take(self._path)
        except ConfigError as error:
            reason = "; ".join(str(error).splitlines())
            log.error("web configuration not changed", extra={"reason": reason})  # noqa: TRY400 - one line, no traceback
            return
        self._stamp = _stamp(self._files)
        log.info("web configuration changed", extra={"file": str(self._path)})

    def _look(self, files: Sequence[Path]) -> Stamp:
        """Stamps files; while a file system does not answer they count as unchanged, and only the first look waits."""
        unchanged = self._stamp[: len(files)]
        if not files or (self._looking is not None and not self._looking.done()):
            return unchanged
        self._looking = in_daemon(partial(_stamp, files))
        try:
            return result_in_time(self._looking, files[0], LOOK_SECONDS)
        except TimeoutError as error:
            log.warning(
                "web configuration files could not be checked", extra={"file": str(files[0]), "reason": error.strerror}
            )
            return unchanged

    def _take(self, path: Path) -> None:
        config = read(path)
        section = config.tls_server_config
        context = None if section is None else tls.context(section)
        self.config, self.context, self._files = config, context, (path, *config.files)


def _stamp(files: Iterable[Path]) -> Stamp:
    return tuple(map(file_stamp, files))
