"""Files to read: made here, or from the folder that TEST_DATA names."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from files.extraction import detect, extract
from knowledge.chunking import Block

Read = Callable[[str, bytes | str], list[Block]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """The blocks of a file of this name and content, typed by what is in it."""

    def read(name: str, content: bytes | str) -> list[Block]:
        path = tmp_path / "upload"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return extract(path, media_type=detect(path, name), filename=name)

    return read


@pytest.fixture
def pdf_folder() -> Path:
    folder = Path(os.environ.get("TEST_DATA", "../shared/data")) / "pdf"
    if not folder.exists():
        pytest.skip(f"{folder} is not there: see TEST_DATA")
    return folder
