"""Spares callers the wait for a server that has just failed."""

import threading
import time

import structlog

log = structlog.get_logger("api.breaker")


class Breaker:
    """Closed while all is well. After a failure one call in `pause` seconds tries again."""

    def __init__(self, complaint: str, pause: float) -> None:
        self.complaint, self.pause = complaint, pause
        self._lock = threading.Lock()
        self._next_try: float | None = None
        self._reported = -pause

    def allows(self) -> bool:
        if self._next_try is None:
            return True
        with self._lock:
            now = time.monotonic()
            if self._next_try is not None and now < self._next_try:
                return False
            self._next_try = now + self.pause
            return True

    def failed(self, error: Exception) -> None:
        """Many calls may fail at once; one line in a pause says so."""
        with self._lock:
            now = time.monotonic()
            self._next_try = now + self.pause
            if now - self._reported < self.pause:
                return
            self._reported = now
        log.error(self.complaint, error=type(error).__name__)

    def succeeded(self) -> None:
        self._next_try = None
