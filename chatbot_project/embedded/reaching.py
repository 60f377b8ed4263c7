"""Whether the database of DATABASE_URL can be reached, said in one line."""

import psycopg

from chatbot_project.embedded.errors import StartFailed

CONNECT_SECONDS = 5


def check_database(url: str) -> None:
    """A pool would try for long and say little."""
    try:
        psycopg.connect(url, connect_timeout=CONNECT_SECONDS).close()
    except psycopg.Error as error:
        reason = last_line(str(error)) or type(error).__name__
        raise StartFailed(f"The database of DATABASE_URL cannot be reached: {reason}") from error


def last_line(text: str) -> str:
    """The last one that is no hint: libpq indents those."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("\t")]
    return lines[-1].strip(" .") if lines else ""
