"""The first embeddings of a process may be asked for by several threads at once."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import TypeVar

import pytest

from knowledge import background_loop
from knowledge.once import once
from tests.knowledge.embeddings_server import EmbeddingsServer
from tests.servers import PROJECT

R = TypeVar("R")
THREADS = 8
ROUNDS = 20

# Every thread's first embedding, and another one by each of them: "fine" when all have come.
PROCESS = """
import sys, django
django.setup()
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from knowledge.remote_embedder import RemoteEmbedder
sys.setswitchinterval(1e-6)
embedder, barrier = RemoteEmbedder(sys.argv[1], "", "hashes"), Barrier(8)
def embed(number):
    barrier.wait()
    return [embedder.embed_query(f"tide {number} {time}").shape for time in range(2)]
with ThreadPoolExecutor(8) as pool:
    assert list(pool.map(embed, range(8))) == [[(64,), (64,)]] * 8
print("fine")
"""


@pytest.fixture
def quick_turns() -> Iterator[None]:
    """Threads take turns as often as they can: what may go wrong between them does."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def at_once(function: Callable[[], R]) -> list[R]:
    """Its results in as many threads, which begin together."""
    barrier = Barrier(THREADS)

    def call() -> R:
        barrier.wait()
        return function()

    with ThreadPoolExecutor(THREADS) as pool:
        return [call.result() for call in [pool.submit(call) for _ in range(THREADS)]]


def test_all_of_them_come(embeddings_server: EmbeddingsServer) -> None:
    command = [sys.executable, "-c", PROCESS, embeddings_server.url]
    ended = subprocess.run(
        command, cwd=PROJECT, check=False, capture_output=True, text=True, timeout=60
    )
    assert ended.stdout == "fine\n", ended.stderr[-2000:]


def test_a_process_has_one_loop(quick_turns: None) -> None:
    for process in range(-ROUNDS, 0):  # no process's number
        loops = set(at_once(partial(background_loop._loop, process)))
        for loop in loops:
            loop.call_soon_threadsafe(loop.stop)
        assert len(loops) == 1


def test_what_is_made_once_is_the_same_for_all(quick_turns: None) -> None:
    made: list[object] = []

    @once
    def make(name: str) -> object:
        made.append(name)
        return object()

    for number in range(ROUNDS):
        assert len(set(at_once(partial(make, f"name {number}")))) == 1
    assert len(made) == ROUNDS


def test_what_could_not_be_made_is_tried_again() -> None:
    tries: list[int] = []

    @once
    def make() -> int:
        tries.append(1)
        return 1 // (len(tries) - 1)

    with pytest.raises(ZeroDivisionError):
        make()
    assert (make(), make(), len(tries)) == (1, 1, 2)
