"""Whose certificates are trusted."""

import ssl
from pathlib import Path

import httpx


def tls_context(ca_file: str | Path | None) -> ssl.SSLContext:
    """Returns a client's side of TLS that trusts the authorities of a file, else SSL_CERT_FILE's, else the well-known.

    The same certificates on every Python: 3.13 began to refuse what RFC 5280 wants otherwise, such as an authority's
    signature without a key identifier. Companies' own authorities, and proxies that look into TLS, make many of these,
    and every other program there takes them.

    Raises:
        OSError: a file is not there or holds no certificate.
    """
    context = httpx.create_ssl_context() if ca_file is None else ssl.create_default_context(cafile=ca_file)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
