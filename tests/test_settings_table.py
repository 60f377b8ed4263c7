"""README's table and .env.example name every setting there is, and none that there is not."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.setting_names import names_read

ROOT = Path(__file__).resolve().parent.parent
ROW = re.compile(r"^\| `([A-Z][A-Z0-9_]*)` \|", re.MULTILINE)
LINE = re.compile(r"^# ?([A-Z][A-Z0-9_]*)=", re.MULTILINE)


def test_the_table_in_the_readme_is_complete() -> None:
    assert set(ROW.findall((ROOT / "README.md").read_text())) == names_read()


def test_the_example_file_is_complete() -> None:
    file_itself = {"ENV_FILE"}
    assert set(LINE.findall((ROOT / ".env.example").read_text())) == names_read() - file_itself


def test_settings_are_read_in_one_place() -> None:
    allowed = {"settings.py", "environment.py"}
    # The supervisor hands the environment on; it takes no setting from it.
    allowed |= {"procfile.py", "welcome.py"}
    readers = re.compile(r"\bEnvironment\(\)|\bgetenv\b|\benviron\b(?!\.setdefault\()")
    outside = {"tests", "bench"}
    apps = [path.parent for path in ROOT.glob("*/__init__.py") if path.parent.name not in outside]
    assert len(apps) >= 7
    for path in (path for app in apps for path in app.rglob("*.py")):
        assert path.name in allowed or not readers.search(path.read_text()), path


def test_the_tests_take_nothing_from_the_shell() -> None:
    shell = dict.fromkeys(names_read(), "nonsense")
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", "import tests.settings"],
        cwd=ROOT,
        env=shell | kept,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
