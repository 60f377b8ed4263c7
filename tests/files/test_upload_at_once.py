"""Uploads that come at the same moment: limits stay exact, the same bytes are embedded once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from files.models import Orphan, StoredFile
from knowledge.models import Chunk, Source
from tests.files.live import Nursery, ended, found, upload
from tests.live import LiveAccount
from tests.servers import Server

CALLERS = 8


def at_once(servers: tuple[Server, Server], account: LiveAccount, **given: Any) -> list[Any]:
    """The responses to the same upload, sent by eight callers to two servers."""
    clients = [account.client(servers[number % 2]) for number in range(CALLERS)]

    def send(number: int) -> Any:
        content = given.get("content") or b"File %d" % number
        return clients[number].post(
            "/api/files/upload", files={"file": ("f", content)}, headers=given.get("headers")
        )

    with ThreadPoolExecutor(CALLERS) as pool:
        return list(pool.map(send, range(CALLERS)))


def test_no_file_too_many(two_servers: tuple[Server, Server], make_account: Any) -> None:
    account = make_account(max_files=3)
    statuses = [response.status_code for response in at_once(two_servers, account)]
    assert sorted(statuses) == [201] * 3 + [403] * 5
    assert StoredFile.objects.filter(owner=account.user).count() == 3


def test_one_key_one_file(two_servers: tuple[Server, Server], live_owner: LiveAccount) -> None:
    responses = at_once(two_servers, live_owner, content=b"same", headers={"Idempotency-Key": "k"})
    assert {response.status_code for response in responses} <= {201, 409}
    assert len({r.json()["id"] for r in responses if r.status_code == 201}) == 1
    assert StoredFile.objects.filter(owner=live_owner.user).count() == 1


def test_the_same_bytes(
    two_servers: tuple[Server, Server],
    live_owner: LiveAccount,
    nursery: Nursery,
) -> None:
    responses = at_once(two_servers, live_owner, content=b"The tides.")
    files = [response.json() for response in responses]
    originals = [file["id"] for file in files if file["duplicate_of"] is None]
    assert len(originals) == 1
    assert {file["duplicate_of"] for file in files} == {None, originals[0]}
    client = live_owner.client(two_servers[0])
    with nursery.worker(), nursery.worker():
        assert {ended(client, file["id"])["status"] for file in files} == {"completed"}
    assert len(found(client, "tides")) == CALLERS
    for file in files[1:]:
        assert client.delete(f"/api/files/{file['id']}").status_code == 204
    assert [each["source"]["id"] for each in found(client, "tides")] == [files[0]["id"]]
    chunks = Chunk.objects.filter(source__in=Source.objects.filter(owner=live_owner.user))
    assert chunks.count() == 1
    mine = StoredFile.objects.filter(owner=live_owner.user)
    assert not Orphan.objects.filter(pk__in=mine.values("pk")).exists()
    assert upload(client, b"The tides.")["duplicate_of"] == files[0]["id"]
