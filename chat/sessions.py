"""Connections to the provider of language models, kept open between calls."""

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from django.conf import settings


def open_session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        # Shorter than the five seconds after which common servers hang up.
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=4),
        cookie_jar=aiohttp.DummyCookieJar(),
        proxy=_proxy(settings.OPENAI_BASE_URL),
    )


def _proxy(url: str) -> str | None:
    """The environment's (HTTPS_PROXY, NO_PROXY, ...), looked up once and not at every call."""
    parts = urlsplit(url)
    return None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
