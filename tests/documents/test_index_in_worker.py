"""From a call of the API to what a search finds, through the queue and a worker's process."""

from collections.abc import Iterator

import httpx2
import pytest

from tests import workers
from tests.live import LiveAccount
from tests.servers import Server
from tests.waiting import wait_until


@pytest.fixture
def worker(server_environment: dict[str, str]) -> Iterator[None]:
    with workers.worker(server_environment):
        yield


def test_it_is_found_and_kept_in_step(
    daphne: Server, live_owner: LiveAccount, live_stranger: LiveAccount, worker: None
) -> None:
    def found(client: httpx2.Client) -> list[tuple[str, str]]:
        """(source id, content) of what a search for tides finds."""
        query = {"query": "tides", "filters": {"source_type": "artifact"}}
        response = client.post("/api/knowledge/search", json=query)
        assert response.status_code == 200, response.text
        return [(each["source"]["id"], each["content"]) for each in response.json()["results"]]

    client = live_owner.client(daphne)
    new = {"title": "Sea", "content": "The moon makes tides.", "knowledge": True}
    id = client.post("/api/documents", json=new).json()["id"]
    path = f"/api/documents/{id}"
    wait_until(lambda: found(client) == [(id, "The moon makes tides.")], "version 1", limit=60)
    client.put(path, json={"content": "The sun makes tides, too."})
    wait_until(lambda: found(client) == [(id, "The sun makes tides, too.")], "version 2", limit=60)
    assert found(live_stranger.client(daphne)) == []
    client.patch(path, json={"knowledge": False})
    assert found(client) == []
