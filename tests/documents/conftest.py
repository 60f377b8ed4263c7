"""A document of the owner's, and the calls that every test makes."""

import pytest
from django.test import Client

from tests.documents.calling import Documents


@pytest.fixture
def documents(owner_client: Client) -> Documents:
    return Documents(owner_client)


@pytest.fixture
def strangers(stranger_client: Client) -> Documents:
    return Documents(stranger_client)


@pytest.fixture
def document(documents: Documents) -> str:
    """The id of a document with one version: title "Plan", content "one\\n", type text."""
    return str(documents.create(title="Plan", content="one\n", type="text")["id"])
