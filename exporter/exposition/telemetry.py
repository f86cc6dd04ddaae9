"""Live self-metrics, appended by prometheus-client at each scrape.

Only what changes between polls or without one: requests, polls, build, process. What follows from the ledger is in
`exporter.metrics.report_health`; no family is in both.
"""

import platform
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from itertools import chain

import prometheus_client as client
from prometheus_client import openmetrics
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from exporter import __version__
from exporter.domain.errors import OUTCOMES
from exporter.exposition.text import END, Format

REPORT_LABELS = ("source", "report")
SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0)


class Telemetry:
    """Counts polls and requests (`exporter.http.Observer`); one per process, with a `registry` of its own."""

    def __init__(self) -> None:
        client.disable_created_metrics()  # type: ignore[no-untyped-call]  # each would be one more family of the text format
        self.registry = client.CollectorRegistry()
        counter = partial(client.Counter, registry=self.registry)
        gauge = partial(client.Gauge, registry=self.registry)
        self._polls = counter(
            "chat_usage_polls_total",
            "Polls of a report by outcome; skipped: the previous poll was still running.",
            (*REPORT_LABELS, "outcome"),
        )
        self._requests = counter(
            "chat_usage_api_requests_total",
            "Requests to a reporting API by status; error: no answer, cancelled: cut off by a reload or shutdown.",
            (*REPORT_LABELS, "code"),
        )
        self._seconds = client.Histogram(
            "chat_usage_api_request_duration_seconds",
            "Duration of requests to a reporting API, including the whole answer, in seconds.",
            REPORT_LABELS,
            buckets=SECONDS,
            registry=self.registry,
        )
        self._waits = counter(
            "chat_usage_api_retry_wait_seconds_total",
            "Seconds spent waiting before requests were retried.",
            REPORT_LABELS,
        )
        self._skew = gauge(
            "chat_usage_api_clock_skew_seconds",
            "Seconds that the platform's clock is ahead, by the Date header of its newest answer, cached or not.",
            ("source",),
        )
        self._paused_until = gauge(
            "chat_usage_api_paused_until_timestamp_seconds",
            "When requests resume after a 429 or 503 with Retry-After, in seconds since 1970; absent before the first.",
            ("source",),
        )
        self._key_expiry = gauge(
            "chat_usage_api_key_expiry_timestamp_seconds",
            "Start of the day on which the API key expires, as configured, in seconds since 1970.",
            ("source",),
        )
        self._auth_failures = counter(
            "chat_usage_web_auth_failures_total",
            "Requests with a wrong password (credentials), or one left unchecked because too many waited (too_many).",
            ("reason",),
        )
        for reason in ("credentials", "too_many"):
            self._auth_failures.labels(reason)
        self._written: dict[Format, bytes] = {}  # between polls they stay as they are
        helps = (
            "1 if the configuration was valid when last read; 0: the previous one stays in effect.",
            "When the configuration in effect was read, in seconds since 1970.",
        )
        self._reload = LastAttempt("chat_usage_config_last_reload", helps, self.changed)
        self._reload.note(False)
        self.registry.register(self._reload)
        self._config_hash = gauge(
            "chat_usage_config_hash",
            "Number (48 bits of SHA-256) that identifies the configuration in file and environment, without secrets.",
        )
        helps = (
            "1 if the last write of the state file succeeded; 0: a restart starts empty and asks the platform again.",
            "When this process last wrote the state file, in seconds since 1970; 0: never.",
        )
        self.state = LastAttempt("chat_usage_state_last_write", helps, self.changed)
        self.registry.register(self.state)
        build = gauge(
            "chat_usage_exporter_build_info",
            "Always 1; versions of the exporter and of Python.",
            ("version", "python_version"),
        )
        build.labels(__version__, platform.python_version()).set(1)
        client.PlatformCollector(registry=self.registry)
        self._process = client.CollectorRegistry()
        client.ProcessCollector(registry=self._process)
        client.GCCollector(registry=self._process)

    def changed(self) -> None:
        """Has the next scrape write all anew, also while one is written: the worker notes writes of the state file."""
        self._written = {}

    def expect(self, source: str, report: str) -> None:
        """Starts all series of a report at 0, so that `increase()` sees the first failure."""
        for outcome in OUTCOMES:
            self._polls.labels(source, report, outcome)
        self._seconds.labels(source, report)
        self._waits.labels(source, report)
        self.changed()

    def polled(self, source: str, report: str, outcome: str) -> None:
        self._polls.labels(source, report, outcome).inc()
        self.changed()

    def request(self, source: str, report: str, code: str, seconds: float) -> None:
        """Counts a request; `code` is its status, `error` or `cancelled`."""
        self._requests.labels(source, report, code).inc()
        self._seconds.labels(source, report).observe(seconds)
        self.changed()

    def waited(self, source: str, report: str, seconds: float) -> None:
        self._waits.labels(source, report).inc(seconds)
        self.changed()

    def paused(self, source: str, until: datetime) -> None:
        self._paused_until.labels(source).set(until.timestamp())
        self.changed()

    def dated(self, source: str, skew: float) -> None:
        self._skew.labels(source).set(skew)
        self.changed()

    def auth_failed(self, reason: str) -> None:
        self._auth_failures.labels(reason).inc()
        self.changed()

    def key_expires(self, source: str, moment: datetime | None) -> None:
        """Sets when the key of a source expires; None is unknown."""
        if moment is None:
            self._key_expiry.remove_by_labels({"source": source})
        else:
            self._key_expiry.labels(source).set(moment.timestamp())
        self.changed()

    def config_taken(self, digest: int, moment: datetime) -> None:
        self._config_hash.set(digest)
        self._reload.note(True, moment)

    def config_refused(self) -> None:
        self._reload.note(False)

    def forget(self, source: str, report: str | None = None) -> None:
        of_reports = (self._polls, self._requests, self._seconds, self._waits)
        for family in of_reports if report else (*of_reports, self._skew, self._paused_until, self._key_expiry):
            family.remove_by_labels({"source": source, **({"report": report} if report else {})})
        self.changed()

    def served(self) -> Iterator[Metric]:
        return chain(self.registry.collect(), self._process.collect())

    def tail(self, format_: Format) -> bytes:
        """Writes the live metrics; in OpenMetrics they end the exposition (`# EOF`)."""
        written = self._written
        if format_ not in written:
            written[format_] = _latest(self.registry, format_).removesuffix(END)
        return written[format_] + _latest(self._process, format_)


def _latest(registry: client.CollectorRegistry, format_: Format) -> bytes:
    if format_ is Format.OPENMETRICS:
        return bytes(openmetrics.exposition.generate_latest(registry))  # type: ignore[no-untyped-call]  # ships none
    return client.generate_latest(registry)


class LastAttempt(Collector):
    """Shows whether the last attempt succeeded, and when one last did; nothing before the first `note`.

    NAME_successful 1.0
    NAME_success_timestamp_seconds 1.7e+09
    """

    def __init__(self, name: str = "", helps: tuple[str, str] = ("", ""), changed: Callable[[], object] = int) -> None:
        self._families = (f"{name}_successful", helps[0]), (f"{name}_success_timestamp_seconds", helps[1])
        self._changed = changed
        self._successful: bool | None = None
        self._success_at = 0.0

    def collect(self) -> Iterator[Metric]:
        if self._successful is not None:
            for (family, text), value in zip(self._families, (self._successful, self._success_at), strict=True):
                yield GaugeMetricFamily(family, text, value)

    def note(self, successful: bool | None, at: datetime | None = None) -> None:
        """Notes an attempt; None: there is nothing to attempt."""
        self._successful = successful
        self._success_at = at.timestamp() if at else self._success_at
        self._changed()
