"""The current web configuration and its TLS context, reread when one of their files has changed."""

import asyncio
import logging
import ssl
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from exporter.domain.errors import ConfigError
from exporter.domain.threads import FileStamp, Worker, file_stamp, in_time
from exporter.web.server.web_config_file import CIPHERS, OPEN, Tls, WebConfig, read

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_CLIENTS = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}


class LiveWebConfig:
    """The current `config` and TLS `context` (None: plain HTTP); without a path anybody may connect.

    ConfigError if the file, or a certificate that it names, cannot be used. If that happens later, nothing changes, the
    log says why, and each look tries again. A look waits `seconds` for the file system.
    """

    def __init__(self, path: Path | None = None, seconds: float = LOOK_SECONDS) -> None:
        self.config: WebConfig = OPEN
        self.context: ssl.SSLContext | None = None
        self._path = path
        self._seconds = seconds
        self._stamps: Mapping[Path, FileStamp] = {}
        self._refused = ""
        self._next: asyncio.Task[None] | None = None
        self._hanging: asyncio.Task[None] | None = None
        if path is not None:
            self._take(path)
            # One for all looks, in turn: one for each would cost a scrape twice as much. Requests share a look until it
            # begins, or they would wait for each other while each look rereads a refused change.
            self._worker = Worker("web configuration")

    async def current(self) -> WebConfig:
        """Returns the configuration that the files have now.

        After a look that lasts too long, files count as unchanged until it ends, and nobody waits.
        """
        if self._path is not None and (self._hanging is None or self._hanging.done()):
            if (look := self._next) is None:
                look = self._next = asyncio.create_task(self._worker.run(partial(self._apply_changes, self._path)))
            try:
                await asyncio.wait_for(asyncio.shield(look), self._seconds)
            except TimeoutError:
                if self._hanging is None or self._hanging.done():  # else another request has noted the same
                    self._hanging = look
                    found = {"file": str(self._path), "reason": f"no answer within {self._seconds:g} s"}
                    log.warning("web configuration files could not be checked", extra=found)
        return self.config

    def _apply_changes(self, path: Path) -> None:
        """Rereads the configuration if one of its files has changed, or the last change was refused."""
        self._next = None
        if not self._refused and all(file_stamp(file) == stamp for file, stamp in self._stamps.items()):
            return
        try:
            self._take(path)
        except ConfigError as error:
            reason = "; ".join(str(error).splitlines())
            if reason != self._refused:
                log.error("web configuration not changed", extra={"reason": reason})  # noqa: TRY400 - one line, no traceback
            self._refused = reason
            return
        self._refused = ""
        log.info("web configuration changed", extra={"file": str(path)})

    def _take(self, path: Path) -> None:
        """Stamps each file before it is read: a change meanwhile is seen by the next look."""
        stamps = {path: file_stamp(path)}
        config = read(path)
        stamps |= {file: file_stamp(file) for file in config.files}
        section = config.tls_server_config
        context = None if section is None else _context(section)
        self.config, self.context, self._stamps = config, context, stamps


class _AlertingObject(ssl.SSLObject):
    """Makes asyncio send the TLS alert of a failed handshake: it only flushes output while it waits for more input."""

    outgoing: ssl.MemoryBIO
    _failed: ssl.SSLError | None = None

    def do_handshake(self) -> None:
        """After a failure, waits for the client's reaction to the alert, then raises."""
        if self._failed is not None:
            raise self._failed
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            if not self.outgoing.pending:
                raise
            self._failed = error
            raise ssl.SSLWantReadError from error


class _AlertingContext(ssl.SSLContext):
    sslobject_class = _AlertingObject

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        made = super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)
        if isinstance(made, _AlertingObject):
            made.outgoing = outgoing
        return made


def _context(tls: Tls) -> ssl.SSLContext:
    """Makes the server's TLS context; ConfigError if a certificate or key is unreadable, or they do not match."""
    made = _AlertingContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version, made.maximum_version = _VERSIONS[tls.min_version], _VERSIONS[tls.max_version]
    if not tls.prefer_server_cipher_suites:
        made.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    for file in filter(None, (tls.cert_file, tls.key_file)):
        with _naming(file):  # OpenSSL's errors do not say which of the two cannot be read
            in_time(partial(open, file, "rb"), file).close()
    with (
        _naming(f"{tls.cert_file or 'cert'} and {tls.key_file or 'key'}"),
        _as_file(tls.cert, tls.cert_file) as cert,
        _as_file(tls.key, tls.key_file) as key,
    ):
        # Without a callback OpenSSL would ask the terminal for the passphrase of an encrypted key.
        in_time(partial(made.load_cert_chain, cert, key, password=_no_passphrase), cert)
    made.verify_mode = _CLIENTS[tls.client_auth_type]
    if tls.client_ca_file or tls.client_ca:
        with _naming(tls.client_ca_file or "client_ca"):
            load = partial(made.load_verify_locations, cafile=tls.client_ca_file, cadata=tls.client_ca)
            in_time(load, tls.client_ca_file or "client_ca")
    elif made.verify_mode != ssl.CERT_NONE:
        made.load_default_certs(ssl.Purpose.CLIENT_AUTH)  # those of the system, as in exporter-toolkit
    _choose_ciphers(made, tls.cipher_suites)  # the last step, so that a refused change repeats no note in the log
    return made


def _choose_ciphers(made: ssl.SSLContext, suites: Sequence[str]) -> None:
    """Offers these TLS 1.2 suites, or only TLS 1.3 if none of them is for 1.2; those of 1.3 are always offered."""
    chosen = [CIPHERS[suite] for suite in suites if suite in CIPHERS]
    if len(chosen) < len(suites):
        log.info("cipher suites of TLS 1.3 cannot be chosen; all of them are offered")
    if chosen:
        made.set_ciphers(":".join(chosen))
    elif suites:
        made.minimum_version = ssl.TLSVersion.TLSv1_3


@contextmanager
def _naming(where: str) -> Iterator[None]:
    """Translates errors of a certificate or key into ConfigError."""
    try:
        yield
    except ssl.SSLError as error:
        words = (error.reason or "no PEM").lower().replace("_", " ")
        reason = f"cannot be used ({words}); both must be PEM, and the key must match the certificate"
    except OSError as error:
        reason = f"cannot be read ({error.strerror})"
    except ValueError as error:
        reason = str(error)
    else:
        return
    raise ConfigError(f"tls_server_config: {where}: {reason}")


def _no_passphrase() -> str:
    raise ValueError("the key is encrypted; store it without a passphrase, readable only by this user")


@contextmanager
def _as_file(inline: str | None, path: str | None) -> Iterator[str]:
    """Gives the path of a file with a PEM text, since Python's ssl loads certificate chains only from files."""
    if path is not None:
        yield path
        return
    with tempfile.NamedTemporaryFile("w") as file:  # readable by this user alone
        file.write(inline or "")
        file.flush()
        yield file.name
