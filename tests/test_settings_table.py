"""README's table and .env.example name every setting there is, and none that there is not."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
READ = re.compile(r"""\benv\.(?!read_file)\w+\(\s*"([A-Z][A-Z0-9_]*)\"""")
ROW = re.compile(r"^\| `([A-Z][A-Z0-9_]*)` \|", re.MULTILINE)
LINE = re.compile(r"^# ?([A-Z][A-Z0-9_]*)=", re.MULTILINE)


def names_read() -> set[str]:
    return set(READ.findall((ROOT / "chatbot_project" / "settings.py").read_text()))


def test_the_table_in_the_readme_is_complete() -> None:
    assert set(ROW.findall((ROOT / "README.md").read_text())) == names_read()


def test_the_example_file_is_complete() -> None:
    file_itself = {"ENV_FILE"}
    assert set(LINE.findall((ROOT / ".env.example").read_text())) == names_read() - file_itself


def test_settings_are_read_in_one_place() -> None:
    allowed = {"settings.py", "environment.py"}
    readers = re.compile(r"\bEnvironment\(\)|os\.getenv\(")
    for folder in ("accounts", "chat", "chatbot_project", "documents"):
        for path in (ROOT / folder).rglob("*.py"):
            assert path.name in allowed or not readers.search(path.read_text()), path
