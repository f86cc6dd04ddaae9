"""A platform, a clock and an observer for the client under test; hand-written, nothing patched."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from random import Random

import httpx

from exporter.domain.clock import Clock
from exporter.domain.model import Days
from exporter.http import Client, Endpoint, RetryBudget
from exporter.platforms.api import Request
from exporter.platforms.paradigm.platform import PLATFORM
from tests.certificates import one_authority

KEY = "sk-SECRET-0123456789"
NEW_KEY = "sk-NEWER-9876543210"
BASE_URL = "https://paradigm.example/api/v2"
GOOD = b'{"metadata": {}, "reporting": []}'
REQUEST = Request(
    report="chat-sessions",
    path="/reporting/chat-sessions/",
    params={"start_date": "2026-11-17", "end_date": "2026-11-20"},
    days=Days(date(2026, 11, 17), date(2026, 11, 20)),
)
FILTERED = replace(REQUEST, params={**REQUEST.params, "company_id": "17"}, instead=REQUEST)
MAX_BODY = 100_000
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class Most(Random):
    """Chance that always gives the most, so that waits are known."""

    def uniform(self, a: float, b: float) -> float:
        return max(a, b)


@dataclass
class Time:
    """A clock that only moves when somebody sleeps."""

    passed: float = 0.0
    slept: list[float] = field(default_factory=list)
    random: Random = field(default_factory=Most)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.passed += seconds

    @property
    def clock(self) -> Clock:
        return Clock(
            monotonic=lambda: self.passed,
            now=lambda: NOON + timedelta(seconds=self.passed),
            sleep=self.sleep,
            random=self.random,
        )


@dataclass
class Notes:
    """An observer that writes down what it is told."""

    codes: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    skews: list[float] = field(default_factory=list)
    pauses: list[datetime] = field(default_factory=list)
    reports: set[str] = field(default_factory=set)

    def request(self, _source: str, report: str, code: str, seconds: float) -> None:
        self.reports.add(report)
        self.codes.append(code)
        self.seconds.append(seconds)

    def waited(self, _source: str, report: str, seconds: float) -> None:
        self.reports.add(report)
        self.waits.append(seconds)

    def paused(self, _source: str, until: datetime) -> None:
        self.pauses.append(until)

    def dated(self, _source: str, skew: float) -> None:
        self.skews.append(skew)


@dataclass
class Platform:
    """Gives its answers one after the other, the last one for ever; an exception is raised instead."""

    answers: tuple[httpx.Response | Exception, ...]
    asked: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        said = self.answers[min(len(self.asked), len(self.answers) - 1)]
        self.asked.append(request)
        if isinstance(said, Exception):
            raise said
        return httpx.Response(said.status_code, headers=said.headers, stream=Wire(said.content))

    @property
    def keys(self) -> list[str]:
        return [request.headers["Authorization"] for request in self.asked]


@dataclass
class Wire(httpx.AsyncByteStream):
    """A body as it is on the wire, `size` bytes at a time."""

    body: bytes
    size: int = 65536

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.body), self.size):
            yield self.body[start : start + self.size]


def answer(status: int = 200, body: bytes = GOOD, **headers: str) -> httpx.Response:
    """Returns an answer; `content_type="text/plain"` sets that header, None of them is set by itself."""
    response = httpx.Response(status, content=body)
    response.headers = httpx.Headers({name.replace("_", "-"): value for name, value in headers.items()})
    return response


def bearer(key: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {key}"}


def keys(*values: str | Exception) -> Callable[[], str]:
    """Returns a `key` that gives the values one after the other, the last one for ever."""
    left = list(values)

    def key() -> str:
        value = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(value, Exception):
            raise value
        return value

    return key


def endpoint(key: str | Callable[[], str] = KEY, base_url: str = BASE_URL, ca_file: str | None = None) -> Endpoint:
    return Endpoint(
        source="production", base_url=base_url, headers=bearer, key=key,
        timeout=5, max_body=MAX_BODY, requests_per_minute=600, ca_file=ca_file, remedies=PLATFORM.remedies,
    )  # fmt: skip


@dataclass
class Bench:
    """One client with everything that surrounds it; `ask` closes the client, so a bench serves one question."""

    platform: Platform | None = None
    endpoint: Endpoint = field(default_factory=endpoint)
    retry_budget: RetryBudget = field(default_factory=lambda: RetryBudget(1800))
    time: Time = field(default_factory=Time)
    notes: Notes = field(default_factory=Notes)

    def client(self) -> Client:
        transport = httpx.MockTransport(self.platform) if self.platform else None
        return Client(self.endpoint, self.notes, transport=transport, clock=self.time.clock)

    async def ask(self, request: Request = REQUEST) -> bytes:
        client = self.client()
        try:
            return await client.get(request, self.retry_budget)
        finally:
            await client.aclose()


def bench(*answers: httpx.Response | Exception, key: str | Callable[[], str] = KEY) -> Bench:
    return Bench(Platform(answers), endpoint(key, ca_file=one_authority()))
