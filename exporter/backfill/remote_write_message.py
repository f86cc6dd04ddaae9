"""The message of Prometheus remote write 1.0: Protocol Buffers by hand, snappy by cramjam; pure.

https://prometheus.io/docs/specs/prw/remote_write_spec/: generated code and its run-time would be larger than this.
message WriteRequest { repeated TimeSeries timeseries = 1; }
message TimeSeries   { repeated Label labels = 1; repeated Sample samples = 2; }
message Label        { string name = 1; string value = 2; }
message Sample       { double value = 1; int64 timestamp = 2; }
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from struct import pack
from typing import NamedTuple

import cramjam

from exporter.backfill.figures import SUFFIX
from exporter.backfill.openmetrics_file import by_series, labels_of
from exporter.metrics.daily import DailyFigure

NAME = "__name__"
VARINT, FIXED64, BYTES = 0, 1, 2  # wire types
SEVEN_BITS, MORE = 0x7F, 0x80


class Series(NamedTuple):
    """A series: its `labels` with the name, and its samples as (seconds since 1970, figure)."""

    labels: Mapping[str, str]
    samples: Sequence[tuple[int, float]]


def series_of(figures: Iterable[DailyFigure], added: Mapping[str, str]) -> Iterator[Series]:
    for each in by_series(figures, lambda figure: {NAME: figure.measure + SUFFIX, **labels_of(figure), **added}):
        yield Series(each.series, tuple(zip(each.seconds, each.values, strict=True)))


def batches(found: Iterable[Series], most: int) -> Iterator[Sequence[Series]]:
    """Cuts series into batches of about `most` samples; a longer series is a batch of its own."""
    batch, count = list[Series](), 0
    for each in found:
        if batch and count + len(each.samples) > most:
            yield batch
            batch, count = [], 0
        batch.append(each)
        count += len(each.samples)
    if batch:
        yield batch


def encoded(batch: Iterable[Series]) -> bytes:
    """Returns the body of a request that writes these series."""
    return bytes(cramjam.snappy.compress_raw(b"".join(_message(1, _series(each)) for each in batch)))


def _series(each: Series) -> bytes:
    # The receiver takes labels in the order of their names only; an empty one is one that is not there.
    labels = (_message(1, _text(1, name) + _text(2, value)) for name, value in sorted(each.labels.items()) if value)
    return b"".join((*labels, *(_message(2, _sample(*sample)) for sample in each.samples)))


def _sample(seconds: int, value: float) -> bytes:
    return bytes((1 << 3 | FIXED64,)) + pack("<d", value) + bytes((2 << 3 | VARINT,)) + _varint(seconds * 1000)


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
