"""Django's Redis cache without pickle, and with waits that a request can bear."""

import json
from functools import cache
from typing import Any

from django.core.cache.backends.redis import RedisCache as DjangoRedisCache
from django.core.cache.backends.redis import RedisCacheClient
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

TIMEOUT = 0.5  # seconds, to connect and to answer


class JSONSerializer:
    """Whole numbers stay as they are, so that Redis can count with them."""

    def dumps(self, value: Any) -> bytes | int:
        return value if type(value) is int else json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        return json.loads(data)


class Client(RedisCacheClient):
    def __init__(self, servers: list[str], **options: Any) -> None:
        options |= {"socket_connect_timeout": TIMEOUT, "socket_timeout": TIMEOUT}
        # One more try where Redis has closed a connection meanwhile, none where it hangs.
        options["retry"] = Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,))
        super().__init__(servers, serializer=JSONSerializer(), **options)  # type: ignore[arg-type]
        self._redis: Redis | None = None

    def get_client(self, key: Any = None, *, write: bool = False) -> Redis:
        """One client for all threads: making one costs as much as a call."""
        if self._redis is None:
            self._redis = super().get_client(key, write=True)
        return self._redis

    def count(self, key: str, delta: int, timeout: int) -> int:
        """Adds `delta` to a number that begins at 0 and lives for `timeout` seconds."""
        with self.get_client(key, write=True).pipeline(transaction=False) as pipeline:
            pipeline.set(key, 0, ex=timeout, nx=True)
            pipeline.incrby(key, delta)
            return int(pipeline.execute()[1])


@cache
def client_of(servers: tuple[str, ...]) -> Client:
    return Client(list(servers))


class RedisCache(DjangoRedisCache):
    """Django makes one for each request's context; all of them share one client's connections."""

    @property
    def _cache(self) -> Client:
        return client_of(tuple(self._servers))  # type: ignore[attr-defined]


class CountingCache(RedisCache):
    """For django-ratelimit alone, which first adds a key and, where it exists, increments it.

    Here the increment makes the key too: one round trip for both, and as exact.
    """

    LIFETIME = 120  # seconds: no window is longer

    def add(
        self, key: Any, value: Any, timeout: float | None = None, version: int | None = None
    ) -> bool:
        return False

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        return self._cache.count(self.make_key(key, version), delta, self.LIFETIME)
