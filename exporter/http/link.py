"""Checks links in answers before they are followed.

A link is outside data and could point into the operator's own network. The host name is resolved once and every
address is checked; the connection uses a checked address, so DNS rebinding changes nothing. A proxy resolves the name
again; in that case TLS rejects a host without the right certificate.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network

import httpx

from exporter.domain.errors import ConnectionLostError, HttpStatusError

Resolve = Callable[[str, int], Awaitable[list[str]]]

_LONGEST = 8192
_MAX_PORT = 65535
_HOST = re.compile(rb"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|[0-9a-f:.]+")
_GLOBAL_UNICAST = IPv6Network("2000::/3")  # RFC 4291, 2.4
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052, 2.1


@dataclass(frozen=True, slots=True)
class CheckedLink:
    """A link that may be followed: its `url`, its `host` for TLS, and the URLs to connect to, by address."""

    url: httpx.URL
    host: str
    addresses: tuple[httpx.URL, ...]

    def redirect(self, location: str) -> str:
        """Returns the unchecked link that a redirect names; HttpStatusError if it names none."""
        try:
            return str(self.url.join(location))
        except (httpx.InvalidURL, ValueError):
            raise HttpStatusError(f"{self.host} redirects the download to an invalid link") from None


async def resolve(host: str, port: int) -> list[str]:
    """Returns the addresses of a host by the system's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def check(link: str, resolved: Resolve, *, at_home: bool) -> CheckedLink:
    """Checks a link and the addresses of its host; `at_home` also permits this machine in plain http.

    Raises HttpStatusError (no link, not https, or a forbidden address; the message does not show it) and
    ConnectionLostError (host not found).
    """
    url = _parsed(link, ("https", "http") if at_home else ("https",))
    host = url.raw_host.decode()
    try:
        addresses = await resolved(host, url.port or 443)
    except (OSError, ValueError) as error:  # ValueError: a label that is too long
        raise ConnectionLostError(f"the host {host} of the download link is not found") from error
    for address in addresses:
        if not is_allowed(address, at_home=at_home):
            raise HttpStatusError(
                f"the download link points to {host}, whose address is in a private network or not that of one host; "
                "it is not followed"
            )
    if not addresses:
        raise ConnectionLostError(f"the host {host} of the download link has no address")
    return CheckedLink(url, host, tuple(url.copy_with(host=address) for address in addresses))


def _parsed(link: str, schemes: Sequence[str]) -> httpx.URL:
    try:
        url = httpx.URL(link) if len(link) <= _LONGEST else None
    except (httpx.InvalidURL, ValueError):
        url = None
    if url is not None and url.scheme not in schemes:
        raise HttpStatusError("the download link is not https; it is not followed")
    if url is None or not _HOST.fullmatch(url.raw_host) or not 0 < (url.port or 443) <= _MAX_PORT:
        raise HttpStatusError("the download link is not valid; it is not followed")
    return url


def is_allowed(address: str, *, at_home: bool = False) -> bool:
    """Returns whether an address is that of a host on the internet or, `at_home`, of this machine."""
    found = _inner(ipaddress.ip_address(address.partition("%")[0]))
    if at_home and found.is_loopback:
        return True
    if isinstance(found, IPv6Address) and found not in _GLOBAL_UNICAST:
        return False
    return found.is_global and not found.is_multicast


def _inner(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Returns the IPv4 address inside an IPv6 address: mapped, NAT64 or 6to4."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
