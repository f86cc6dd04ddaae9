"""The network faults between exporter and platform, each with the poll outcomes that it may cause."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from random import Random

from tests.faults.fault_proxy import Fault, Response, remove_headers
from tests.scripted_server import Act, Drip, Endless, Step

MAX_BODY = 2**20
"""`poll.max_body` of the exporter under test, in bytes."""
SECOND = 1.0
TIMEOUT, CONNECTION, HTTP_ERROR, NOT_JSON = (
    frozenset({outcome}) for outcome in ("timeout", "connection", "http_error", "not_json")
)
ERROR_PAGE = b"<html><body><h1>Sorry</h1></body></html>"
Respond = Callable[[Response], tuple[Step, ...]]
"""Turns the platform's response into what is sent."""


def replace_headers(response: Response, *headers: bytes) -> bytes:
    """Returns the response's head with these headers about the body instead of its own."""
    return remove_headers(response.head, b"content-length", b"transfer-encoding", b"content-encoding") + b"".join(
        header + b"\r\n" for header in (*headers, b"")
    )


def with_encoding(encoding: bytes, compress: Callable[[bytes], bytes]) -> Respond:
    """Sends the compressed body with this Content-Encoding."""

    def respond(response: Response) -> tuple[Step, ...]:
        body = compress(response.body)
        return (replace_headers(response, b"Content-Encoding: " + encoding, b"Content-Length: %d" % len(body)) + body,)

    return respond


def with_length(length: Callable[[int], bytes]) -> Respond:
    """Sends a wrong Content-Length."""
    return lambda response: (
        replace_headers(response, b"Content-Length: " + length(len(response.body))) + response.body,
    )


def status(line: bytes, body: bytes = ERROR_PAGE, *headers: bytes) -> Respond:
    """Sends this status line and body instead of the response."""
    head = b"\r\n".join((b"HTTP/1.1 " + line, *headers, b"Content-Length: %d" % len(body), b"", b""))
    return lambda _: (head + body,)


def gzip_bomb(response: Response) -> tuple[Step, ...]:
    """Sends an endless body that unpacks to a thousand times its size."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    start = compressor.compress(b" " * MAX_BODY) + compressor.flush(zlib.Z_FULL_FLUSH)
    repeated = compressor.compress(b" " * MAX_BODY) + compressor.flush(zlib.Z_FULL_FLUSH)
    return replace_headers(response, b"Content-Encoding: gzip"), start, Endless(repeated)


def half(response: Response) -> bytes:
    """Returns the first half of the body."""
    return response.body[: len(response.body) // 2]


def chunked(response: Response) -> bytes:
    """Returns the response as one chunk, without the empty chunk that ends a body."""
    return replace_headers(response, b"Transfer-Encoding: chunked") + b"%x\r\n%s\r\n" % (
        len(response.body),
        response.body,
    )


def flapping(seed: int) -> Respond:
    """Fails in a random way, or not at all."""
    random = Random(seed)
    responses: tuple[Respond, ...] = (
        lambda _: (Act.RESET,),
        lambda _: (),
        lambda response: (response.head + half(response),),
        status(b"503 Service Unavailable"),
        lambda response: (response.content,),
        lambda response: (response.content,),
        lambda response: (response.content,),
    )

    def respond(response: Response) -> tuple[Step, ...]:
        return random.choice(responses)(response)

    return respond


def http_faults() -> Iterator[Fault]:
    """Yields the faults of HTTP and HTTPS."""
    yield Fault("connection refused", CONNECTION, refuses=True)
    yield Fault("connection not accepted", TIMEOUT, accepts_nothing=True)
    yield Fault("connection accepted, then silence", TIMEOUT, on_connect=(Act.HANG,))
    yield Fault("reset on connect", CONNECTION, on_connect=(Act.RESET,))
    yield Fault("another protocol", CONNECTION, on_connect=(b"SSH-2.0-OpenSSH_9.2\r\n\r\n" * 99, Act.HANG))
    yield Fault("no response", TIMEOUT, lambda _: (Act.HANG,))
    yield Fault("closed without a response", CONNECTION, lambda _: ())
    yield Fault("reset after the request", CONNECTION, lambda _: (Act.RESET,))
    yield from head_faults()
    yield from body_faults()
    yield from compression_faults()
    yield from error_responses()
    yield Fault("flapping", CONNECTION | HTTP_ERROR | {"ok"}, flapping(1))


def head_faults() -> Iterator[Fault]:
    """Yields faults in status line and headers."""
    yield Fault("slow headers", TIMEOUT, lambda response: (Drip(response.head, SECOND),))
    yield Fault("closed within the headers", CONNECTION, lambda response: (response.head[:40],))
    yield Fault(
        "endless headers", CONNECTION, lambda response: (replace_headers(response)[:-2], Endless(b"X: 1\r\n" * 9999))
    )
    yield Fault("endless early hints", TIMEOUT, lambda _: (Endless(b"HTTP/1.1 103 Early Hints\r\n\r\n"),))
    yield Fault("length too large", CONNECTION, with_length(lambda length: b"%d" % (length + 9)))
    yield Fault("length too small", NOT_JSON, with_length(lambda length: b"%d" % (length // 2)))
    yield Fault("length is no number", CONNECTION, with_length(lambda _: b"many"))
    yield Fault("two lengths", CONNECTION, with_length(lambda length: b"%d\r\nContent-Length: 9" % length))


def body_faults() -> Iterator[Fault]:
    """Yields faults in the body."""
    yield Fault("a byte a second", TIMEOUT, lambda response: (response.head, Drip(response.body, SECOND)))
    yield Fault("silence within the body", TIMEOUT, lambda response: (response.head + half(response), Act.HANG))
    yield Fault("reset within the body", CONNECTION, lambda response: (response.head + half(response), Act.RESET))
    yield Fault("truncated", CONNECTION, lambda response: (response.head + half(response),))
    yield Fault("truncated, without a length", NOT_JSON, lambda response: (replace_headers(response) + half(response),))
    yield Fault("last chunk missing", CONNECTION, lambda response: (chunked(response),))
    yield Fault("chunk size is no number", CONNECTION, lambda response: (chunked(response) + b"many\r\n",))
    yield Fault(
        "endless body", frozenset({"too_large"}), lambda response: (replace_headers(response), Endless(b" " * 65536))
    )
    yield Fault("empty body", NOT_JSON, lambda response: (replace_headers(response, b"Content-Length: 0"),))
    yield Fault("not UTF-8", NOT_JSON, lambda response: (replace_headers(response) + b'{"reporting": "\xff"}',))
    yield Fault("nested 100,000 levels deep", NOT_JSON, lambda response: (replace_headers(response) + b"[" * 100_000,))
    yield Fault("an error inside a 200", frozenset({"schema"}), status(b"200 OK", b'{"detail": "no"}'))
    yield Fault(
        "each response sent twice", frozenset({"ok"}), lambda response: (response.content * 2,), keep_alive=True
    )


def compression_faults() -> Iterator[Fault]:
    """Yields faults of compressed bodies."""
    yield Fault("gzip bomb", frozenset({"too_large"}), gzip_bomb)
    yield Fault("truncated gzip", CONNECTION, with_encoding(b"gzip", lambda body: gzip.compress(body)[:-9]))
    yield Fault(
        "gzip with a wrong checksum", NOT_JSON, with_encoding(b"gzip", lambda body: gzip.compress(body)[:-8] + b"x" * 8)
    )
    yield Fault("gzip header without gzip", NOT_JSON, with_encoding(b"gzip", lambda body: body))
    yield Fault("br, which was not accepted", NOT_JSON, with_encoding(b"br", lambda body: body))


def error_responses() -> Iterator[Fault]:
    """Yields error statuses, and pages that are no reports."""
    yield Fault("500", HTTP_ERROR, status(b"500 Internal Server Error"))
    yield Fault("502", HTTP_ERROR, status(b"502 Bad Gateway"))
    yield Fault("503 with Retry-After", HTTP_ERROR, status(b"503 Service Unavailable", ERROR_PAGE, b"Retry-After: 45"))
    yield Fault("429 with Retry-After", frozenset({"rate_limited"}), status(b"429 Slow", b"{}", b"Retry-After: 45"))
    yield Fault("401", frozenset({"auth"}), status(b"401 Unauthorized", b"{}"))
    yield Fault("403", frozenset({"auth"}), status(b"403 Forbidden", b"{}"))
    yield Fault("404", HTTP_ERROR, status(b"404 Not Found", b"{}"))
    yield Fault("redirect", HTTP_ERROR, status(b"302 Found", b"", b"Location: https://x.example/"))
    yield Fault("login page", NOT_JSON, status(b"200 OK", ERROR_PAGE, b"Content-Type: text/html"))


def tls_faults() -> Iterator[Fault]:
    """Yields the faults of TLS."""
    yield Fault("expired certificate", CONNECTION, certificate="expired")
    yield Fault("certificate of another host", CONNECTION, certificate="other")
    yield Fault("certificate of an unknown authority", CONNECTION, certificate="unknown")
    yield Fault("handshake cut short", CONNECTION, on_connect=(b"\x16\x03\x03\x00\x7a\x02\x00", Act.RESET))


def dns_faults() -> Iterator[Fault]:
    """Yields the faults of name resolution."""
    yield Fault("unknown host name", CONNECTION)
    yield Fault("DNS server does not answer", TIMEOUT)
