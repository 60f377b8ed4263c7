"""From an upload to what a search finds, through the queue and a worker of Celery's."""

from collections.abc import Iterator

import pytest

from chatbot_project.api.ids import decode
from files.models import Orphan
from tests import workers
from tests.files.live import ended, found, upload
from tests.live import LiveAccount
from tests.servers import Server
from tests.waiting import wait_until


@pytest.fixture
def worker(server_environment: dict[str, str]) -> Iterator[None]:
    with workers.worker(server_environment):
        yield


def test_it_is_found(
    daphne: Server, live_owner: LiveAccount, live_stranger: LiveAccount, worker: None
) -> None:
    client = live_owner.client(daphne)
    ids = [upload(client, b"Tide number %d." % number)["id"] for number in range(3)]
    for id in ids:
        assert ended(client, id)["status"] == "completed"
    assert sorted(each["source"]["id"] for each in found(client, "tide", "hybrid")) == sorted(ids)
    assert found(live_stranger.client(daphne), "tide", "hybrid") == []
    assert client.delete(f"/api/files/{ids[0]}").status_code == 204
    assert len(found(client, "tide")) == 2
    deleted = Orphan.objects.filter(pk=decode("file", ids[0]))
    wait_until(lambda: not deleted.exists(), "its bytes to be deleted")
