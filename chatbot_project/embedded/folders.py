"""The folders the servers need: of their sockets, of their data, of their programs."""

import os
import stat
from importlib.util import find_spec
from pathlib import Path

from chatbot_project.embedded.addresses import socket_dir
from chatbot_project.embedded.errors import StartFailed


def make_socket_dir(data_dir: Path) -> Path:
    """Make the folder of the sockets, and refuse one that somebody else has put there."""
    path = socket_dir(data_dir)
    path.mkdir(mode=0o711, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise StartFailed(
            f"{path} belongs to somebody else: remove it, or use another data folder."
        )
    path.chmod(0o711)
    return path


def make_private_dir(path: Path, owner: tuple[int, int]) -> None:
    """A folder that only its owner (uid, gid) may enter."""
    path.mkdir(mode=0o700, exist_ok=True)
    if os.getuid() == 0:
        os.chown(path, *owner)
    path.chmod(0o700)


def package_folder(name: str) -> Path:
    """Where an installed package's files are; its code is not loaded. Raises StartFailed."""
    package = find_spec(name)
    if package is None or package.origin is None:
        raise StartFailed(
            f"The package {name} is not installed: run `make run`, which installs it."
        )
    return Path(package.origin).parent
