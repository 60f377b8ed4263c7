"""No assistant replaces what a document says without knowing all of it."""

import time
from typing import Any

import httpx2
import pytest
from django.db import transaction

from chat.tool_actions import replace_passage
from chat.tools import CREATE, READ, UPDATE
from chatbot_project.api.errors import InvalidRequest
from documents import services
from documents.models import Document
from tests.chat.asking import Json, ask
from tests.chat.calls import PLAN, calling
from tests.completions import FunctionCall
from tests.live import LiveAccount
from tests.upstream import Script, Upstream

LONG = "The first line.\n\n" + "word " * 40_000 + "\n\nThe last line."


@pytest.fixture
def document(live_owner: LiveAccount) -> Document:
    return services.create_document(owner=live_owner.user, title="Menu", content="Soup.")


@pytest.fixture
def long(live_owner: LiveAccount) -> Document:
    return services.create_document(owner=live_owner.user, title="Long", content=LONG)


@pytest.fixture
def carried_out(client: httpx2.Client, upstream: Upstream) -> Any:
    """`carried_out(*calls, **asked)`: the calls of an answer, one after the other, as shown."""

    def carry_out(*calls: FunctionCall, **asked: Any) -> list[Json]:
        model = upstream.model(*map(calling, calls), Script(["Done."]))
        shown: list[Json] = ask(client, model, **asked)["tool_calls"]
        return shown

    return carry_out


def reading(document: Document) -> FunctionCall:
    return FunctionCall(READ, {"document_id": document.public_id})


def writing(document: Document, **fields: str) -> FunctionCall:
    return FunctionCall(UPDATE, {"document_id": document.public_id, **fields})


def replacing(document: Document, passage: str, replacement: str) -> FunctionCall:
    fields = {"passage": passage, "replacement": replacement}
    return FunctionCall("replace_passage", {"document_id": document.public_id, **fields})


def content_of(document: Document) -> str:
    document.refresh_from_db()
    return document.content


def codes(calls: list[Json]) -> list[str | None]:
    return [call["error"] and call["error"]["code"] for call in calls]


def test_not_unread(document: Document, carried_out: Any) -> None:
    calls = [writing(document, content="Salad.", title="A"), writing(document, title="B")]
    assert codes(carried_out(*calls)) == ["CONFLICT", None]
    assert (content_of(document), document.title, document.version) == ("Soup.", "B", 2)


def test_once_it_is_read(document: Document, carried_out: Any) -> None:
    written = [writing(document, content="Salad."), writing(document, content="Salad. Tea.")]
    calls = [reading(document), writing(document, title="Lunch"), *written]
    assert codes(carried_out(*calls)) == [None] * 4
    assert (content_of(document), document.title) == ("Salad. Tea.", "Lunch")


def test_not_before_it_knows_what_was_read(
    client: httpx2.Client, upstream: Upstream, document: Document
) -> None:
    blind = calling(reading(document), writing(document, content="Salad."))
    twice = calling(writing(document, content="Tea."), writing(document, content="Cake."))
    model = upstream.model(blind, twice, Script(["Done."]))
    calls = ask(client, model)["tool_calls"]
    assert codes(calls) == [None, "CONFLICT", None, None]
    assert (content_of(document), document.version) == ("Cake.", 3)


def test_not_when_it_has_changed_since(
    client: httpx2.Client, upstream: Upstream, document: Document
) -> None:
    gate = upstream.gate()
    later = calling(writing(document, content="Salad."), gate=gate)
    model = upstream.model(calling(reading(document)), later, Script(["Done."]))
    with client.stream("POST", "/api/chat", json={"message": "A", "model": model, "stream": True}):
        upstream.wait_for_call(model, 2)
        with transaction.atomic():
            services.change_document(document, content="Soup. Bread.")
        gate.open()
        upstream.wait_for_call(model, 3)
    assert content_of(document) == "Soup. Bread."


def test_when_this_answer_has_written_it(live_owner: LiveAccount, carried_out: Any) -> None:
    [made] = carried_out(FunctionCall(CREATE, PLAN))
    document = Document.objects.get(owner=live_owner.user)
    assert made["result"]["document_id"] == document.public_id
    assert codes(carried_out(writing(document, content="Another."))) == ["CONFLICT"]


def test_while_it_is_as_it_was_attached(
    client: httpx2.Client, upstream: Upstream, document: Document
) -> None:
    change = calling(writing(document, content="Salad."))
    model = upstream.model(change, Script(["Done."]), change, Script(["Done."]))
    first = ask(client, model, attachments=[document.public_id])
    assert codes(first["tool_calls"]) == [None]
    assert content_of(document) == "Salad."
    with transaction.atomic():
        services.change_document(document, content="Bread.")
    second = ask(client, model, chat=first["id"])
    assert codes(second["tool_calls"]) == ["CONFLICT"]
    assert content_of(document) == "Bread."


def test_not_from_excerpts(long: Document, carried_out: Any) -> None:
    calls = [writing(long, content="Short."), reading(long), writing(long, content="Short.")]
    assert codes(carried_out(*calls, attachments=[long.public_id])) == [
        "CONFLICT",
        None,
        "CONFLICT",
    ]
    assert content_of(long) == LONG


def test_a_passage_is_replaced(long: Document, carried_out: Any) -> None:
    calls = carried_out(
        replacing(long, "The last line.", "The end."),
        replacing(long, "The first line.\n\n", ""),
    )
    assert [call["result"]["version"] for call in calls] == [2, 3]
    kept = LONG.removeprefix("The first line.\n\n").removesuffix("The last line.")
    assert content_of(long) == f"{kept}The end."


@pytest.mark.parametrize("passage", ["Bread.", "word word", "", " "])
def test_no_passage_or_many(passage: str, long: Document, carried_out: Any) -> None:
    assert codes(carried_out(replacing(long, passage, "Tea."))) == ["INVALID_REQUEST"]
    assert (content_of(long), long.version) == (LONG, 1)


def test_an_overlap_is_two_passages(live_owner: LiveAccount) -> None:
    made = services.create_document(owner=live_owner.user, title="A", content="ab" * 5)
    with pytest.raises(InvalidRequest):
        replace_passage(
            live_owner.user, document_id=made.public_id, passage="ab" * 4, replacement=""
        )


def test_no_passage_takes_long(live_owner: LiveAccount) -> None:
    half = "a" * 75_000
    passage = f"{half}b{half}"
    made = services.create_document(
        owner=live_owner.user, title="A", content=passage + "a" * 300_000
    )
    began = time.process_time()
    replace_passage(live_owner.user, document_id=made.public_id, passage=passage, replacement="c")
    assert time.process_time() - began < 2
    assert content_of(made) == "c" + "a" * 300_000


def test_no_document_grows_too_long(long: Document, carried_out: Any) -> None:
    call = replacing(long, "The last line.", "word " * 180_000)
    assert codes(carried_out(call)) == ["INVALID_REQUEST"]
    assert content_of(long) == LONG
