"""Whether the servers of DATABASE_URL and REDIS_URL can be reached, said in one line."""

import psycopg
import redis

from chatbot_project.embedded.errors import StartFailed

CONNECT_SECONDS = 5


def check_database(url: str) -> None:
    """A pool would try for long and say little."""
    try:
        psycopg.connect(url, connect_timeout=CONNECT_SECONDS).close()
    except psycopg.Error as error:
        reason = last_line(str(error)) or type(error).__name__
        raise StartFailed(f"The database of DATABASE_URL cannot be reached: {reason}") from error


def complaint_about_redis(url: str) -> str:
    """Empty if it answers. Without it the platform runs, but for what waits in it."""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=CONNECT_SECONDS) as client:
            client.ping()
    except redis.RedisError as error:
        return (
            f"REDIS_URL does not answer ({last_line(str(error)) or type(error).__name__}): until it"
            " does, requests are not counted and nothing is done in the background."
        )
    return ""


def last_line(text: str) -> str:
    """The last one that is no hint: libpq indents those."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("\t")]
    return lines[-1].strip(" .") if lines else ""
