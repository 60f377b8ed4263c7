"""Looking after the embedded servers: one that its clients can do without for a while is started
again when it has ended, where it was; without the other one everything ends."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from chatbot_project.embedded.errors import StartFailed
from chatbot_project.embedded.services import Share

TITLES = {"postgres": "PostgreSQL", "valkey": "Valkey", "llm": "the language model"}
MISSES = 3  # in a row: one answer that is late is no end
PAUSE = 5.0  # seconds, from one start to the next; doubled each time
LONGEST_PAUSE = 60.0


@dataclass
class Kept:
    """A server that is looked at every second or so."""

    share: Share
    misses: int = 0
    pause: float = PAUSE
    next_start: float = 0.0  # on the monotonic clock

    @property
    def title(self) -> str:
        """As a sentence begins with it."""
        title = TITLES[self.share.name]
        return title[0].upper() + title[1:]

    def is_gone(self) -> bool:
        """Takes as long as the server may take to answer."""
        if self.share.is_running():
            self.misses = 0
            if time.monotonic() > self.next_start + LONGEST_PAUSE:
                self.pause = PAUSE
        else:
            self.misses += 1
        return self.misses >= MISSES

    def start_again(self) -> str:
        """Unless it was tried just now. What there is to tell of it, or ""; waits for nothing."""
        if time.monotonic() < self.next_start:
            return ""
        self.next_start = time.monotonic() + self.pause
        self.pause = min(2 * self.pause, LONGEST_PAUSE)
        try:
            begun = self.share.start_again()
        except (StartFailed, OSError) as error:
            return f"{self.title} has ended and does not start again: {error}"
        return f"{self.title} has ended: starting it again." if begun else ""


class Keeper:
    def __init__(self, shares: Iterable[Share]) -> None:
        self._kept = [Kept(share) for share in shares]

    def look(self) -> str:
        """Starts again what can be. The title of a server that cannot, if it has ended, or ""."""
        for kept in self._kept:
            if not kept.is_gone():
                continue
            if not kept.share.can_start_again:
                return kept.title
            if line := kept.start_again():
                print(line, flush=True)  # noqa: T201
        return ""
