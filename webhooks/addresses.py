"""Which addresses an endpoint may have: public ones alone, whatever a name says today."""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor

# IANA registries of special addresses, and what `is_global` lets through: translations to IPv4
# (NAT64, 6to4, Teredo), relays, multicast. The list is ours, so that no Python version decides.
# And the one address of a cloud's own services that is in none of them: the agent of Azure's hosts.
REFUSED_IPV4 = [
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
]
# All public IPv6 addresses are in here today; what else there is maps, translates or stays local.
PUBLIC_IPV6 = ipaddress.IPv6Network("2000::/3")
REFUSED_IPV6 = [
    ipaddress.IPv6Network(network)
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
]
# At once: more than posts, so that what bounds an account's posts bounds its look-ups too. One that
# hangs keeps its thread for longer than we wait for it, but a name has one alone.
LOOKUPS = 512

_threads = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="lookup")
_under_way: dict[tuple[str, int], Future[list[str]]] = {}


class NotPublic(Exception):
    """A name or address leads where no webhook may go."""


def is_public(text: str) -> bool:
    """Whether this is the address of a host on the public internet, and an address at all."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in REFUSED_IPV4)
    if address.scope_id is not None or address not in PUBLIC_IPV6:
        return False
    return not any(address in network for network in REFUSED_IPV6)


def require_public(addresses: Iterable[str]) -> None:
    """Raises NotPublic unless every one of them is: one bad one is enough to mean no good."""
    for address in addresses:
        if not is_public(address):
            raise NotPublic


async def look_up(host: str, port: int) -> list[str]:
    """The addresses of a name, or of an address in any spelling. Raises OSError, UnicodeError."""
    return await asyncio.shield(asyncio.wrap_future(begin_look_up(host, port)))


def begin_look_up(host: str, port: int) -> Future[list[str]]:
    """One at a time of each name, so that a slow one takes one thread. Do not cancel it."""
    key = host, port
    found = _under_way.get(key)
    if found is None:
        found = _under_way[key] = _threads.submit(_look_up, host, port)
        found.add_done_callback(lambda _: _under_way.pop(key, None))
    return found


def is_queued(host: str, port: int) -> bool:
    """Whether its look-up waits for a thread."""
    found = _under_way.get((host, port))
    return found is not None and not found.running() and not found.done()


def _look_up(host: str, port: int) -> list[str]:
    """Each address once, in the order of the resolver's preference."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
