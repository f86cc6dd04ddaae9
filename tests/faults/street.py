"""All that stands before the simulated platform, in one thread: a front for each case, certificates, a name server."""

import asyncio
import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import NamedTuple

from tests.faults.faults import everywhere, of_names, of_tls
from tests.faults.front import GOOD, LOOPBACK, NONE, Fault, Front
from tests.faults.resolver import ADDRESS, Resolver
from tests.http.test_tls import certificate

PATIENCE_S = 20
NO_SUCH_NAME, SILENT = (fault.name for fault in of_names())


class Case(NamedTuple):
    """A fault on the way of one source: over plain HTTP, over HTTPS (`secure`), or before both, of a `host`'s name."""

    source: str
    fault: Fault
    secure: bool = False
    host: str = LOOPBACK

    @property
    def id(self) -> str:
        """What a table calls it."""
        return f"{self.fault.name}, by {'https' if self.secure else 'http'}"


def cases() -> Sequence[Case]:
    """Returns every fault on every way that has it."""
    ways = [(fault, secure) for fault in everywhere() for secure in (False, True)]
    ways += [(fault, True) for fault in of_tls()]
    numbered = [Case(f"case{number}", fault, secure) for number, (fault, secure) in enumerate(ways)]
    hosts = {NO_SUCH_NAME: "gone.test", SILENT: "silent.test"}
    return [*numbered, *(Case(hosts[fault.name][:-5], fault, host=hosts[fault.name]) for fault in of_names())]


@dataclass(frozen=True, slots=True)
class Trust:
    """The certificates that fronts show, by what is wrong with them, and the file of those that are believed."""

    contexts: Mapping[str, ssl.SSLContext]
    ca_file: Path


def trust(folder: Path) -> Trust:
    """Makes the certificates; all are believed but that of an unknown authority, so that only one thing is wrong."""
    contexts, believed = {}, []
    for name, host in ((GOOD, "IP:127.0.0.1"), ("expired", "IP:127.0.0.1"), ("other", "DNS:other.example"),
                       ("unknown", "IP:127.0.0.1")):  # fmt: skip
        place = folder / name
        place.mkdir()
        path, contexts[name] = certificate(place, host, expired=name == "expired")
        believed += [Path(path).read_bytes()] * (name != "unknown")
    ca_file = folder / "ca.crt"
    ca_file.write_bytes(b"".join(believed))
    return Trust(contexts, ca_file)


def names_can_be_ours() -> bool:
    """Tells whether a process can be given a name server of its own: by root, who may mount."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode == 0


class Street:
    """The fronts of some cases; every method may be called from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, here: Sequence[Case], contexts: Mapping[str, ssl.SSLContext]):
        self._loop = loop
        self._cases = here
        self._contexts = contexts
        self._fronts: dict[str, Front] = {}
        self._resolver = Resolver()

    def url(self, case: Case) -> str:
        """Returns the base URL of a case's source."""
        scheme = "https" if case.secure else "http"
        return f"{scheme}://{case.host}:{self._fronts[case.source].port}"

    def open(self, upstream: int, *, with_names: bool) -> None:
        """Opens all fronts, with nothing wrong."""
        for case in self._cases:
            self._fronts[case.source] = Front(upstream, self._contexts if case.secure else {})
        self.heal()
        if with_names:
            self._do(self._loop.create_datagram_endpoint(lambda: self._resolver, (ADDRESS, 53)))

    def harm(self) -> None:
        """Lets every case's fault begin."""
        self._resolver.unknown, self._resolver.silent = frozenset({"gone.test"}), frozenset({"silent.test"})
        self._do(*(self._fronts[case.source].put(case.fault) for case in self._cases))

    def heal(self) -> None:
        """Ends all faults."""
        self._resolver.unknown = self._resolver.silent = frozenset()
        self._do(*(self._fronts[case.source].put(NONE) for case in self._cases))

    def close(self) -> None:
        """Ends all."""
        self._loop.call_soon_threadsafe(self._resolver.close)
        self._do(*(front.close() for front in self._fronts.values()))
        for front in self._fronts.values():
            front.release()

    def _do(self, *wanted: "asyncio._CoroutineLike[object]") -> None:
        async def all_of_it() -> None:
            await asyncio.gather(*wanted)

        asyncio.run_coroutine_threadsafe(all_of_it(), self._loop).result(PATIENCE_S)


@contextmanager
def street(upstream: int, here: Sequence[Case], contexts: Mapping[str, ssl.SSLContext]) -> Iterator[Street]:
    """Keeps fronts before the platform at a port of loopback while the block runs."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    fronts = Street(loop, here, contexts)
    try:
        fronts.open(upstream, with_names=any(case.host != LOOPBACK for case in here))
        yield fronts
        fronts.close()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
