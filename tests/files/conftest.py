"""Files in a folder of each test's own, and files to read: made here, or from TEST_DATA."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from chatbot_project.storages import files_in_folder
from files.extraction import detect, extract
from files.models import Orphan
from knowledge.chunking import Block
from tests.files.calling import Files
from tests.files.live import nursery

__all__ = ["nursery"]

Read = Callable[[str, bytes | str], list[Block]]


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    """Where the files' bytes are."""
    settings.STORAGES = {**settings.STORAGES, "default": files_in_folder(tmp_path / "files")}
    return tmp_path / "files"


@pytest.fixture
def files(owner_client: Client) -> Files:
    Orphan.objects.all().delete()  # of uploads to servers that ended in the middle of them
    return Files(owner_client)


@pytest.fixture
def strangers(stranger_client: Client) -> Files:
    return Files(stranger_client)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """The blocks of a file of this name and content, typed by what is in it."""

    def read(name: str, content: bytes | str) -> list[Block]:
        path = tmp_path / "upload"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        with path.open("rb") as file:
            return extract(file, media_type=detect(file, name), filename=name)

    return read


@pytest.fixture
def pdf_folder() -> Path:
    folder = Path(os.environ.get("TEST_DATA", "../shared/data")) / "pdf"
    if not folder.exists():
        pytest.skip(f"{folder} is not there: see TEST_DATA")
    return folder
