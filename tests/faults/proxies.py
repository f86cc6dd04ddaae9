"""A fault proxy for each test case, TLS certificates and a fake DNS server, all served by one thread."""

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

from tests.faults.dns_server import FakeDNSServer, bind_free_address
from tests.faults.fault_proxy import LOOPBACK, NO_FAULT, VALID, Fault, FaultProxy
from tests.faults.faults import dns_faults, http_faults, tls_faults
from tests.http.test_tls import certificate

TIMEOUT_S = 20
UNKNOWN_NAME, UNANSWERED_NAME = (fault.name for fault in dns_faults())


class Case(NamedTuple):
    """A fault between one source and the platform, over HTTP or HTTPS (`secure`)."""

    source: str
    fault: Fault
    secure: bool = False
    host: str = LOOPBACK

    @property
    def id(self) -> str:
        """The test id."""
        return f"{self.fault.name}, by {'https' if self.secure else 'http'}"


def cases() -> Sequence[Case]:
    """Returns a case for every fault and scheme."""
    faults = [(fault, secure) for fault in http_faults() for secure in (False, True)]
    faults += [(fault, True) for fault in tls_faults()]
    numbered = [Case(f"case{number}", fault, secure) for number, (fault, secure) in enumerate(faults)]
    hosts = {UNKNOWN_NAME: "gone.test", UNANSWERED_NAME: "silent.test"}
    return [*numbered, *(Case(hosts[fault.name][:-5], fault, host=hosts[fault.name]) for fault in dns_faults())]


@dataclass(frozen=True, slots=True)
class Certificates:
    """TLS contexts of the proxies by certificate name, and the file of trusted authorities."""

    contexts: Mapping[str, ssl.SSLContext]
    ca_file: Path


def make_certificates(folder: Path) -> Certificates:
    """Makes certificates with one fault each: all authorities are trusted, except that of `unknown`."""
    contexts, trusted = {}, []
    for name, host in ((VALID, "IP:127.0.0.1"), ("expired", "IP:127.0.0.1"), ("other", "DNS:other.example"),
                       ("unknown", "IP:127.0.0.1")):  # fmt: skip
        subfolder = folder / name
        subfolder.mkdir()
        path, contexts[name] = certificate(subfolder, host, expired=name == "expired")
        trusted += [Path(path).read_bytes()] * (name != "unknown")
    ca_file = folder / "ca.crt"
    ca_file.write_bytes(b"".join(trusted))
    return Certificates(contexts, ca_file)


def can_replace_resolv_conf() -> bool:
    """Tells whether a process can get a resolv.conf of its own, which takes root and mount namespaces."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode == 0


class FaultProxies:
    """The proxies of `cases`; methods may be called from any thread."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, cases: Sequence[Case], contexts: Mapping[str, ssl.SSLContext]
    ) -> None:
        self._loop = loop
        self._cases = cases
        self._contexts = contexts
        self._proxies: dict[str, FaultProxy] = {}
        self._dns = FakeDNSServer()
        self.dns_address = ""

    def url(self, case: Case) -> str:
        """Returns the base URL for a case's source."""
        scheme = "https" if case.secure else "http"
        return f"{scheme}://{case.host}:{self._proxies[case.source].port}"

    def start(self, upstream: int, *, with_dns: bool) -> None:
        """Starts all proxies without a fault, and the DNS server if it is needed."""
        for case in self._cases:
            self._proxies[case.source] = FaultProxy(upstream, self._contexts if case.secure else {})
        self.remove_faults()
        if with_dns:
            listener = bind_free_address()
            self.dns_address = listener.getsockname()[0]
            self._run(self._loop.create_datagram_endpoint(lambda: self._dns, sock=listener))

    def inject_faults(self) -> None:
        """Starts the fault of every case."""
        self._dns.unknown, self._dns.unanswered = frozenset({"gone.test"}), frozenset({"silent.test"})
        self._run(*(self._proxies[case.source].inject(case.fault) for case in self._cases))

    def remove_faults(self) -> None:
        """Ends all faults."""
        self._dns.unknown = self._dns.unanswered = frozenset()
        self._run(*(self._proxies[case.source].inject(NO_FAULT) for case in self._cases))

    def close(self) -> None:
        """Stops all servers."""
        self._loop.call_soon_threadsafe(self._dns.close)
        self._run(*(proxy.stop() for proxy in self._proxies.values()))
        for proxy in self._proxies.values():
            proxy.release_port()

    def _run(self, *coroutines: "asyncio._CoroutineLike[object]") -> None:
        async def gathered() -> None:
            await asyncio.gather(*coroutines)

        asyncio.run_coroutine_threadsafe(gathered(), self._loop).result(TIMEOUT_S)


@contextmanager
def running_proxies(
    upstream: int, cases: Sequence[Case], contexts: Mapping[str, ssl.SSLContext]
) -> Iterator[FaultProxies]:
    """Runs a proxy per case before the platform at a loopback port."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    proxies = FaultProxies(loop, cases, contexts)
    try:
        proxies.start(upstream, with_dns=any(case.host != LOOPBACK for case in cases))
        yield proxies
        proxies.close()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
