"""What was made lately, and would take time to make again."""

import threading
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class BoundedCache(Generic[Key, Value]):
    """The values added last, as many as have at most `most` bytes together. For any thread."""

    def __init__(self, most: int) -> None:
        self._left = most
        self._kept: dict[Key, tuple[Value, int]] = {}
        self._lock = threading.Lock()

    def get(self, key: Key) -> Value | None:
        kept = self._kept.get(key)
        return kept[0] if kept else None

    def add(self, key: Key, value: Value, size: int) -> None:
        with self._lock:
            if key in self._kept:
                self._drop(key)
            self._kept[key] = value, size
            self._left -= size
            while self._left < 0:
                self._drop(next(iter(self._kept)))

    def _drop(self, key: Key) -> None:
        self._left += self._kept.pop(key)[1]
