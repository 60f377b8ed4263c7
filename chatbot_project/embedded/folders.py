"""The folders the servers need: of their sockets, of their data, of their programs."""

import os
import stat
from importlib.util import find_spec
from pathlib import Path

from chatbot_project.embedded.errors import StartFailed


def make_private_dir(path: Path, owner: tuple[int, int]) -> None:
    """A folder that only its owner (uid, gid) may enter. Raises StartFailed if it is another's."""
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.getuid(), owner[0]}:
        raise StartFailed(f"{path} belongs to somebody else: use another data folder.")
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
