"""Makes the TLS context of `tls_server_config`, and checks names of client certificates."""

import logging
import ssl
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from exporter.domain.errors import ConfigError
from exporter.domain.threads import in_time
from exporter.web.server.web_config_file import CIPHERS, Tls

log = logging.getLogger(__name__)

_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_CLIENTS = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}


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


def context(tls: Tls) -> ssl.SSLContext:
    """Makes the server's TLS context; ConfigError if a certificate or key is unreadable, or they do not match."""
    made = _AlertingContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version, made.maximum_version = _VERSIONS[tls.min_version], _VERSIONS[tls.max_version]
    _choose_ciphers(made, tls.cipher_suites)
    if not tls.prefer_server_cipher_suites:
        made.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    for file in (tls.cert_file, tls.key_file):
        if file is not None:
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


def is_allowed(certificate: Mapping[str, object] | None, allowed: Sequence[str]) -> bool:
    """Returns whether a verified client certificate has an allowed subject alternative name.

    As in exporter-toolkit, whole names are compared: DNS name, IP address, e-mail address or URI.
    """
    if not allowed:
        return True
    names = (certificate or {}).get("subjectAltName", ())
    return any(name in allowed for _, name in names) if isinstance(names, tuple) else False
