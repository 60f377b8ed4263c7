"""What must be done before the processes start: migrations, first-run data, static files."""

import io
import traceback
from pathlib import Path

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.backends.postgresql.base import DatabaseWrapper

from accounts.services import create_first_admin
from chatbot_project.embedded.errors import StartFailed

CONNECT_SECONDS = 5
NewAdmin = tuple[str, str, str]  # e-mail, password, API key


def prepare() -> NewAdmin | None:
    """Bring the database and the static files up to date. The first time, the admin made."""
    if settings.DATABASE_URL:
        check_database(settings.DATABASE_URL)
    migrate(settings.DATA_DIR / "migrate.log")
    admin = create_first_admin()
    call_command("collectstatic", interactive=False, verbosity=0)
    connection.close()
    if isinstance(connection, DatabaseWrapper):
        connection.close_pool()
    return admin


def check_database(url: str) -> None:
    """A pool would try for long and say little."""
    try:
        psycopg.connect(url, connect_timeout=CONNECT_SECONDS).close()
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[-1]
        raise StartFailed(f"The database of DATABASE_URL cannot be reached: {reason}") from error


def migrate(log: Path) -> None:
    """Apply what is missing. Raises StartFailed, with the whole story in the log."""
    output = io.StringIO()
    try:
        call_command("migrate", interactive=False, stdout=output, no_color=True)
    except Exception as error:  # a migration runs any code: whatever it raises, we say which it was
        log.write_text(output.getvalue() + traceback.format_exc())
        step = output.getvalue().strip().splitlines()[-1].strip().rstrip(".")
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise StartFailed(f"The migration failed ({step}): {reason}. See {log}") from error
