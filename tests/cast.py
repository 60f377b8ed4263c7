"""The cast that every test knows: owner, stranger and staff, their keys and their clients.

A plugin, loaded by tests/conftest.py. Clients are Django's, with an API key: they pass the whole
middleware in the test's own thread and transaction.
"""

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db.models.signals import post_migrate
from django.test import Client

from accounts.models import Tier, User
from accounts.services import create_api_key

PASSWORD = "correct horse battery staple"
tiers = import_module("accounts.migrations.0002_tiers")


def make_tiers(**kwargs: Any) -> None:
    tiers.make_tiers(apps, None)


@pytest.fixture(autouse=True, scope="session")
def tiers_survive_a_flush() -> Iterator[None]:
    """`transactional_db` empties every table after its test; a flush ends with post_migrate."""
    post_migrate.connect(make_tiers, sender=apps.get_app_config("accounts"))
    yield
    post_migrate.disconnect(make_tiers, sender=apps.get_app_config("accounts"))


@pytest.fixture
def make_user(db: None) -> Callable[..., User]:
    """`make_user("a@example.com", tier="premium", is_staff=True)`, with PASSWORD."""

    def make(email: str, *, tier: str = "standard", **fields: Any) -> User:
        return User.objects.create_user(email, PASSWORD, Tier.objects.get(name=tier), **fields)

    return make


@pytest.fixture
def make_client(db: None) -> Callable[..., Client]:
    """`make_client(user)`: a client with a new key of that user; `scopes` as for create_api_key."""

    def make(user: User, scopes: list[str] | None = None) -> Client:
        return Client(headers={"Authorization": f"Bearer {create_api_key(user, scopes=scopes)[1]}"})

    return make


@pytest.fixture
def owner(make_user: Callable[..., User]) -> User:
    return make_user("owner@example.com")


@pytest.fixture
def stranger(make_user: Callable[..., User]) -> User:
    return make_user("stranger@example.com")


@pytest.fixture
def staff(make_user: Callable[..., User]) -> User:
    return make_user("staff@example.com", is_staff=True, is_superuser=True)


@pytest.fixture
def owner_key(owner: User) -> str:
    """The secret of an unrestricted key."""
    return create_api_key(owner)[1]


@pytest.fixture
def stranger_key(stranger: User) -> str:
    return create_api_key(stranger)[1]


@pytest.fixture
def owner_client(owner_key: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {owner_key}"})


@pytest.fixture
def stranger_client(stranger_key: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {stranger_key}"})


@pytest.fixture
def staff_browser(staff: User) -> Client:
    """Signed in to the admin; no API key."""
    client = Client()
    client.force_login(staff)
    return client
