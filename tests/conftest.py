"""The servers that every test may use: PostgreSQL and Valkey of this checkout's own."""

import os
from collections.abc import Iterator
from urllib.parse import quote

import pytest
import redis
from django.conf import settings
from django.db import connection

from chatbot_project.embedded.services import running

pytest_plugins = ["tests.cast", "tests.commands", "tests.live"]


@pytest.fixture(scope="session", autouse=True)
def embedded_servers() -> Iterator[None]:
    with running(["postgres", "valkey"], settings.DATA_DIR, durable=False):
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(embedded_servers: None) -> None:
    """The servers run before the test database is made."""


@pytest.fixture(autouse=True)
def empty_redis(embedded_servers: None) -> Iterator[redis.Redis]:
    """This session's database of Valkey, empty at the start of each test."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.flushdb()
    yield client
    client.close()


@pytest.fixture
def process_environment(transactional_db: None) -> dict[str, str]:
    """The environment of a server process that works on this session's database and Valkey.

    For subprocess.Popen(env=...), with chatbot_project.settings; add PORT and what else you need.
    """
    database = connection.settings_dict
    host = quote(database["HOST"], safe="")
    login = f"{database['USER']}:{database['PASSWORD']}"
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "chatbot_project.settings",
        "DATABASE_URL": f"postgres://{login}@{host}/{database['NAME']}",
        "REDIS_URL": settings.REDIS_URL,
        "SECRET_KEY": settings.SECRET_KEY,
    }
