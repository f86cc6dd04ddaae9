"""A key that the platform refuses, over real HTTP: seen at once, asked for sparingly, healed by a new file alone."""

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.app.assemble import client_of
from exporter.app.process import serving
from exporter.domain.clock import Clock
from exporter.domain.threads import Worker
from exporter.exposition.board import Board
from exporter.exposition.telemetry import Telemetry
from exporter.platforms.registry import platforms
from exporter.polling.outputs import PollOutputs
from exporter.polling.poller import Poller
from exporter.settings import load
from exporter.simulator.app import create_app
from exporter.simulator.paradigm.world import World
from exporter.web.server.server import listen, url

pytestmark = pytest.mark.anyio

WORLD = World.from_seed(1, 3)
GOOD, EXPIRED = WORLD.keys.admin, WORLD.keys.expired
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass
class Platform:
    """The simulated platform that knows who asked; `before` runs first, and with a `status` nobody gets further."""

    app: ASGIApp
    keys: list[str] = field(default_factory=list)
    status: int | None = None
    before: Callable[[], object] = lambda: None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
            self.keys.append(dict(headers)[b"authorization"].decode().removeprefix("Bearer "))
            self.before()
        await (self.app if self.status is None else JSONResponse({"detail": "no"}, self.status))(scope, receive, send)


@dataclass
class Polled:
    """One source that is polled by hand; its key stands in `file`."""

    platform: Platform
    file: Path
    poller: Poller
    telemetry: Telemetry

    def outcomes(self) -> dict[str, float]:
        """Returns how many polls of the source ended how, without the zeros."""
        return {
            sample.labels["outcome"]: sample.value
            for family in self.telemetry.served()
            for sample in family.samples
            if sample.name == "chat_usage_polls_total" and sample.labels["source"] == "production" and sample.value
        }


@asynccontextmanager
async def polled(tmp_path: Path, key: str) -> AsyncIterator[Polled]:
    """Serves the platform on a socket and configures a source by a file, as an operator would."""
    platform = Platform(create_app(WORLD, lambda: NOON))
    file, telemetry, worker = tmp_path / "key", Telemetry(), Worker("keys")
    file.write_text(key)
    async with AsyncExitStack() as closing:
        listening = closing.enter_context(listen("127.0.0.1:0", ""))
        await closing.enter_async_context(serving(platform, listening))
        config = tmp_path / "exporter.yml"
        config.write_text(
            f"sources: {{production: {{platform: paradigm, reports: [chat-sessions], base_url: '{url(listening)}', "
            "api_key_file: key}}"
        )
        one = load(config, {}, platforms()).sources["production"]
        client = client_of(one, telemetry)
        closing.push_async_callback(client.aclose)
        closing.callback(worker.close)
        poller = Poller(one.target, client, PollOutputs(Board(), telemetry, worker), Clock(lambda: NOON, lambda: 0.0))
        await poller.start()
        yield Polled(platform, file, poller, telemetry)


async def test_a_replaced_key_file_heals_a_401_within_one_poll(tmp_path: Path) -> None:
    """Without a restart or a reload. Until then each poll asks once, and counts."""
    async with polled(tmp_path, EXPIRED) as each:
        for _ in range(3):
            await each.poller.poll()
        assert (each.platform.keys, each.outcomes()) == ([EXPIRED] * 3, {"auth": 3})

        each.file.write_text(f"{GOOD}\n")
        await each.poller.poll()

        assert each.platform.keys[3:] == [GOOD] * 2, "the poll, and the past"
        assert each.outcomes() == {"auth": 3, "ok": 1}


async def test_a_key_that_is_replaced_while_it_is_refused_is_tried_once_in_the_same_poll(tmp_path: Path) -> None:
    async with polled(tmp_path, EXPIRED) as each:
        each.platform.before = lambda: each.file.write_text(GOOD)
        await each.poller.poll()

        assert each.platform.keys[:2] == [EXPIRED, GOOD]
        assert each.outcomes() == {"ok": 1}


async def test_a_key_that_is_replaced_by_another_bad_one_is_tried_once(tmp_path: Path) -> None:
    """Two questions, whatever the file holds by then."""
    async with polled(tmp_path, EXPIRED) as each:
        each.platform.before = lambda: each.file.write_text(f"unknown-{len(each.platform.keys)}")
        await each.poller.poll()

        assert each.platform.keys == [EXPIRED, "unknown-1"]
        assert each.outcomes() == {"auth": 1}


async def test_a_key_without_the_right_asks_once_per_poll(tmp_path: Path) -> None:
    """Another key would be another person's: a 403 is no reason to read the file again within the poll."""
    async with polled(tmp_path, GOOD) as each:
        each.platform.status = 403
        each.platform.before = lambda: each.file.write_text("another")
        await each.poller.poll()

        assert (each.platform.keys, each.outcomes()) == ([GOOD], {"auth": 1})


async def test_a_key_file_that_is_gone_asks_nobody(tmp_path: Path) -> None:
    async with polled(tmp_path, GOOD) as each:
        each.file.unlink()
        await each.poller.poll()

        assert (each.platform.keys, each.outcomes()) == ([], {"auth": 1})


async def test_the_log_names_source_and_remedy_and_no_key(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with polled(tmp_path, EXPIRED) as each:
        await each.poller.poll()

    [line] = [record for record in caplog.records if record.levelno >= logging.WARNING]
    told = vars(line)
    assert (told["source"], told["outcome"]) == ("production", "auth")
    assert "put a new one into api_key_file" in told["reason"]
    assert EXPIRED not in str(told)


async def test_the_clocks_are_compared_by_real_answers(tmp_path: Path) -> None:
    """Both ends are this machine, so that its skew is less than the second that a `Date` is cut to, and the way."""
    async with polled(tmp_path, GOOD) as each:
        await each.poller.poll()

        skew = each.telemetry.registry.get_sample_value("chat_usage_api_clock_skew_seconds", {"source": "production"})
    assert skew is not None
    assert -5 < skew < 1
