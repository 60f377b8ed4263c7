"""For what a process needs one of, and several threads ask for."""

from collections.abc import Callable
from functools import cache, wraps
from threading import Lock
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def once(make: Callable[P, R]) -> Callable[P, R]:
    """Like functools.cache, which lets threads that ask at the same moment make one each."""
    lock, kept = Lock(), cache(make)

    @wraps(make)
    def get(*args: P.args, **kwargs: P.kwargs) -> R:
        with lock:
            return kept(*args, **kwargs)  # type: ignore[arg-type]  # all of them can be hashed

    return get
