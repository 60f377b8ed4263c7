"""Where a request comes from, through as many proxies as the settings trust."""

import ipaddress
import re

from django.conf import settings
from django.http import HttpRequest

WITH_PORT = re.compile(r"\[([^\]]+)\](?::\d+)?|([^:]+):\d+")  # as some gateways write it


def client_address(request: HttpRequest) -> str:
    """The address that the outermost trusted proxy saw; REMOTE_ADDR without one.

    Each proxy appends whom it saw to X-Forwarded-For, so only the last TRUSTED_PROXIES entries
    are not the client's own invention.
    """
    direct: str = request.META.get("REMOTE_ADDR") or ""
    if not settings.TRUSTED_PROXIES:
        return direct
    seen = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
    seen = [part for part in seen if part]
    if not seen:
        return direct
    return without_port(seen[-min(settings.TRUSTED_PROXIES, len(seen))])


def without_port(address: str) -> str:
    match = WITH_PORT.fullmatch(address)
    return (match[1] or match[2]) if match else address


def limited_address(request: HttpRequest) -> str:
    """What unauthenticated calls are counted by: an IPv4 address, the /64 of an IPv6 one."""
    text = client_address(request)
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "unknown"  # a unix socket, or a proxy that sends nonsense
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((int(address), 64), strict=False))
    return str(address)
