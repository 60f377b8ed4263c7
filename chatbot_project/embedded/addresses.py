"""Where the embedded servers of a data folder are: known before any of them runs.

PostgreSQL and Valkey listen on Unix sockets whose paths follow from the data folder alone. The
language model listens on a loopback port; its number is in a state file once it has been chosen.
"""

import hashlib
import json
import os
from collections.abc import Callable, Collection
from pathlib import Path
from urllib.parse import quote

from chatbot_project.embedded.kept_secrets import kept_secret

DATABASE = USER = "chatbot"
NOT_STARTED_YET = "http://127.0.0.1:9/v1"  # the discard port: refused at once


def folder_key(data_dir: Path) -> str:
    """Twelve hex digits that stand for this data folder wherever a short name is needed."""
    return hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:12]


def socket_dir(data_dir: Path, server: str) -> Path:
    """A short path: a Unix socket's may have 107 bytes, and a data folder's may be longer."""
    name = f"chatbot-{os.getuid()}-{folder_key(data_dir)}-{server}"
    return Path("/tmp") / name  # noqa: S108 - made 0700, and refused if somebody else's


def postgres_socket_dir(data_dir: Path) -> Path:
    return socket_dir(data_dir, "postgres")


def valkey_socket(data_dir: Path) -> Path:
    return socket_dir(data_dir, "valkey") / "valkey.sock"


def model_state_file(data_dir: Path) -> Path:
    return data_dir / "model.json"


def model_state(data_dir: Path) -> dict[str, str]:
    """{"url", "key", "pid"} of the language model started last, or {} if none was."""
    try:
        state: dict[str, str] = json.loads(model_state_file(data_dir).read_text())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    return state


def database_url(data_dir: Path) -> str:
    password = kept_secret(data_dir, "postgres-password")
    host = quote(str(postgres_socket_dir(data_dir)), safe="")
    return f"postgres://{USER}:{password}@{host}/{DATABASE}"


def redis_url(data_dir: Path) -> str:
    return f"unix://{valkey_socket(data_dir)}"


ADDRESSES: dict[str, Callable[[Path], str]] = {
    "SECRET_KEY": lambda data_dir: kept_secret(data_dir, "secret-key"),
    "DATABASE_URL": database_url,
    "REDIS_URL": redis_url,
    "OPENAI_BASE_URL": lambda data_dir: model_state(data_dir).get("url", NOT_STARTED_YET),
    "OPENAI_API_KEY": lambda data_dir: model_state(data_dir).get("key", "not-started-yet"),
}


def embedded_addresses(data_dir: Path, *, besides: Collection[str] = ()) -> dict[str, str]:
    """The settings that the embedded servers stand in for, as environment values.

    Not those of `besides`, for which the folder is not touched. Makes the folder's two secrets on
    first use; raises OSError where the folder cannot be written.
    """
    return {name: find(data_dir) for name, find in ADDRESSES.items() if name not in besides}
