"""The message of Prometheus remote write 1.0: Protocol Buffers by hand, snappy by cramjam; pure.

https://prometheus.io/docs/specs/prw/remote_write_spec/: generated code and its run-time would be larger than this.
message WriteRequest { repeated TimeSeries timeseries = 1; }
message TimeSeries   { repeated Label labels = 1; repeated Sample samples = 2; }
message Label        { string name = 1; string value = 2; }
message Sample       { double value = 1; int64 timestamp = 2; }
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from struct import pack

import cramjam

from exporter.backfill.figures import Series

VARINT, FIXED64, BYTES = 0, 1, 2  # wire types
SEVEN_BITS, MORE = 0x7F, 0x80
_VALUE = bytes((1 << 3 | FIXED64,))


def batches(found: Iterable[Series], most: int) -> Iterator[Sequence[Series]]:
    """Cuts series into batches of about `most` samples; a longer series is a batch of its own."""
    batch, count = list[Series](), 0
    for each in found:
        if batch and count + len(each.values) > most:
            yield batch
            batch, count = [], 0
        batch.append(each)
        count += len(each.values)
    if batch:
        yield batch


def encoded(batch: Iterable[Series], added: Mapping[str, str]) -> bytes:
    """Returns the body of a request that writes these series with these labels `added` to each."""
    return bytes(cramjam.snappy.compress_raw(b"".join(_message(1, _series(each, added)) for each in batch)))


def _series(each: Series, added: Mapping[str, str]) -> bytes:
    # The receiver takes labels in the order of their names only; an empty one is one that is not there.
    labels = sorted({"__name__": each.family, **each.labels, **added}.items())
    messages = [_message(1, _text(1, name) + _text(2, value)) for name, value in labels if value]
    return b"".join(messages + list(map(_sample, each.seconds, each.values)))


def _sample(seconds: int, value: float) -> bytes:
    return _message(2, _VALUE + pack("<d", value) + _timestamp(seconds))


@lru_cache
def _timestamp(seconds: int) -> bytes:
    """Cached: the series of a piece share their days."""
    return bytes((2 << 3 | VARINT,)) + _varint(seconds * 1000)


def _text(field: int, text: str) -> bytes:
    return _message(field, text.encode())


def _message(field: int, content: bytes) -> bytes:
    return bytes((field << 3 | BYTES,)) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    """Encodes a number, seven bits a byte, lowest first; a negative int64 as two's complement."""
    number &= 0xFFFFFFFFFFFFFFFF
    written = bytearray()
    while number > SEVEN_BITS:
        written.append(number & SEVEN_BITS | MORE)
        number >>= 7
    written.append(number)
    return bytes(written)
