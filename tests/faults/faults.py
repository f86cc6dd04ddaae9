"""What may go wrong between exporter and platform: each fault by its name, what it does, and what a poll calls it."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from random import Random

from tests.faults.front import Answer, Fault, without
from tests.hostile import Act, Drip, Endless, Step

MAX_BODY = 2**20
"""`poll.max_body` of the exporter under test, in bytes."""
SECOND = 1.0
ON_TIME_OUT, ON_LOSS, ON_STATUS, ON_NONSENSE = (
    frozenset({outcome}) for outcome in ("timeout", "connection", "http_error", "not_json")
)
STORM = b"<html><body><h1>Sorry</h1></body></html>"
Steps = Callable[[Answer], tuple[Step, ...]]


def headed(answer: Answer, *headers: bytes) -> bytes:
    """Returns the answer's head with other headers about its body."""
    return without(answer.head, b"content-length", b"transfer-encoding", b"content-encoding") + b"".join(
        header + b"\r\n" for header in (*headers, b"")
    )


def encoded(encoding: bytes, pack: Callable[[bytes], bytes]) -> Steps:
    """Returns what sends the body packed, and calls it by the name of an encoding."""

    def steps(answer: Answer) -> tuple[Step, ...]:
        body = pack(answer.body)
        return (headed(answer, b"Content-Encoding: " + encoding, b"Content-Length: %d" % len(body)) + body,)

    return steps


def of_length(length: Callable[[int], bytes]) -> Steps:
    """Returns what says another length of the body than it has."""
    return lambda answer: (headed(answer, b"Content-Length: " + length(len(answer.body))) + answer.body,)


def status(line: bytes, body: bytes = STORM, *headers: bytes) -> Steps:
    """Returns what answers with a status of its own."""
    head = b"\r\n".join((b"HTTP/1.1 " + line, *headers, b"Content-Length: %d" % len(body), b"", b""))
    return lambda _: (head + body,)


def bomb(answer: Answer) -> tuple[Step, ...]:
    """Sends a thousand times what it says, without end."""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    start = packer.compress(b" " * MAX_BODY) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(b" " * MAX_BODY) + packer.flush(zlib.Z_FULL_FLUSH)
    return headed(answer, b"Content-Encoding: gzip"), start, Endless(again)


def cut(answer: Answer) -> bytes:
    """Returns the first half of the body."""
    return answer.body[: len(answer.body) // 2]


def chunked(answer: Answer) -> bytes:
    """Returns head and body as one chunk, without the last one, which is empty."""
    return headed(answer, b"Transfer-Encoding: chunked") + b"%x\r\n%s\r\n" % (len(answer.body), answer.body)


def flapping(seed: int) -> Steps:
    """Returns what answers now and then, and fails each time in another way."""
    chance = Random(seed)
    ways: tuple[Steps, ...] = (
        lambda _: (Act.RESET,),
        lambda _: (),
        lambda answer: (answer.head + cut(answer),),
        status(b"503 Service Unavailable"),
        lambda answer: (answer.whole,),
        lambda answer: (answer.whole,),
        lambda answer: (answer.whole,),
    )

    def steps(answer: Answer) -> tuple[Step, ...]:
        return chance.choice(ways)(answer)

    return steps


def everywhere() -> Iterator[Fault]:
    """Yields the faults that plain HTTP has, and HTTPS as well."""
    yield Fault("refused", ON_LOSS, shut=True)
    yield Fault("nobody accepts", ON_TIME_OUT, deaf=True)
    yield Fault("half open: accepted, then silence", ON_TIME_OUT, first=(Act.HANG,))
    yield Fault("reset at once", ON_LOSS, first=(Act.RESET,))
    yield Fault("another protocol", ON_LOSS, first=(b"SSH-2.0-OpenSSH_9.2\r\n\r\n" * 99, Act.HANG))
    yield Fault("silence after the question", ON_TIME_OUT, lambda _: (Act.HANG,))
    yield Fault("closed without a word", ON_LOSS, lambda _: ())
    yield Fault("reset after the question", ON_LOSS, lambda _: (Act.RESET,))
    yield from heads()
    yield from bodies()
    yield from packings()
    yield from statuses()
    yield Fault("flapping", ON_LOSS | ON_STATUS | {"ok"}, flapping(1))


def heads() -> Iterator[Fault]:
    """Yields what goes wrong before the body."""
    yield Fault("slow headers", ON_TIME_OUT, lambda answer: (Drip(answer.head, SECOND),))
    yield Fault("closed in the headers", ON_LOSS, lambda answer: (answer.head[:40],))
    yield Fault("endless headers", ON_LOSS, lambda answer: (headed(answer)[:-2], Endless(b"X: 1\r\n" * 9999)))
    yield Fault("endless early hints", ON_TIME_OUT, lambda _: (Endless(b"HTTP/1.1 103 Early Hints\r\n\r\n"),))
    yield Fault("length too large", ON_LOSS, of_length(lambda length: b"%d" % (length + 9)))
    yield Fault("length too small", ON_NONSENSE, of_length(lambda length: b"%d" % (length // 2)))
    yield Fault("length of no number", ON_LOSS, of_length(lambda _: b"many"))
    yield Fault("two lengths", ON_LOSS, of_length(lambda length: b"%d\r\nContent-Length: 9" % length))


def bodies() -> Iterator[Fault]:
    """Yields what goes wrong in the body."""
    yield Fault("a byte a second", ON_TIME_OUT, lambda answer: (answer.head, Drip(answer.body, SECOND)))
    yield Fault("silence in the body", ON_TIME_OUT, lambda answer: (answer.head + cut(answer), Act.HANG))
    yield Fault("reset in the body", ON_LOSS, lambda answer: (answer.head + cut(answer), Act.RESET))
    yield Fault("truncated", ON_LOSS, lambda answer: (answer.head + cut(answer),))
    yield Fault("truncated, of no length", ON_NONSENSE, lambda answer: (headed(answer) + cut(answer),))
    yield Fault("no last chunk", ON_LOSS, lambda answer: (chunked(answer),))
    yield Fault("chunk of no size", ON_LOSS, lambda answer: (chunked(answer) + b"many\r\n",))
    yield Fault("endless body", frozenset({"too_large"}), lambda answer: (headed(answer), Endless(b" " * 65536)))
    yield Fault("nothing", ON_NONSENSE, lambda answer: (headed(answer, b"Content-Length: 0"),))
    yield Fault("not UTF-8", ON_NONSENSE, lambda answer: (headed(answer) + b'{"reporting": "\xff"}',))
    yield Fault("nested a hundred thousand deep", ON_NONSENSE, lambda answer: (headed(answer) + b"[" * 100_000,))
    yield Fault("an error inside a 200", frozenset({"schema"}), status(b"200 OK", b'{"detail": "no"}'))
    yield Fault("each answer twice", frozenset({"ok"}), lambda answer: (answer.whole * 2,), stays=True)


def packings() -> Iterator[Fault]:
    """Yields what goes wrong with compression."""
    yield Fault("gzip bomb", frozenset({"too_large"}), bomb)
    yield Fault("gzip without its end", ON_LOSS, encoded(b"gzip", lambda body: gzip.compress(body)[:-9]))
    yield Fault(
        "gzip of another checksum", ON_NONSENSE, encoded(b"gzip", lambda body: gzip.compress(body)[:-8] + b"x" * 8)
    )
    yield Fault("gzip that is none", ON_NONSENSE, encoded(b"gzip", lambda body: body))
    yield Fault("br, which nobody asked for", ON_NONSENSE, encoded(b"br", lambda body: body))


def statuses() -> Iterator[Fault]:
    """Yields refusals, and pages instead of reports."""
    yield Fault("a storm of 500", ON_STATUS, status(b"500 Internal Server Error"))
    yield Fault("a storm of 502", ON_STATUS, status(b"502 Bad Gateway"))
    yield Fault("503 for a while", ON_STATUS, status(b"503 Service Unavailable", STORM, b"Retry-After: 45"))
    yield Fault("429 for a while", frozenset({"rate_limited"}), status(b"429 Slow", b"{}", b"Retry-After: 45"))
    yield Fault("401", frozenset({"auth"}), status(b"401 Unauthorized", b"{}"))
    yield Fault("403", frozenset({"auth"}), status(b"403 Forbidden", b"{}"))
    yield Fault("404", ON_STATUS, status(b"404 Not Found", b"{}"))
    yield Fault("moved", ON_STATUS, status(b"302 Found", b"", b"Location: https://x.example/"))
    yield Fault("a log-in page", ON_NONSENSE, status(b"200 OK", STORM, b"Content-Type: text/html"))


def of_tls() -> Iterator[Fault]:
    """Yields the faults that HTTPS alone has."""
    yield Fault("expired certificate", ON_LOSS, certificate="expired")
    yield Fault("certificate of another host", ON_LOSS, certificate="other")
    yield Fault("certificate of an unknown authority", ON_LOSS, certificate="unknown")
    yield Fault("a handshake cut short", ON_LOSS, first=(b"\x16\x03\x03\x00\x7a\x02\x00", Act.RESET))


def of_names() -> Iterator[Fault]:
    """Yields the faults of the way from a host's name to its address."""
    yield Fault("no such name", ON_LOSS)
    yield Fault("a resolver that is silent", ON_TIME_OUT)
