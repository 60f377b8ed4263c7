"""Secrets made once and kept in the data folder, readable by its owner alone."""

import os
import secrets
from pathlib import Path


def make_data_dir(data_dir: Path) -> None:
    """Make the data folder if it is missing; the mode of one that exists is its owner's business.

    Root's is one that others may pass through but not list: PostgreSQL runs as another user and
    its folder is inside.
    """
    if not data_dir.is_dir():
        data_dir.mkdir(parents=True, exist_ok=True)
        data_dir.chmod(0o711 if os.getuid() == 0 else 0o700)


def kept_secret(data_dir: Path, name: str) -> str:
    """The secret of this name, made on first use. Two processes that race get the same one."""
    path = data_dir / name
    try:
        return path.read_text()
    except (FileNotFoundError, NotADirectoryError):
        make_data_dir(data_dir)
    draft = data_dir / f".{name}.{os.getpid()}"
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_urlsafe(36))
    try:
        os.link(draft, path)  # unlike a rename, this never replaces a winner's secret
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text()
