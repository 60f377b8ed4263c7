"""PostgreSQL as Django knows it, without the pooled connections that have died.

After a restart of the database every idle connection of the pool would fail one request. Django's
CONN_HEALTH_CHECKS asks each one before each use, which costs a round trip; a look at its socket
does not: an idle connection has nothing to say but that the server has ended it.
"""

import select
from typing import Any

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        while self.pool and has_spoken(connection):
            connection.close()
            self.pool.putconn(connection)  # which replaces it
            connection = super().get_new_connection(conn_params)
        return connection


def has_spoken(connection: Any) -> bool:
    """Whether an idle connection has something to read: its end, or what is not worth a thought."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
