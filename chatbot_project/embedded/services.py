"""Finding or starting the embedded servers of a data folder, for as long as somebody needs them."""

from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from chatbot_project.embedded.errors import StartFailed
from chatbot_project.embedded.kept_secrets import make_data_dir
from chatbot_project.embedded.language_model import LanguageModel
from chatbot_project.embedded.leases import Lease, exclusive
from chatbot_project.embedded.postgres import Postgres
from chatbot_project.embedded.valkey import Valkey


class Server(Protocol):
    def is_running(self) -> bool: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...


@runtime_checkable
class Restartable(Server, Protocol):
    """One whose clients can do without it for a while, and find it again."""

    def start_again(self) -> bool:
        """Waits for nothing. False: it is coming up already. Raises StartFailed, OSError."""
        ...


SERVERS: dict[str, Callable[[Path, bool], Server]] = {
    "postgres": Postgres,
    "valkey": Valkey,
    "llm": LanguageModel,
}


@contextmanager
def running(
    names: Collection[str], data_dir: Path, *, durable: bool = True, later: Collection[str] = ()
) -> Iterator["Running"]:
    """Find or start the named servers ("postgres", "valkey", "llm"), all at once.

    Whoever uses a server holds a share in it; the last one to leave stops it. Those of `later` are
    not waited for: `wait` of what this yields does that. Raises StartFailed.
    """
    data_dir = data_dir.resolve()
    held = [Share(name, SERVERS[name](data_dir, durable), data_dir) for name in names]
    if not held:
        yield Running([], [])
        return
    make_lock_dir(data_dir)
    with ThreadPoolExecutor(len(held)) as pool:
        taken = {share.name: pool.submit(share.take) for share in held}
        try:
            _results(taken[name] for name in names if name not in later)
            yield Running(held, [*taken.values()])
        finally:
            wait(taken.values())  # an interrupted start is finished before it is undone
            _results([pool.submit(share.give_back) for share in held])


class Share:
    """One server and our share in it."""

    def __init__(self, name: str, server: Server, data_dir: Path) -> None:
        self.name = name
        self._server = server
        self._path = data_dir / "locks" / name
        self._lease: Lease | None = None

    def take(self) -> None:
        with exclusive(self._path.with_suffix(".start")):
            self._lease = Lease(self._path.with_suffix(".users"))
            if not self._server.is_running():
                self._server.start()

    def is_running(self) -> bool:
        return self._server.is_running()

    @property
    def can_start_again(self) -> bool:
        return isinstance(self._server, Restartable)

    def start_again(self) -> bool:
        """Whether it was launched anew. What is, is stopped like what ran before.

        Raises StartFailed, OSError.
        """
        with exclusive(self._path.with_suffix(".start")):
            if self._lease is None or not isinstance(self._server, Restartable):
                return False
            return self._server.start_again()

    def give_back(self) -> None:
        if self._lease is None:
            return
        with exclusive(self._path.with_suffix(".start")):
            if self._lease.is_last():
                self._server.stop()
            self._lease.end()
            self._lease = None


@dataclass(frozen=True)
class Running:
    """The servers of a `running` block."""

    shares: list[Share]
    _taken: list[Future[None]]

    def wait(self) -> None:
        """For those that were not waited for at first. Raises StartFailed."""
        _results(self._taken)


def make_lock_dir(data_dir: Path) -> None:
    try:
        make_data_dir(data_dir)
        (data_dir / "locks").mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StartFailed(
            f"The data folder {data_dir} cannot be used: {error.strerror}."
        ) from error


def _results(futures: Iterable[Future[None]]) -> None:
    for future in futures:
        future.result()
