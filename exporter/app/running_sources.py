"""The running sources, and how a reload (SIGHUP, `/-/reload`) changes them without an interruption.

Unchanged sources keep running. All others change in one step, before which the old exposition is served. A change that
fails is undone and reported like a wrong configuration.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import datetime
from functools import partial

from msgspec import Struct, field
from msgspec.structs import replace

from exporter import http as fetch
from exporter.domain import calendars
from exporter.domain.errors import ConfigError
from exporter.domain.threads import file_stamp, in_time
from exporter.exposition.board import NOTHING
from exporter.exposition.series_limit import SeriesLimits
from exporter.polling.outputs import PollOutputs
from exporter.polling.poller import Poller
from exporter.polling.schedule import Schedule
from exporter.polling.state_file import StateFile
from exporter.settings import Settings, Source
from exporter.web.status.problems import FailedReload

log = logging.getLogger(__name__)


class Running(Struct, frozen=True):
    source: Source
    client: fetch.Client
    poller: Poller


def is_another(old: Source, new: Source) -> bool:
    """Returns whether new settings make a source's held days useless."""
    kept = (old.platform, old.base_url, old.target.rules.zone, identity(old))
    return kept != (new.platform, new.base_url, new.target.rules.zone, identity(new))


def identity(source: Source) -> Mapping[str, object]:
    """Returns the platform's own options on which its figures depend."""
    names = {option.name for option in source.platform.options if option.identifies}
    return {name: value for name, value in source.account.options.items() if name in names}


class Sources:
    """The sources that are `running`, by name; `change` keeps the dictionary, since the web reads its keys.

    `make` builds the parts of a source without starting them; ConfigError if its CA file or proxy cannot be used.
    """

    def __init__(self, make: Callable[[Source], Running], outputs: PollOutputs, schedule: Schedule) -> None:
        self._make = make
        self._outputs = outputs
        self._schedule = schedule
        self.running: dict[str, Running] = {}
        self._turn = asyncio.Lock()

    def add(self, source: Source) -> None:
        """Adds a source before the start; raises what `make` raises."""
        self._register(self._make(source))

    async def start(self) -> None:
        async with self._turn:
            for each in self.running.values():
                await each.poller.start()
            self._schedule.start()
            for each in self.running.values():
                self._schedule.add(each.poller)

    async def aclose(self) -> None:
        for each in self.running.values():
            await each.client.aclose()

    async def change(self, settings: Settings) -> Mapping[str, Sequence[str]]:
        """Runs the new settings instead of the old; if any step fails, the old sources run on.

        Returns the names of sources that were added, changed and removed. ConfigError: a source's URL, CA file or
        proxy cannot be used; nothing has changed.
        """
        async with self._turn, AsyncExitStack() as closing:
            running, new, before = dict(self.running), settings.sources, self._outputs.board.limits
            added = [name for name in new if name not in running]
            changed = [name for name in new if name in running and new[name] != running[name].source]
            removed = [name for name in running if name not in new]
            fresh = dict[str, Running]()
            for name in (*added, *changed):
                fresh[name] = await asyncio.to_thread(self._make, new[name])  # reads a CA file
                closing.push_async_callback(fresh[name].client.aclose)
            old = {name: running[name] for name in (*changed, *removed)}
            try:
                await self._swap(old, fresh, settings.limits)
                self._forget(old, fresh)
                self._outputs.selector_log.note(self._outputs.board.shown.unmatched, reloaded=True)
            except Exception:
                await self._swap_back(fresh, old, before)
                raise
            closing.pop_all()
            await asyncio.gather(*(each.client.aclose() for each in old.values()), return_exceptions=True)
        return {"added": added, "changed": changed, "removed": removed}

    async def _swap(self, old: Mapping[str, Running], new: Mapping[str, Running], limits: SeriesLimits) -> None:
        """Stops the `old` sources; starts and publishes the `new` ones, which take over the held days."""
        for name in old:
            await self._schedule.remove(name)
        for name in old.keys() & new.keys():
            if not is_another(old[name].source, new[name].source):
                await new[name].poller.take_over(old[name].poller)
                new[name].client.take_over(old[name].client)
        await self._begin(new, old.keys() - new.keys(), limits)

    async def _swap_back(self, new: Mapping[str, Running], old: Mapping[str, Running], limits: SeriesLimits) -> None:
        for name in new:
            await self._schedule.remove(name)
        await self._begin(old, new.keys() - old.keys(), limits)
        for name in new.keys() - old.keys():
            self._outputs.telemetry.forget(name)

    async def _begin(self, sources: Mapping[str, Running], gone: Collection[str], limits: SeriesLimits) -> None:
        """Starts and publishes sources, and removes others from the exposition in the same step."""
        for name in gone:
            self.running.pop(name, None)
        for each in sources.values():
            self._register(each)
            self._schedule.add(each.poller, each.poller.due_at())
        renderings = {name: each.poller.rendering() for name, each in sources.items()}

        def publish() -> None:
            rendered = {name: rendering() for name, rendering in renderings.items()}
            self._outputs.board.replace(dict.fromkeys(gone, NOTHING) | rendered, limits)

        await self._outputs.worker.run(publish)  # the first await: no poll can publish before it

    def _forget(self, old: Mapping[str, Running], new: Mapping[str, Running]) -> None:
        """Drops the live series of removed sources and reports."""
        for name, each in old.items():
            if name not in new or is_another(each.source, new[name].source):
                self._outputs.telemetry.forget(name)
            else:
                before, now = ({report.name for report in of.source.target.reports} for of in (each, new[name]))
                for report in before - now:
                    self._outputs.telemetry.forget(name, report)
        for each in new.values():
            self._register(each)

    def _register(self, new: Running) -> None:
        self.running[new.source.name] = new
        new.poller.expect()
        day = new.source.api_key_expires
        moment = None if day is None else calendars.start(day, new.source.target.rules.zone)
        self._outputs.telemetry.key_expires(new.source.name, moment)


class Reloader(Struct):
    """Applies the current configuration, one reload at a time; `read` may block and raises ConfigError.

    `settings` are those in effect; the state file follows them once the sources run. `failed_reload` says why the last
    reload failed, if it did. While a change of `thresholds_file` is pending, because it was refused, each look tries it
    again, perhaps for the sake of another file; such a retry does not repeat what the log says.
    """

    settings: Settings
    read: Callable[[], Settings]
    sources: Sources
    outputs: PollOutputs
    state_file: StateFile
    now: Callable[[], datetime]
    failed_reload: FailedReload | None = None
    _is_pending: bool = False
    _is_retry: bool = False
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def reload(self) -> str:
        """Reads and applies the configuration; returns one line if that failed, else an empty text."""
        async with self._turn:
            try:
                settings = await asyncio.to_thread(self.read)
                change = await self.sources.change(settings)
            except ConfigError as error:
                return self._refused("; ".join(str(error).splitlines()))
            except Exception:
                log.exception("reload failed unexpectedly")
                self._is_pending = False  # not again every few seconds, which would interrupt polls
                return self._refused("internal error of the exporter; please report it with its log")
            try:
                await self.outputs.worker.run(partial(self.state_file.use, settings.state_file, settings.sources))
            except Exception:
                log.exception("sources run with the new configuration, the state file still with the old one")
            self.settings = settings
            self.outputs.telemetry.config_taken(settings.digest, self.now())
            self.failed_reload, self._is_pending = None, False
            names = {what: ",".join(names) for what, names in change.items() if names}
            log.info("configuration reloaded", extra=names)
            return ""

    async def file_changed(self) -> bool:
        """Returns whether `thresholds_file` changed since the last call or reload, or its change is pending."""
        path, before = self.settings.thresholds_file, self.settings.thresholds_stamp
        if path is None:
            return False
        stamp = before
        with suppress(TimeoutError):
            stamp = await asyncio.to_thread(in_time, partial(file_stamp, path), path)
        self.settings = replace(self.settings, thresholds_stamp=stamp)
        self._is_retry, self._is_pending = self._is_pending, self._is_pending or stamp != before
        return self._is_pending

    def _refused(self, reason: str) -> str:
        is_retry, self._is_retry = self._is_retry, False
        if is_retry and self.failed_reload and self.failed_reload.reason == reason:
            return reason
        self.outputs.telemetry.config_refused()
        self.failed_reload = FailedReload(self.now(), reason)
        log.error("configuration not reloaded; the previous one stays in effect", extra={"reason": reason})
        return reason
