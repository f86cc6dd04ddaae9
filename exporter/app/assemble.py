"""Builds pollers, schedule and web application from settings; the only module that knows all of them."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from msgspec import Struct
from starlette.applications import Starlette

from exporter import http as fetch
from exporter.app.interpreter import release_memory
from exporter.app.running_sources import Reloader, Running, Sources, identity
from exporter.domain.clock import Clock
from exporter.domain.threads import Worker
from exporter.exposition.board import Board
from exporter.exposition.telemetry import Telemetry
from exporter.polling.outputs import PollOutputs
from exporter.polling.poller import Poller
from exporter.polling.schedule import Schedule
from exporter.polling.state_file import StateFile
from exporter.settings import Settings, Source
from exporter.web.app import WebContext, create_app
from exporter.web.status.page import NO_LINKS, Links

CLOCK = Clock()


class Exporter(Struct, frozen=True):
    """The parts of one process."""

    app: Starlette
    sources: Sources
    reloader: Reloader
    telemetry: Telemetry
    closing: AsyncExitStack

    @asynccontextmanager
    async def polling(self) -> AsyncIterator[None]:
        """Polls while the block runs; after it all parts are closed."""
        async with self.closing:
            await self.sources.start()
            yield


def assemble(
    settings: Settings,
    clock: Clock = CLOCK,
    read: Callable[[], Settings] | None = None,
    *,
    lifecycle: bool = False,
    links: Links = NO_LINKS,
    client_clock: Clock | None = None,
) -> Exporter:
    """Builds all parts; nothing runs and no request is sent before `Exporter.polling`.

    Days follow `clock`; jobs follow the machine's clock, and so do requests without a `client_clock`. `read` reads the
    configuration again for a reload, which `lifecycle` allows over HTTP; `links` are those of the status page.
    ConfigError if a source's CA file or proxy cannot be used.
    """
    board = Board(settings.limits)
    telemetry, worker, readers, closing = Telemetry(), Worker("worker"), Worker("readers"), AsyncExitStack()
    outputs = PollOutputs(board, telemetry, worker, release_memory=release_memory)
    closing.callback(worker.close)
    closing.callback(readers.close)
    state_file = StateFile(settings.state_file, clock.now, gauges=telemetry.state)
    schedule = Schedule(clock)

    keys_in_use = dict[str, str]()

    def make(source: Source) -> Running:
        client = client_of(source, telemetry, client_clock, keys_in_use)
        store = state_file.store(source.name, fingerprint(source), source.target.rules)
        return Running(source, client, Poller(source.target, client, outputs, clock, store))

    sources = Sources(make, outputs, schedule)
    closing.push_async_callback(sources.aclose)
    closing.push_async_callback(schedule.stop)
    for source in settings.sources.values():
        sources.add(source)
    telemetry.config_taken(settings.digest, clock.now())
    reloader = Reloader(settings, read or (lambda: settings), sources, outputs, state_file, clock.now)
    context = WebContext(
        board,
        telemetry.tail,
        schedule.alive,
        sources.running.keys(),
        readers,
        clock.now,
        schedule.next_poll,
        reloader.reload if lifecycle else None,
        links,
        lambda: reloader.failed_reload,
    )
    return Exporter(create_app(context), sources, reloader, telemetry, closing)


def client_of(
    source: Source, observer: fetch.Observer, clock: Clock | None = None, keys_in_use: dict[str, str] | None = None
) -> fetch.Client:
    """Makes a source's HTTP client, by default with the machine's clock; in answers it masks all `keys_in_use`."""
    return fetch.Client(endpoint_of(source, keys_in_use), observer, clock=clock)


def endpoint_of(source: Source, keys_in_use: dict[str, str] | None = None) -> fetch.Endpoint:
    return fetch.Endpoint(
        source=source.name,
        base_url=source.base_url,
        headers=source.platform.headers,
        key=source.key if isinstance(source.api_key, Path) else source.key(),
        timeout=source.poll.timeout.total_seconds(),
        max_body=source.poll.max_body,
        requests_per_minute=source.poll.requests_per_minute,
        ca_file=str(source.ca_file) if source.ca_file else None,
        proxy_url=source.proxy_url,
        remedies=source.platform.remedies,
        keys_in_use={} if keys_in_use is None else keys_in_use,
    )


def fingerprint(source: Source) -> Mapping[str, str]:
    """Returns what a source's held figures depend on, by option; a new key changes nothing."""
    return {
        "platform": source.platform.name,
        "version of the decoder": str(source.platform.version),
        "base_url": source.base_url,
        "timezone": source.target.rules.zone.key,
        "companies.include": "\n".join(sorted(source.target.companies.include)),
        "companies.exclude": "\n".join(sorted(source.target.companies.exclude)),
        "account": "\n".join(f"{name}: {value!r}" for name, value in sorted(identity(source).items())),
        "overrides": "\n".join(sorted(f"{name}: {override!r}" for name, override in source.overrides.items())),
    }
