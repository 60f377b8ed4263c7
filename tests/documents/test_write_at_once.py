"""Writers that come at once, to two server processes: each makes its version, none is lost."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from tests.live import LiveAccount
from tests.servers import Server

WRITERS = 20


@pytest.fixture
def clients(two_servers: tuple[Server, Server], live_owner: LiveAccount) -> list[httpx2.Client]:
    """A client for each writer, half of them at another process."""
    return [live_owner.client(two_servers[number % 2]) for number in range(WRITERS)]


@pytest.fixture
def path(clients: list[httpx2.Client]) -> str:
    made = clients[0].post("/api/documents", json={"title": "Plan", "content": "begun"})
    return f"/api/documents/{made.json()['id']}"


def write(clients: list[httpx2.Client], path: str, **headers: str) -> list[httpx2.Response]:
    """Every client changes the document at once: writer n to the content "n"."""

    def change(number: int) -> httpx2.Response:
        return clients[number].put(path, json={"content": str(number)}, headers=headers)

    with ThreadPoolExecutor(WRITERS) as threads:
        return list(threads.map(change, range(WRITERS)))


def history(client: httpx2.Client, path: str) -> dict[int, str]:
    """The content of every version."""
    listed: list[dict[str, Any]] = client.get(f"{path}/versions?limit=100").json()["results"]
    numbers = [version["version"] for version in listed]
    return {number: client.get(f"{path}/versions/{number}").json()["content"] for number in numbers}


def test_each_writer_makes_a_version(clients: list[httpx2.Client], path: str) -> None:
    answers = [response.json() for response in write(clients, path)]
    assert sorted(answer["version"] for answer in answers) == list(range(2, WRITERS + 2))
    kept = history(clients[0], path)
    assert kept == {1: "begun"} | {answer["version"]: answer["content"] for answer in answers}
    assert clients[0].get(path).json()["content"] == kept[WRITERS + 1]


def test_of_writers_with_the_same_etag_one_succeeds(
    clients: list[httpx2.Client], path: str
) -> None:
    etag = clients[0].get(path).headers["ETag"]
    responses = write(clients, path, **{"If-Match": etag})
    statuses = sorted(response.status_code for response in responses)
    assert statuses == [200] + [412] * (WRITERS - 1)
    (winner,) = (response for response in responses if response.status_code == 200)
    assert history(clients[0], path) == {1: "begun", 2: winner.json()["content"]}
    assert clients[1].get(path).headers["ETag"] == winner.headers["ETag"]


def test_writers_that_try_again_all_succeed(clients: list[httpx2.Client], path: str) -> None:
    """As If-Match is meant: read, change, and when somebody was faster, read again."""

    def append(number: int) -> None:
        for _ in range(10 * WRITERS):
            read = clients[number].get(path)
            content = f"{read.json()['content']} {number}"
            headers = {"If-Match": read.headers["ETag"]}
            if clients[number].put(path, json={"content": content}, headers=headers).is_success:
                return
        raise AssertionError(f"Writer {number} never succeeded.")

    with ThreadPoolExecutor(5) as threads:
        list(threads.map(append, range(5)))
    begun, *numbers = clients[0].get(path).json()["content"].split()
    assert (begun, sorted(numbers)) == ("begun", ["0", "1", "2", "3", "4"])


def test_deleting_amid_writers(clients: list[httpx2.Client], path: str) -> None:
    """Whoever comes after it finds nothing; nobody gets a 500."""

    def call(number: int) -> int:
        if number == WRITERS // 2:
            return clients[number].delete(path).status_code
        return clients[number].put(path, json={"content": str(number)}).status_code

    with ThreadPoolExecutor(WRITERS) as threads:
        statuses = list(threads.map(call, range(WRITERS)))
    assert statuses[WRITERS // 2] == 204
    assert set(statuses) <= {200, 204, 404}
    assert clients[0].get(path).status_code == 404
