"""PostgreSQL as Django knows it, without the pooled connections that have died, and without a
queue of calls that all wait for a database which is down. One that is busy is not down.

After a restart of the database every idle connection of the pool would fail one request. Django's
CONN_HEALTH_CHECKS asks each one before each use, which costs a round trip; a look at its socket
does not: an idle connection has nothing to say but that the server has ended it.
"""

import select
import time
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg_pool import PoolTimeout

from chatbot_project.api.breaker import Breaker

PAUSE = 1.5  # seconds without trying, after no connection could be had

breaker = Breaker("The database does not answer: what needs it fails at once", PAUSE)
_last_given = 0.0  # time.monotonic() when a call was given a connection


# A machine that loses its power in a transaction must not hold its locks for as long as TCP takes
# to notice.
IDLE_IN_TRANSACTION = "SET idle_in_transaction_session_timeout = '60s'"


class DatabaseWrapper(base.DatabaseWrapper):
    lock_timeout = ""  # for the calls of this thread; without one they wait

    def _configure_connection(self, connection: Any) -> bool:
        """Once for each that is opened."""
        connection.execute(IDLE_IN_TRANSACTION)
        super()._configure_connection(connection)  # type: ignore[misc]  # the stubs lack it
        return True

    def init_connection_state(self) -> None:
        """When a thread has been given a connection, which may have been another one's."""
        super().init_connection_state()
        connection: Any = self.connection
        if getattr(connection, "lock_timeout", "") == self.lock_timeout:
            return  # most often, and a round trip is spared
        if self.lock_timeout:
            set_it = "SELECT set_config('lock_timeout', %s, false)"
            connection.execute(set_it, [self.lock_timeout])
        else:
            connection.execute("RESET lock_timeout")
        connection.lock_timeout = self.lock_timeout

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        global _last_given
        if not breaker.allows():
            raise psycopg.OperationalError("the database did not answer a moment ago")
        try:
            connection = self.get_live_connection(conn_params)
        except psycopg.OperationalError as error:
            if not self.is_busy(error):
                breaker.failed(error)
            raise
        _last_given = time.monotonic()
        breaker.succeeded()
        return connection

    def is_busy(self, error: psycopg.OperationalError) -> bool:
        """Whether others were given connections while this call waited for one in vain."""
        if not isinstance(error, PoolTimeout) or self.pool is None:
            return False
        waited: float = self.pool.timeout
        return time.monotonic() - _last_given < waited

    def get_live_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        while self.pool and is_dead(connection):
            connection.close()
            self.pool.putconn(connection)  # which replaces it
            connection = super().get_new_connection(conn_params)
        return connection

    def make_ready(self, lock_timeout: str) -> None:
        """Before a call of a thread that keeps its connection, which waits no longer than that for
        a lock."""
        global _last_given
        self.lock_timeout = lock_timeout
        if self.connection is None:
            return
        if is_dead(self.connection):
            self.close()
        else:
            _last_given = time.monotonic()

    def drop_spoilt(self) -> None:
        """After a call of a thread that keeps its connection."""
        if self.errors_occurred or not self.autocommit:
            self.close()


def is_dead(connection: Any) -> bool:
    """Whether an idle connection is closed, or has something to read: its end, or what is not worth
    a thought."""
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
