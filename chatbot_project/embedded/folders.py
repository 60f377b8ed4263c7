"""The short folder that holds the sockets, in a place where others may write too."""

import os
import stat
from pathlib import Path

from chatbot_project.embedded.addresses import socket_dir
from chatbot_project.embedded.errors import StartFailed


def make_socket_dir(data_dir: Path) -> Path:
    """Make the folder of the sockets, and refuse one that somebody else has put there."""
    path = socket_dir(data_dir)
    path.mkdir(mode=0o711, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise StartFailed(f"{path} belongs to somebody else: remove it, or use another data folder.")
    path.chmod(0o711)
    return path


def make_private_dir(path: Path, owner: tuple[int, int]) -> None:
    """A folder that only its owner (uid, gid) may enter."""
    path.mkdir(mode=0o700, exist_ok=True)
    if os.getuid() == 0:
        os.chown(path, *owner)
    path.chmod(0o700)
