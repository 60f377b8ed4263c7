"""The names of all settings, as chatbot_project/settings.py reads them."""

import re
from pathlib import Path

SETTINGS = Path(__file__).resolve().parent.parent / "chatbot_project" / "settings.py"
READ = re.compile(r"""\benv\.(?!read_file)\w+\(\s*"([A-Z][A-Z0-9_]*)\"""")


def names_read() -> set[str]:
    return set(READ.findall(SETTINGS.read_text()))
