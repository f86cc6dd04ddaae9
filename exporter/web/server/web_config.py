"""Holds the web configuration that is in effect, and reads it again when one of its files has changed.

A file that cannot be used changes nothing: what was in effect stays, and the log says why.
"""

import logging
import ssl
from collections.abc import Iterable
from pathlib import Path

from exporter.domain.errors import ConfigError
from exporter.web.server import tls
from exporter.web.server.web_config_file import OPEN, WebConfig, read

log = logging.getLogger(__name__)

Stamp = tuple[tuple[int, int, int] | None, ...]


class LiveWebConfig:
    """What is in effect: `config`, and the `context` of TLS, None for plain HTTP. Without a path, anybody may connect.

    Raises:
        ConfigError: the file, or a certificate that it names, cannot be used.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self.config: WebConfig = OPEN
        self.context: ssl.SSLContext | None = None
        self._files: tuple[Path, ...] = ()
        self._stamp: Stamp = ()
        if path is not None:
            self._take(path)
            self._stamp = _stamp(self._files)

    def current(self) -> WebConfig:
        """Returns the configuration as it is at this moment, for a request: looks at the file before."""
        if self._path is not None and _stamp(self._files[:1]) != self._stamp[:1]:
            self.refresh()
        return self.config

    def refresh(self) -> None:
        """Takes up what has changed, certificates included."""
        stamp = _stamp(self._files)
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

    def _take(self, path: Path) -> None:
        config = read(path)
        section = config.tls_server_config
        context = None if section is None else tls.context(section)
        self.config, self.context, self._files = config, context, (path, *config.files)


def _stamp(files: Iterable[Path]) -> Stamp:
    """Returns what changes when a file does: also where a link, as of a mounted secret, points to another one."""
    return tuple(map(_stamp_of, files))


def _stamp_of(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
