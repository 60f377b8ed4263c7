"""`manage.py`: any of Django's commands, with the embedded servers it needs running meanwhile."""

import signal
import sys
from collections.abc import Sequence
from types import FrameType

import psycopg
from django.conf import settings
from django.core.management import execute_from_command_line

from chatbot_project.embedded.errors import StartFailed
from chatbot_project.embedded.reaching import check_database
from chatbot_project.embedded.services import running

# Neither these nor any command's --help read or write data. `run` sees to its servers itself.
WITHOUT_SERVERS = {
    *("help", "version", "check", "findstatic", "spectacular", "diffsettings"),
    *("makemessages", "compilemessages", "startapp", "startproject", "run"),
}
# What these work on is the state before the tables are made.
WITHOUT_TABLES = {
    *("migrate", "release", "makemigrations", "showmigrations", "sqlmigrate", "squashmigrations"),
    *("optimizemigration", "dbshell", "test"),
}


def execute(arguments: Sequence[str]) -> None:
    """Run one command line; what stops it is said in one line, with exit status 1."""
    signal.signal(signal.SIGTERM, leave)
    try:
        if needs_servers(arguments[1:]) and settings.DATABASE_URL:
            check_database(settings.DATABASE_URL)
        names = servers_for(arguments[1:])
        with running(names, settings.DATA_DIR):
            if "postgres" in names and arguments[1] not in WITHOUT_TABLES and not has_tables():
                execute_from_command_line([arguments[0], "migrate", "--verbosity", "0"])
            execute_from_command_line([*arguments])
    except StartFailed as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        sys.exit(130)


def servers_for(arguments: Sequence[str]) -> list[str]:
    """The embedded servers this command line needs, of those that the settings leave to us."""
    if not needs_servers(arguments):
        return []
    return [name for name in settings.EMBEDDED_SERVICES if name != "llm"]


def needs_servers(arguments: Sequence[str]) -> bool:
    asks_for_help = not arguments or {"-h", "--help", "--version"} & {*arguments}
    return not asks_for_help and arguments[0] not in WITHOUT_SERVERS


def has_tables() -> bool:
    """Whether the embedded database has been migrated; before the first start nobody has."""
    with psycopg.connect(settings.EMBEDDED["DATABASE_URL"]) as database:
        found = database.execute("SELECT to_regclass('django_migrations') IS NOT NULL").fetchone()
    return bool(found and found[0])


def leave(signum: int, frame: FrameType | None) -> None:
    """On SIGTERM: end as on an error, so that servers which nobody else uses are stopped."""
    sys.exit(128 + signum)
