"""Finding or starting the embedded servers of a data folder, for as long as somebody needs them."""

from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

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


SERVERS: dict[str, Callable[[Path, bool], Server]] = {
    "postgres": Postgres,
    "valkey": Valkey,
    "llm": LanguageModel,
}


@contextmanager
def running(
    names: Collection[str], data_dir: Path, *, durable: bool = True, later: Collection[str] = ()
) -> Iterator[Callable[[], None]]:
    """Find or start the named servers ("postgres", "valkey", "llm"), all at once.

    Whoever uses a server holds a share in it; the last one to leave stops it. Those of `later` are
    not waited for: the function that this yields does that. Both raise StartFailed.
    """
    data_dir = data_dir.resolve()
    held = [_Held(name, SERVERS[name](data_dir, durable), data_dir) for name in names]
    if not held:
        yield lambda: None
        return
    make_lock_dir(data_dir)
    with ThreadPoolExecutor(len(held)) as pool:
        taken = {share.name: pool.submit(share.take) for share in held}
        try:
            _results(taken[name] for name in names if name not in later)
            yield lambda: _results(taken.values())
        finally:
            wait(taken.values())  # an interrupted start is finished before it is undone
            _results([pool.submit(share.give_back) for share in held])


def missing(names: Iterable[str], data_dir: Path) -> str:
    """The first of the named servers that does not run, or "" """
    servers = ((name, SERVERS[name](data_dir.resolve(), True)) for name in names)
    return next((name for name, server in servers if not server.is_running()), "")


class _Held:
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

    def give_back(self) -> None:
        if self._lease is None:
            return
        with exclusive(self._path.with_suffix(".start")):
            if self._lease.is_last():
                self._server.stop()
            self._lease.end()


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
