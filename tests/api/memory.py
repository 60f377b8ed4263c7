"""How much memory a server's process takes while something happens."""

import threading

import psutil

from tests.servers import Server

MEGABYTE = 1_000_000


class Memory:
    """The most memory the process has held while the block ran, over what it had before."""

    def __init__(self, server: Server) -> None:
        self.process = psutil.Process(server.process.pid)
        self.before = self.most = self.process.memory_info().rss
        self.over = threading.Event()
        self.watcher = threading.Thread(target=self.watch)

    def watch(self) -> None:
        while not self.over.wait(0.01):
            self.most = max(self.most, self.process.memory_info().rss)

    def __enter__(self) -> "Memory":
        self.watcher.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.over.set()
        self.watcher.join()

    @property
    def grown(self) -> int:
        return self.most - self.before
