"""Django's Redis cache without pickle, and with waits that a request can bear."""

import json
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

    def incr(self, key: Any, delta: int) -> int:
        """Raises ValueError for an unknown key, as Django's does, in one round trip."""
        with self.get_client(key, write=True).pipeline(transaction=False) as pipeline:
            pipeline.exists(key)
            pipeline.incrby(key, delta)
            existed, count = pipeline.execute()
        if not existed:
            self.get_client(key, write=True).delete(key)
            raise ValueError(f"Key {key!r} not found.")
        return int(count)


class RedisCache(DjangoRedisCache):
    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = Client
