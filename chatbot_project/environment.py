"""Settings from the environment. A bad value ends the process with one line that names it."""

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import environ
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off"}
POSTGRES = ("postgres", "postgresql")
REDIS = ("redis", "rediss", "unix")
HTTP = ("http", "https")
MAIL = ("smtp", "smtp+tls", "smtp+ssl")
# Within the class below the types' own names are its methods'.
Text = str
Texts = list[str]
Whole = int
Real = float
Truth = bool


class BadSetting(SystemExit):
    """Ends any process that reads the settings: Python prints the line alone, exit status 1."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"Setting {name}: {problem}")


class Environment:
    """Typed values of environment variables. One that is empty counts as absent."""

    def read_file(self, path: Path, *, is_optional: Truth) -> None:
        """Take from a `.env` file what the environment does not say itself."""
        if is_optional and not path.exists():
            return
        try:
            path.read_text("utf-8")  # django-environ passes over a file that it cannot open
            environ.Env.read_env(path)
        except (OSError, UnicodeDecodeError) as error:
            raise BadSetting("ENV_FILE", f"{path} cannot be read ({error}).") from None

    def str(
        self,
        name: Text,
        default: Text = "",
        *,
        choices: Collection[Text] = (),
        shortest: Whole = 0,
    ) -> Text:
        value = os.environ.get(name, "").strip() or default
        if value and len(value) < shortest:
            raise BadSetting(name, f"has {len(value)} characters; {shortest} are the least.")
        if choices and value and value not in choices:
            raise BadSetting(name, f"{value!r} is not one of {', '.join(choices)}.")
        return value

    def int(
        self,
        name: Text,
        default: Whole,
        *,
        minimum: Whole = 0,
        maximum: Whole = 2**31 - 1,
    ) -> Whole:
        value = self._number(name, int, default, "a whole number")
        if not minimum <= value <= maximum:
            raise BadSetting(name, f"{value} is not between {minimum} and {maximum}.")
        return value

    def float(self, name: Text, default: Real, *, minimum: Real = 0.0) -> Real:
        value = self._number(name, float, default, "a number")
        if not minimum <= value < float("inf"):
            raise BadSetting(name, f"{value} is not a number from {minimum} up.")
        return value

    def bool(self, name: Text, default: Truth = False) -> Truth:
        text = self.str(name).lower()
        if not text:
            return default
        if text not in TRUE | FALSE:
            raise BadSetting(name, f"{text!r} is neither true nor false.")
        return text in TRUE

    def list(self, name: Text, default: Sequence[Text] = ()) -> Texts:
        """Comma-separated, blanks around the parts dropped, empty parts too."""
        text = self.str(name)
        return [part.strip() for part in text.split(",") if part.strip()] if text else [*default]

    def addresses(self, name: Text) -> Texts:
        """Comma-separated `host:port`, in lower case."""
        found = [part.lower() for part in self.list(name)]
        for part in found:
            host, _, port = part.rpartition(":")
            if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
                raise BadSetting(name, f"{part!r} is not host:port, as in receiver.internal:8080.")
        return found

    def pairs(self, name: Text) -> dict[Text, Text]:
        """Comma-separated `left=right` pairs; a part without `=` stands for both sides."""
        found = {}
        for part in self.list(name):
            left, equals, right = (piece.strip() for piece in part.partition("="))
            if not left or (equals and not right):
                raise BadSetting(name, f"{part!r} is not a pair like public=provider.")
            found[left] = right or left
        if self.str(name) and not found:
            raise BadSetting(name, "holds no pair like public=provider.")
        return found

    def url(
        self,
        name: Text,
        default: Text = "",
        *,
        schemes: Sequence[Text] = HTTP,
    ) -> Text:
        """An address without a slash at its end."""
        value = self.str(name, default)
        if value:
            check_url(name, value, schemes)
        return value.rstrip("/")

    def _number(self, name: Text, kind: Any, default: Any, wanted: Text) -> Any:
        text = self.str(name)
        try:
            return kind(text) if text else default
        except ValueError:
            raise BadSetting(name, f"{text!r} is not {wanted}.") from None


def check_url(name: str, value: str, schemes: Sequence[str]) -> None:
    """Refuse what is no address of these schemes. It is not shown: it may hold a password."""
    try:
        parts = urlsplit(value)
        is_complete = bool(parts.netloc or (parts.scheme == "unix" and parts.path))
        parts.port  # noqa: B018 - raises ValueError on a bad one
    except ValueError:
        is_complete = False
    if not is_complete or parts.scheme not in schemes:
        wanted = " or ".join(f"{scheme}://" for scheme in schemes)
        raise BadSetting(name, f"must be an address that starts with {wanted}.")


def check_both_read_the_same(url: str, config: dict[str, Any]) -> None:
    """Refuse an address that PostgreSQL's library refuses or divides elsewhere than Django's does.

    Its messages would show pieces of the password.
    """
    try:
        password = conninfo_to_dict(url).get("password") or ""
    except ProgrammingError:
        raise BadSetting(
            "DATABASE_URL",
            "is no address that PostgreSQL's library can read, or has options"
            " that it does not know.",
        ) from None
    if password != (config["PASSWORD"] or config.get("OPTIONS", {}).get("password", "")):
        raise BadSetting(
            "DATABASE_URL",
            "write special characters of the password as %40 for @, %2F for /,"
            " %23 for #, %3F for ?.",
        )


def database_config(url: str, options: dict[str, Any]) -> dict[str, Any]:
    """Django's description of the database at this address."""
    check_url("DATABASE_URL", url, POSTGRES)
    config: dict[str, Any] = environ.Env.db_url_config(url, engine="chatbot_project.database")
    check_both_read_the_same(url, config)
    config["HOST"] = unquote(config["HOST"])  # a socket's folder is written with %2F
    config["OPTIONS"] = {**config.get("OPTIONS", {}), **options}
    return config


def pool_options(size: int, *, prepared: bool) -> dict[str, Any]:
    """Django's OPTIONS of a database whose connections are pooled, `size` of them at most."""
    return {
        "pool": {
            "min_size": 1,
            "max_size": size,
            "timeout": 2,  # seconds that a call waits for a connection
            "reconnect_timeout": 5,  # its tries come ever later: better to begin anew
        },
        # A server that has gone silent, not closed: noticed within a quarter of a minute, not of an
        # hour. (They say nothing to a Unix socket.)
        "keepalives_idle": 5,
        "keepalives_interval": 3,
        "keepalives_count": 3,
        "tcp_user_timeout": 15_000,  # milliseconds
        "server_side_binding": prepared,
        "prepare_threshold": 5 if prepared else None,
    }


def email_config(url: str) -> dict[str, Any]:
    """Django's EMAIL_ settings for the server at this address."""
    check_url("EMAIL_URL", url, MAIL)
    config: dict[str, Any] = environ.Env.email_url_config(url)
    return {name: value for name, value in config.items() if name.startswith("EMAIL_")}
