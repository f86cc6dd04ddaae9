"""Holds the current web configuration, and rereads it when one of its files has changed."""

import logging
import ssl
from collections.abc import Mapping, Sequence
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
Stamps = Mapping[Path, FileStamp]


class LiveWebConfig:
    """The current `config` and TLS `context` (None: plain HTTP); without a path anybody may connect.

    ConfigError if the file, or a certificate that it names, cannot be used. If that happens later, nothing changes, and
    the log says why.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.config: WebConfig = OPEN
        self.context: ssl.SSLContext | None = None
        self._files: tuple[Path, ...] = ()
        self._stamps: Stamps = {}
        self._looking: Future[Stamps] | None = None
        if path is not None:
            self._take(path)

    def current(self) -> WebConfig:
        """Returns the configuration for a request, after a look at the file."""
        self._apply_changes(self._files[:1])
        return self.config

    def refresh(self) -> None:
        """Applies changes of all files, certificates included."""
        self._apply_changes(self._files)

    def _apply_changes(self, files: Sequence[Path]) -> None:
        """Rereads the configuration if one of these files has changed; a mistake is logged once.

        While a file system does not answer, its files count as unchanged, and only the first look waits for it.
        """
        if not files or (self._looking is not None and not self._looking.done()):
            return
        self._looking = in_daemon(partial(_stamps, files))
        try:
            seen = result_in_time(self._looking, files[0], LOOK_SECONDS)
        except TimeoutError as error:
            found = {"file": str(files[0]), "reason": error.strerror}
            log.warning("web configuration files could not be checked", extra=found)
            return
        if seen.items() <= self._stamps.items():
            return
        self._stamps = {**self._stamps, **seen}
        try:
            self._take(files[0])
        except ConfigError as error:
            reason = "; ".join(str(error).splitlines())
            log.error("web configuration not changed", extra={"reason": reason})  # noqa: TRY400 - one line, no traceback
            return
        log.info("web configuration changed", extra={"file": str(files[0])})

    def _take(self, path: Path) -> None:
        config = read(path)
        section = config.tls_server_config
        context = None if section is None else tls.context(section)
        self.config, self.context, self._files = config, context, (path, *config.files)
        self._stamps = _stamps(self._files)


def _stamps(files: Sequence[Path]) -> Stamps:
    return {file: file_stamp(file) for file in files}
