"""Files in a folder of each test's own."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from chatbot_project.storages import files_in_folder
from tests.files.calling import Files


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    """Where the files' bytes are."""
    settings.STORAGES = {**settings.STORAGES, "default": files_in_folder(tmp_path / "files")}
    return tmp_path / "files"


@pytest.fixture
def files(owner_client: Client) -> Files:
    return Files(owner_client)


@pytest.fixture
def strangers(stranger_client: Client) -> Files:
    return Files(stranger_client)
