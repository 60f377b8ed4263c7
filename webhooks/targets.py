"""Where an endpoint's URL leads. What can never be reached is refused when it is given."""

import re
from concurrent.futures import TimeoutError as LookUpTimedOut
from functools import lru_cache
from threading import BoundedSemaphore
from typing import NamedTuple

from django.conf import settings
from yarl import URL

from webhooks import addresses
from webhooks.addresses import NotPublic

LOOK_UP_SECONDS = 3.0  # a name that takes longer now may be quicker later
# Who checks waits in one of the few threads of all views: so long two at once, others a moment.
CROWDED_SECONDS = 0.1
NAME = re.compile(r"(?=.{1,254}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
UNSAFE = re.compile(r"[\x00-\x20\x7f-\x9f\\\u2028\u2029]")


_patient = BoundedSemaphore(2)


class BadUrl(ValueError):
    """Its text says what is wrong with a URL."""


class Target(NamedTuple):
    tls: bool
    host: str  # ASCII: a name or an address, IPv6 without brackets
    port: int
    path: str  # with the query
    allowed: bool  # one of WEBHOOK_ALLOWED_HOSTS: may be private and without TLS

    @property
    def host_header(self) -> str:
        host = bracketed(self.host)
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


def bracketed(host: str) -> str:
    """As hosts are written before a port."""
    return f"[{host}]" if ":" in host else host


def parse(text: str) -> Target:
    """Raises BadUrl. Asks no name server: see `check` and `resolve`."""
    return _parse(text, tuple(settings.WEBHOOK_ALLOWED_HOSTS))


@lru_cache(maxsize=1024)
def _parse(text: str, allowed_hosts: tuple[str, ...]) -> Target:
    url = _parsed(text)
    if url.scheme not in ("http", "https"):
        raise BadUrl("Must begin with https://.")
    if url.raw_user is not None or url.raw_password is not None:
        raise BadUrl("Must not hold a user name or password.")
    host, port = (url.raw_host or "").lower(), url.port
    if not port or not host or not (":" in host or NAME.fullmatch(host)):
        raise BadUrl("Must name a host.")
    allowed = f"{bracketed(host)}:{port}" in allowed_hosts
    if url.scheme == "http" and not allowed:
        raise BadUrl("Must begin with https://.")
    if not allowed and f".{host.rstrip('.')}".endswith(".localhost"):  # RFC 6761, 6.3
        raise BadUrl("Must lead to a public address.")
    return Target(url.scheme == "https", host, port, url.raw_path_qs, allowed)


def _parsed(text: str) -> URL:
    if UNSAFE.search(text):
        raise BadUrl("Must not hold spaces, backslashes or control characters.")
    try:
        url = URL(text)
        url.port  # noqa: B018 - raises ValueError on a bad one
    except (ValueError, IndexError):  # the latter for brackets before an @ with nothing after it
        raise BadUrl("This is not a URL.") from None
    return url


def check(text: str) -> None:
    """Raises BadUrl for what `parse` refuses and for a host that is not public as things stand.

    A name that does not resolve now is taken: every delivery looks again.
    """
    target = parse(text)
    if target.allowed:
        return
    try:
        addresses.require_public(_found(target))
    except NotPublic:
        raise BadUrl("Must lead to a public address.") from None
    except (OSError, UnicodeError, LookUpTimedOut):
        if _is_literal(target.host):
            raise BadUrl("Must lead to a public address.") from None


def _found(target: Target) -> list[str]:
    """Its addresses. Raises LookUpTimedOut, OSError, UnicodeError."""
    looking = addresses.begin_look_up(target.host, target.port)
    if _is_literal(target.host):
        return looking.result(LOOK_UP_SECONDS)
    is_patient = _patient.acquire(blocking=False)
    try:
        return looking.result(LOOK_UP_SECONDS if is_patient else CROWDED_SECONDS)
    finally:
        if is_patient:
            _patient.release()


def _is_literal(host: str) -> bool:
    """An address in some spelling, and no name: those have a letter in their last part."""
    last = host.rstrip(".").rpartition(".")[2]
    return ":" in host or last.isdigit() or last.startswith("0x")


async def resolve(target: Target) -> list[str]:
    """The addresses to connect to, looked up once. Raises NotPublic, OSError, UnicodeError."""
    found = await addresses.look_up(target.host, target.port)
    if not target.allowed:
        addresses.require_public(found)
    return found
