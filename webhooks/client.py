"""Posting over HTTP/1.1 to whoever an account names: bounded in time and size, bound to an address.

A client of our own, because the usual ones look names up themselves, read answers to their end, and
cost several times as much. It connects to the addresses that were checked, and to nothing else:
it follows no redirect and knows no proxy.
"""

import asyncio
import errno
import os
import socket
import ssl
import time
from collections import defaultdict
from collections.abc import Generator
from functools import cache, lru_cache
from typing import cast

from webhooks import addresses
from webhooks.answers import Answer, BadAnswer, Reader
from webhooks.targets import Target, resolve

CONNECT_SECONDS = 5.0  # for each address of a name
# Shorter than servers keep a connection open: else we would write to one that is just closing.
KEEP_SECONDS = 2.0
KEPT = 200  # open without use, to all targets
EXHAUSTED = (errno.EMFILE, errno.ENFILE)
COMMON = (
    "Content-Type: application/json\r\nUser-Agent: Chatbot-Webhooks/1.0\r\nAccept: */*\r\n"
    "webhook-id: %s\r\nwebhook-timestamp: %s\r\nwebhook-signature: %s\r\nContent-Length: %d\r\n\r\n"
)


Key = tuple[bool, str, int, bool]  # all of a target but its path


class Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._reader = Reader()
        self._reading: Generator[None, None, Answer] | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self.was_heard = False  # something has come back
        self.free_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    async def post(self, request: bytes, deadline: float) -> Answer:
        """By the loop's clock. Raises TimeoutError, BadAnswer, EOFError, ssl.SSLError, OSError."""
        loop = asyncio.get_running_loop()
        self.was_heard = False
        self._answer, self._reading = loop.create_future(), self._reader.answer()
        next(self._reading)
        timer = loop.call_at(deadline, self._fail, TimeoutError())
        try:
            if self._transport is None or self._transport.is_closing():
                raise EOFError
            self._transport.write(request)
            return await self._answer
        finally:
            timer.cancel()
            self._answer = None

    def data_received(self, data: bytes) -> None:
        if self._answer is None or self._answer.done():  # nobody has asked for this
            self.close()
        else:
            self.was_heard = True
            self._reader.received += data
            self._read()

    def eof_received(self) -> None:
        self._end(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._end(error)

    def _end(self, error: Exception | None) -> None:
        self._reader.ended = True
        if error is not None:
            self._fail(error)
        self._read()

    def _read(self) -> None:
        if self._answer is None or self._answer.done() or self._reading is None:
            return
        try:
            next(self._reading)
        except StopIteration as end:
            self._answer.set_result(end.value)
        except (BadAnswer, EOFError) as error:
            self._answer.set_exception(error)

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)

    def is_fresh(self) -> bool:
        return not self._reader.ended and time.monotonic() - self.free_since < KEEP_SECONDS

    def close(self) -> None:
        self._reader.ended = True
        if self._transport is not None:
            self._transport.abort()


@cache
def _tls() -> ssl.SSLContext:
    """Loading the authorities takes 20 ms: once a process."""
    return ssl.create_default_context()


class Exhausted(Exception):
    """This process has no descriptor left for a connection, or no thread for a look-up: no fault of
    the receiver's."""


class Client:
    """Keeps connections open for a moment, for the next post to the same target."""

    def __init__(self) -> None:
        self._free: dict[Key, list[Connection]] = defaultdict(list)
        self._kept: dict[Connection, Key] = {}  # all that are free, the oldest first

    async def post(
        self, target: Target, signed: tuple[str, str, str], body: bytes, seconds: float
    ) -> Answer:
        """`signed`: id, timestamp and signatures. `seconds`: for all of it.

        Raises TimeoutError, NotPublic, BadAnswer, ssl.SSLError, OSError, EOFError, UnicodeError,
        Exhausted.
        Cancelled, it closes its connection.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        request = f"{_head(target)}{COMMON % (*signed, len(body))}".encode("latin-1") + body
        kept = self._take(target)
        if kept is not None:
            try:
                return await self._exchange(target, kept, request, deadline)
            except (EOFError, ConnectionError):
                if kept.was_heard:
                    raise
        # A kept connection that its server was just closing is no failure of the server's.
        try:
            async with asyncio.timeout_at(deadline):
                connection = await self._opened(target)
        except TimeoutError:
            if addresses.is_queued(target.host, target.port):
                raise Exhausted from None
            raise
        return await self._exchange(target, connection, request, deadline)

    async def _opened(self, target: Target) -> Connection:
        """Raises Exhausted, with all that was kept closed, so that others find room."""
        try:
            return await _connect(target)
        except OSError as error:
            if not _is_exhausted(error):
                raise
            self.close()
            raise Exhausted from error

    async def _exchange(
        self, target: Target, connection: Connection, request: bytes, deadline: float
    ) -> Answer:
        try:
            answer = await connection.post(request, deadline)
        except BaseException:
            connection.close()
            raise
        if answer.reusable:
            self._keep(_key(target), connection)
        else:
            connection.close()
        return answer

    def _keep(self, key: Key, connection: Connection) -> None:
        connection.free_since = time.monotonic()
        self._free[key].append(connection)
        self._kept[connection] = key
        if len(self._kept) > KEPT:
            self._drop(next(iter(self._kept)))

    def _drop(self, connection: Connection) -> None:
        self._forget(connection)
        connection.close()

    def _forget(self, connection: Connection) -> None:
        key = self._kept.pop(connection)
        self._free[key].remove(connection)
        if not self._free[key]:
            del self._free[key]

    def _take(self, target: Target) -> Connection | None:
        for connection in reversed(self._free.get(_key(target), [])[:]):
            if connection.is_fresh():
                self._forget(connection)
                return connection
            self._drop(connection)
        return None

    def close_idle(self) -> None:
        """What nobody has taken for a while: its server may want to be rid of it."""
        for connection in [each for each in self._kept if not each.is_fresh()]:
            self._drop(connection)

    def close(self) -> None:
        for connection in self._kept:
            connection.close()
        self._kept.clear()
        self._free.clear()


def _is_exhausted(error: OSError) -> bool:
    """A look-up that finds no descriptor says that it has found no name."""
    if not isinstance(error, socket.gaierror):
        return error.errno in EXHAUSTED
    try:
        os.close(os.dup(0))
    except OSError as failure:
        return failure.errno in EXHAUSTED
    return False


def _key(target: Target) -> Key:
    return target.tls, target.host, target.port, target.allowed


@lru_cache(maxsize=1024)
def _head(target: Target) -> str:
    return f"POST {target.path} HTTP/1.1\r\nHost: {target.host_header}\r\n"


async def _connect(target: Target) -> Connection:
    """To the first of the target's addresses that takes us."""
    loop = asyncio.get_running_loop()
    failure: OSError = OSError("The name has no address.")
    for address in await resolve(target):
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, connection = await loop.create_connection(
                    Connection,
                    address,
                    target.port,
                    ssl=_tls() if target.tls else None,
                    server_hostname=target.host.rstrip(".") if target.tls else None,
                )
        except ssl.SSLError:
            raise
        except OSError as error:  # TimeoutError is one
            failure = error
        else:
            return connection
    raise failure
