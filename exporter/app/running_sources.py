"""The sources that run, and how a new configuration changes them while everything is served on.

What an equal source has keeps running untouched. All else changes in one step: until then the old exposition is
served, and after it the new one.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime

from exporter import http as fetch
from exporter.domain import calendars
from exporter.exposition.board import NOTHING
from exporter.exposition.series_limit import PageLimits
from exporter.polling.poller import Poller, PollOutputs
from exporter.polling.schedule import Cadence, Pollable, Schedule, Timetable
from exporter.settings import Settings, Source


@dataclass(frozen=True, slots=True)
class Running:
    """One source and the parts that poll it."""

    source: Source
    client: fetch.Client
    poller: Poller


@dataclass(frozen=True, slots=True)
class Change:
    """The names of the sources that another configuration adds, changes and removes."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]


def is_another(old: Source, new: Source) -> bool:
    """Returns whether a source's held days are worth nothing under its new settings."""
    kept = (old.platform, old.base_url, old.target.rules.zone, identity(old))
    return kept != (new.platform, new.base_url, new.target.rules.zone, identity(new))


def identity(source: Source) -> Mapping[str, object]:
    """Returns those of the platform's own options that identify its figures."""
    names = {option.name for option in source.platform.options if option.identifies}
    return {name: value for name, value in source.account.options.items() if name in names}


def timetable(source: Source, poller: Pollable) -> Timetable:
    """Says when a source is polled."""
    rules = source.target.rules
    return Timetable(source.name, poller, Cadence(source.poll.interval, source.poll.jitter, rules.zone, rules.settle))


class Sources:
    """Every source that runs, by name; only `change` changes them.

    `make` makes the parts of a source, which do not run yet; it raises a ConfigError if its URL, CA file or proxy
    cannot be used.
    """

    def __init__(
        self, make: Callable[[Source], Running], outputs: PollOutputs, schedule: Schedule, now: Callable[[], datetime]
    ) -> None:
        self._make = make
        self._outputs = outputs
        self._schedule = schedule
        self._now = now
        self._running: dict[str, Running] = {}
        self._turn = asyncio.Lock()

    @property
    def names(self) -> Collection[str]:
        """The names of the sources; follows each change."""
        return self._running.keys()

    @property
    def pollers(self) -> tuple[Poller, ...]:
        """The pollers that run now."""
        return tuple(each.poller for each in self._running.values())

    def add(self, source: Source) -> None:
        """Adds one more source before the start; raises what `make` raises."""
        self._register(self._make(source))

    async def start(self) -> None:
        """Publishes all sources and polls them from now on."""
        async with self._turn:
            for poller in self.pollers:
                await poller.start()
            self._schedule.start()
            for each in self._running.values():
                self._schedule.add(timetable(each.source, each.poller), self._now())

    async def aclose(self) -> None:
        """Closes the connections."""
        for each in self._running.values():
            await each.client.aclose()

    async def change(self, settings: Settings) -> Change:
        """Runs what is configured now instead of what was.

        Raises:
            ConfigError: a source's URL, CA file or proxy cannot be used; nothing has changed.
        """
        async with self._turn, AsyncExitStack() as closing:
            old, new = {name: each.source for name, each in self._running.items()}, settings.sources
            change = Change(
                added=tuple(name for name in new if name not in old),
                changed=tuple(name for name in new if name in old and new[name] != old[name]),
                removed=tuple(name for name in old if name not in new),
            )
            fresh = await self._make_all([new[name] for name in (*change.added, *change.changed)])
            cut_off = {name: await self._end(name, closing) for name in (*change.changed, *change.removed)}
            for each in fresh:
                before = self._running.get(each.source.name)
                if before is not None and not is_another(before.source, each.source):
                    await each.poller.take_over(before.poller)
            # From here to the worker's queue nobody else has a turn, so that no poll publishes in between.
            for name in change.removed:
                self._outputs.telemetry.forget(name)
                del self._running[name]
            for each in fresh:
                self._begin(each, cut_off=cut_off.get(each.source.name, False))
            renderings = {each.source.name: each.poller.rendering() for each in fresh}

            def publish() -> None:
                sources = {name: rendering() for name, rendering in renderings.items()}
                gone = dict.fromkeys(change.removed, NOTHING)
                limits = PageLimits(settings.limits.max_series, settings.limits.max_size)
                self._outputs.board.replace({**sources, **gone}, limits)

            await self._outputs.worker.run(publish)
            self._outputs.selector_log.reloaded()
            self._outputs.selector_log.note(self._outputs.board.shown.unmatched)
        return change

    async def _make_all(self, sources: Iterable[Source]) -> Sequence[Running]:
        """Makes the parts of sources, all or none."""
        made = []
        async with AsyncExitStack() as failing:
            for source in sources:
                made.append(self._make(source))
                failing.push_async_callback(made[-1].client.aclose)
            failing.pop_all()
        return made

    async def _end(self, name: str, closing: AsyncExitStack) -> bool:
        """Ends the polls of a source, its connections later; returns whether it cut one off."""
        closing.push_async_callback(self._running[name].client.aclose)
        return await self._schedule.remove(name)

    def _begin(self, new: Running, *, cut_off: bool) -> None:
        name, old = new.source.name, self._running.get(new.source.name)
        if old is not None and is_another(old.source, new.source):
            self._outputs.telemetry.forget(name)
        elif old is not None:
            kept = {report.name for report in new.source.target.reports}
            for report in old.source.target.reports:
                if report.name not in kept:
                    self._outputs.telemetry.forget(name, report.name)
        new.poller.expect()
        self._register(new)
        self._schedule.add(timetable(new.source, new.poller), self._now() if cut_off else new.poller.due_at())

    def _register(self, new: Running) -> None:
        self._running[new.source.name] = new
        day = new.source.key_expires
        moment = None if day is None else calendars.start(day, new.source.target.rules.zone)
        self._outputs.telemetry.key_expires(new.source.name, moment)
