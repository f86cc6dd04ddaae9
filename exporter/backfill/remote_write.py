"""Sends figures to a store by Prometheus remote write 1.0; retries only where that can help.

A store does not overwrite: sending the same value twice changes nothing. The message is made of Protocol Buffers by
hand (generated code and its run-time would be larger) and of snappy by cramjam:
https://prometheus.io/docs/specs/prw/remote_write_spec/
message WriteRequest { repeated TimeSeries timeseries = 1; }
message TimeSeries   { repeated Label labels = 1; repeated Sample samples = 2; }
message Label        { string name = 1; string value = 2; }
message Sample       { double value = 1; int64 timestamp = 2; }
"""

import asyncio
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from struct import pack

import cramjam
import httpx
from msgspec import Struct

from exporter.backfill.figures import EPOCH, ReportDays, Series, noon
from exporter.backfill.store_client import CUT_OFF, cut_off, reached, sent_secrets
from exporter.domain.clock import Clock
from exporter.domain.errors import StoreError
from exporter.domain.wording import one_line
from exporter.http import RetryBudget
from exporter.http.client import wait_seconds

MOST_SAMPLES = 2000  # per request: Prometheus' own default
RETRY_SECONDS = 900.0  # longest wait of the retries of one request: a store takes minutes to restart
PROBE = "chat_usage_backfill_probe"
TOO_OLD = ("too old", "out of bounds", "out of order", "outside retention", "older than")
"""Words in refusals of samples that a store will never take; Prometheus up to 2.42 sends them with status 500."""
HEADERS = {
    "Content-Encoding": "snappy",
    "Content-Type": "application/x-protobuf",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
_CREDENTIALS = "set credentials in --http.config.file"
_RECEIVER = "Prometheus takes samples at /api/v1/write if started with --web.enable-remote-write-receiver"
REMEDIES = {401: _CREDENTIALS, 403: _CREDENTIALS, 404: _RECEIVER, 405: _RECEIVER}  # by status
VARINT, FIXED64, BYTES = 0, 1, 2  # wire types
SEVEN_BITS, MORE = 0x7F, 0x80


class RemoteWrite(Struct, frozen=True):
    """One store at `url`; `added` are labels of every series; `report_wait` is called before each wait."""

    url: str
    http: httpx.AsyncClient
    clock: Clock
    added: Mapping[str, str]
    report_wait: Callable[[str], None] = lambda _words: None

    async def begin(self, oldest: date) -> None:
        """Writes one sample of a probe family on the oldest day; StoreError, with the remedy, if it is refused."""
        await self._send([Series(PROBE, {}, array("q", [noon(oldest)]), array("d", [1.0]))])

    async def take(self, _piece: ReportDays, figures: Iterable[Series]) -> None:
        """Sends figures; when it returns the store has them all, else it raises StoreError."""
        cut = batches(figures, MOST_SAMPLES)
        while batch := await asyncio.to_thread(next, cut, ()):
            await self._send(batch)

    async def _send(self, batch: Sequence[Series]) -> None:
        oldest = EPOCH + timedelta(seconds=min(each.seconds[0] for each in batch))
        body, retry_budget, attempt = encoded(batch, self.added), RetryBudget(RETRY_SECONDS), 0
        while True:
            attempt += 1
            retry_after, why = await self._try(body, oldest)
            if not why:
                return
            seconds = wait_seconds(attempt, retry_after, self.clock)
            if not retry_budget.spend(seconds):
                again = "fix the store and repeat the command to continue"
                raise StoreError(f"{reached(self.url)}: {why}, {attempt} times; {again}")
            self.report_wait(f"{reached(self.url)}: {why}; retrying in {seconds:.0f} s")
            await self.clock.sleep(seconds)

    async def _try(self, body: bytes, oldest: date) -> tuple[Sequence[str], str]:
        """Sends once; returns `Retry-After` and why to retry (empty: done); StoreError if a retry would not help."""
        try:
            answer = await self.http.post(self.url, content=body, headers=HEADERS)
        except CUT_OFF as error:
            return (), cut_off(self.url, error)
        if answer.is_success:
            return (), ""
        store = reached(self.url)
        words = one_line(sent_secrets(answer.request).in_message(answer.text))[:200] or "without a word"
        if any(each in words for each in TOO_OLD):
            days = (self.clock.now().date() - oldest).days + 1
            raise StoreError(
                f"{store}: does not take samples of {oldest} ({words}); for Prometheus set "
                f"storage.tsdb.out_of_order_time_window to {days}d or more, for Mimir the limit "
                "out_of_order_time_window, for VictoriaMetrics -retentionPeriod; or use --output and promtool"
            )
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS or answer.is_server_error:
            return answer.headers.get_list("Retry-After"), f"answered {answer.status_code} ({words})"
        remedy = REMEDIES.get(answer.status_code, "see the store's log")
        raise StoreError(f"{store}: refused the samples with {answer.status_code} ({words}); {remedy}")


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
    written: list[bytes] = []
    for each in batch:
        # The receiver takes labels in the order of their names only; an empty one is one that is not there.
        labels = sorted({"__name__": each.family, **each.labels, **added}.items())
        parts = [_message(1, _message(1, name.encode()) + _message(2, text.encode())) for name, text in labels if text]
        samples = zip(each.seconds, each.values, strict=True)
        parts += [_message(2, pack("<Bd", 1 << 3 | FIXED64, value) + _timestamp(seconds)) for seconds, value in samples]
        written.append(_message(1, b"".join(parts)))
    return bytes(cramjam.snappy.compress_raw(b"".join(written)))


@lru_cache
def _timestamp(seconds: int) -> bytes:
    """Cached: the series of a piece share their days."""
    return bytes((2 << 3 | VARINT,)) + _varint(seconds * 1000)


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
