"""What must be done before the processes start: migrations, first-run data."""

import io
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import Error as DatabaseError  # lost connections too
from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper

from accounts.services import create_first_admin
from chatbot_project.embedded.errors import StartFailed
from chatbot_project.embedded.reaching import check_database, last_line
from chatbot_project.site import help_articles
from chatbot_project.site.models import IndexedArticle

NewAdmin = tuple[str, str, str]  # e-mail, password, API key


def prepare() -> NewAdmin | None:
    """Bring the database up to date. The first time, the admin made. Raises StartFailed.

    The caller tells of the admin before anything else, or whatever happens: nobody else can.
    """
    if settings.DATABASE_URL:
        check_database(settings.DATABASE_URL)
    migrate(settings.DATA_DIR / "migrate.log")
    with first_run_data():
        return create_first_admin()


def complete() -> None:
    """What else there is to prepare, which takes some seconds. Raises StartFailed."""
    with first_run_data():
        index_help()
    close_database()


@contextmanager
def first_run_data() -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        raise StartFailed(f"The first-run data cannot be made: {first_line(error)}.") from error


def index_help() -> None:
    """The help articles as a sample knowledge base, for the embedded model; elsewhere kept up to
    date, once somebody has made them part of it. In a process of its own: what it loads, it takes
    with it. Without them everything runs."""
    if not (settings.EMBEDDED_MODEL or IndexedArticle.objects.exists()):
        return
    if not help_articles.work(help_articles.articles()):
        return
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "index_help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stderr.write(f"The help articles are not searchable: {last_line(done.stderr)}\n")


def sign_in(admin: NewAdmin) -> list[str]:
    """The lines that tell of a new admin, the only time that anybody does."""
    email, password, key = admin
    return [
        f"    sign in     {email}  {password}",
        f"  API key       {key}",
        "  Password and key are shown this once.",
    ]


def close_database() -> None:
    """What runs for days does not hold connections it used for a second."""
    database = connections["default"]
    database.close()
    if isinstance(database, DatabaseWrapper):
        database.close_pool()


def migrate(log: Path) -> None:
    """Apply what is missing. Raises StartFailed, with the whole story in the log."""
    output = io.StringIO()
    try:
        call_command("migrate", interactive=False, stdout=output, no_color=True)
    except Exception as error:  # a migration runs any code: whatever it raises, we say which it was
        where = kept(output.getvalue() + traceback.format_exc(), log)
        step = last_line(output.getvalue()) or "before the first step"
        story = f"The migration failed ({step}): {first_line(error)}.{where}"
        raise StartFailed(story) from error


def kept(story: str, log: Path) -> str:
    """Where it can be read. A data folder that nothing else needs may not be writable."""
    try:
        log.write_text(story)
    except OSError:
        sys.stderr.write(story)
        return ""
    return f" See {log}"


def first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].strip(" .") or type(error).__name__
