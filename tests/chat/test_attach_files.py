"""A file that is attached to a message is read by the model, once it has been processed."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from chat import attaching
from chatbot_project.api.callers import Caller
from files.models import Status, StoredFile
from files.services import delete_file
from knowledge.models import Visibility
from tests.chat.asking import Json, ask, error_of, history
from tests.knowledge.conftest import MakeSource
from tests.knowledge.conftest import make_source as make_source
from tests.live import LiveAccount
from tests.upstream import Script, Upstream

CHUNKS = ["The gizmo has a lever.", "The lever is red.", "Pull it twice."]
MakeFile = Callable[..., StoredFile]


@pytest.fixture
def complete(make_source: MakeSource) -> Callable[..., None]:
    """What a worker does."""

    def complete(file: StoredFile, chunks: list[str] = CHUNKS) -> None:
        fields = {"id": file.id, "source_type": "document", "filename": file.filename}
        make_source(file.owner, chunks, visibility=file.visibility, **fields)
        StoredFile.objects.filter(pk=file.pk).update(status=Status.COMPLETED)

    return complete


@pytest.fixture
def make_file(complete: Callable[..., None]) -> MakeFile:
    """A file, processed with these chunks; with None, not yet."""

    def make(account: LiveAccount, chunks: list[str] | None = CHUNKS, **fields: Any) -> StoredFile:
        known = {"filename": "gizmo.pdf", "size": 9, "sha256": "0" * 64, "media_type": "text/plain"}
        file = StoredFile.objects.create(owner=account.user, **known | fields)
        if chunks is not None:
            complete(file, chunks)
        return file

    return make


@pytest.fixture
def model(upstream: Upstream) -> str:
    return upstream.model(Script(["Fine."]))


def told(upstream: Upstream, model: str) -> str:
    return str(upstream.calls(model)[-1].body["messages"][-1]["content"])


def refused(client: httpx2.Client, file: StoredFile) -> tuple[int, Json]:
    body = {"message": "Hello", "model": "any", "attachments": [file.public_id]}
    response = client.post("/api/chat", json=body)
    return response.status_code, error_of(response)


@pytest.mark.parametrize("form", ["id", "file_id"])
def test_the_model_reads_it(
    form: str,
    client: httpx2.Client,
    live_owner: LiveAccount,
    make_file: MakeFile,
    upstream: Upstream,
    model: str,
) -> None:
    file = make_file(live_owner)
    attached = [file.public_id if form == "id" else {"file_id": file.public_id}]
    chat = ask(client, model, attachments=attached)["id"]
    assert "\n\n".join(CHUNKS) in told(upstream, model)
    asked = history(client, chat)[0]
    assert asked["attachments"] == [
        {"id": file.public_id, "type": "file", "title": "gizmo.pdf", "version": None}
    ]
    ask(client, model, chat=chat)
    assert CHUNKS[1] in told(upstream, model)
    delete_file(file)
    ask(client, model, chat=chat)
    assert CHUNKS[1] not in told(upstream, model)
    assert "(It has been deleted since.)" in told(upstream, model)


def test_a_shared_file_is_everyones_and_a_private_one_its_owners(
    client: httpx2.Client,
    live_stranger: LiveAccount,
    make_file: MakeFile,
    upstream: Upstream,
    model: str,
) -> None:
    shared = make_file(live_stranger, visibility=Visibility.SHARED)
    ask(client, model, attachments=[shared.public_id])
    assert CHUNKS[0] in told(upstream, model)
    status, error = refused(client, make_file(live_stranger))
    assert (status, error["code"]) == (400, "INVALID_REQUEST")
    assert "no such file" in error["message"]


def test_of_a_long_one_the_parts_that_matter(
    client: httpx2.Client,
    live_owner: LiveAccount,
    make_file: MakeFile,
    upstream: Upstream,
    model: str,
) -> None:
    filler = [f"Chunk {number} says nothing. " * 40 for number in range(80)]
    chunks = ["The beginning.", *filler, "The secret ingredient is saffron.", *filler]
    file = make_file(live_owner, chunks)
    asked: Json = {"message": "Which ingredient is secret?", "knowledge": False}
    ask(client, model, attachments=[file.public_id], **asked)
    text = told(upstream, model)
    assert text.index("The beginning.") < text.index("The secret ingredient is saffron.")
    assert "[...]" in text


def test_beside_passages_of_the_knowledge_base(
    client: httpx2.Client,
    live_owner: LiveAccount,
    make_file: MakeFile,
    upstream: Upstream,
    model: str,
) -> None:
    note = {"content": "The lever of the gizmo is oiled twice a year."}
    assert client.post("/api/knowledge", json=note).status_code == 201
    file = make_file(live_owner)
    question = "How often is the lever of the gizmo oiled?"
    answer = ask(client, model, message=question, attachments=[file.public_id])
    text = told(upstream, model)
    assert "oiled twice a year" in text.split("<attachment")[0]
    assert CHUNKS[2] in text
    assert text.endswith(question)
    assert answer["sources"]


def test_those_that_are_processed_are_waited_for(
    client: httpx2.Client,
    live_owner: LiveAccount,
    make_file: MakeFile,
    complete: Callable[..., None],
    upstream: Upstream,
    model: str,
) -> None:
    file = make_file(live_owner, None)
    many = 12  # more than the server has connections or threads
    with ThreadPoolExecutor(many) as pool:
        waiting = [
            pool.submit(ask, client, model, attachments=[file.public_id]) for _ in range(many)
        ]
        assert client.get("/api/chat").json()["total"] == 0  # nothing stored, and no one held up
        complete(file)
        assert {answer.result()["message"] for answer in waiting} == {"Fine."}
    assert CHUNKS[2] in told(upstream, model)


def test_they_are_not_waited_for_for_ever(
    live_owner: LiveAccount, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attaching, "WAIT_SECONDS", 0.3)
    file = make_file(live_owner, None)
    caller = Caller(live_owner.user.id, live_owner.user, None, None, 100)
    with pytest.raises(attaching.StillProcessing) as raised:
        asyncio.run(attaching.resolve(caller, [file.public_id]))
    assert (raised.value.status_code, raised.value.default_code) == (409, "CONFLICT")
    assert raised.value.headers == {"Retry-After": "5"}
    assert raised.value.details == {"processing": ["gizmo.pdf"]}


def test_one_that_failed_says_why(
    client: httpx2.Client, live_owner: LiveAccount, make_file: MakeFile
) -> None:
    reason = "The PDF is password-protected."
    status, error = refused(client, make_file(live_owner, None, status=Status.FAILED, error=reason))
    assert (status, error["code"]) == (400, "INVALID_REQUEST")
    assert error["message"] == f"gizmo.pdf could not be processed: {reason}"


@pytest.mark.parametrize("status", [Status.PROCESSING, Status.FAILED])
def test_one_that_is_made_anew_is_read_as_it_was(
    client: httpx2.Client,
    live_owner: LiveAccount,
    make_file: MakeFile,
    upstream: Upstream,
    model: str,
    status: Status,
) -> None:
    """While that goes on, and after it was cancelled or has failed: its text is still there."""
    file = make_file(live_owner)
    StoredFile.objects.filter(pk=file.pk).update(status=status, error="Processing was cancelled.")
    ask(client, model, attachments=[file.public_id])
    assert CHUNKS[1] in told(upstream, model)
