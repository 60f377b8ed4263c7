"""What the start tells: where everything is, and once only the first admin's password and key."""

import http.client
import os
import shlex
import sys
import threading
from types import TracebackType

from django.conf import settings

from accounts.services import FIRST_ADMIN
from chatbot_project.embedded.release import NewAdmin, sign_in

POLL_SECONDS = 0.05
QUESTION = '{"message": "How many requests per minute does the premium tier allow?"}'


class Welcome:
    """Waits beside the processes until the web answers, then prints the text."""

    def __init__(self, new_admin: NewAdmin | None) -> None:
        self._new_admin = new_admin
        self._done = threading.Event()
        self._answered = threading.Event()
        self._thread = threading.Thread(target=self._wait, daemon=True)

    def __enter__(self) -> threading.Event:
        """Gives the event that is set when the web answers."""
        self._thread.start()
        return self._answered

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """A start that fails must not take the only copy of the password with it."""
        self._done.set()
        self._thread.join()
        if self._new_admin:
            lines = ["It ended before it ran; for the next start:", *sign_in(self._new_admin)]
            print("\n".join(lines), flush=True)  # noqa: T201

    def _wait(self) -> None:
        while not self._done.wait(POLL_SECONDS):
            if answers():
                self._answered.set()
                print(text(self._new_admin), flush=True)  # noqa: T201
                self._new_admin = None
                return


def text(new_admin: NewAdmin | None) -> str:
    """The lines between two rules."""
    lines = [f"{settings.SITE_NAME} is running: {settings.PUBLIC_URL}"]
    lines += [f"  API explorer  {settings.PUBLIC_URL}/api/docs"]
    lines += [f"  Admin         {settings.PUBLIC_URL}/admin/"]
    if new_admin:
        lines += sign_in(new_admin)
    lines += ["Ask it something:", f"  {curl(new_admin)}"]
    if settings.DATABASE_URL and not new_admin:
        lines += [
            "CHATBOT_API_KEY: a key of yours. Where DATABASE_URL is set as here, this makes one:"
        ]
        lines += [f"  {key_command()}"]
    lines += ["Ctrl-C stops everything."]
    rule = "-" * 78
    return "\n".join(["", rule, *lines, rule, ""])


def curl(new_admin: NewAdmin | None) -> str:
    """One line to paste. Keys are not stored: a later start's makes one, once in each terminal.

    Not with a database elsewhere: its address holds a password, and without it the key would be
    made in the embedded one.
    """
    if new_admin:
        key = new_admin[2]
    elif settings.DATABASE_URL:
        key = "$CHATBOT_API_KEY"
    else:
        key = f"${{CHATBOT_API_KEY:=$({key_command()})}}"
    return (
        f"curl -s {shlex.quote(f'{local_url()}/api/chat')}"
        f' -H "Authorization: Bearer {key}"'
        ' -H "Content-Type: application/json"'
        f" -d {shlex.quote(QUESTION)}"
    )


def key_command() -> str:
    """Makes a key wherever it is pasted, with the settings file and the data folder of this run."""
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "createapikey", FIRST_ADMIN]
    given = {"ENV_FILE": settings.ENV_FILE, "CHATBOT_DATA_DIR": settings.DATA_DIR}
    variables = [f"{name}={path}" for name, path in given.items() if os.environ.get(name)]
    return shlex.join(["env", *variables, *command] if variables else command)


def local_host() -> str:
    """Where this machine reaches the web. An address, since `localhost` may mean ::1 first."""
    return "127.0.0.1" if settings.HOST in {"0.0.0.0", "::", "localhost"} else settings.HOST  # noqa: S104


def local_url() -> str:
    """An IPv6 address stands in brackets, which shells would have quoted."""
    host = local_host()
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.PORT}"


def answers() -> bool:
    connection = http.client.HTTPConnection(local_host(), settings.PORT, timeout=2)
    try:
        connection.request("GET", "/healthz")
        connection.getresponse()
    except OSError:
        return False
    finally:
        connection.close()
    return True
