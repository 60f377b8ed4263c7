"""A stranger's chat does not exist: every route with an id answers as for an id nobody made."""

from typing import Any

import httpx2
import pytest

from chatbot_project.api import ids
from tests.chat.asking import ask, error_of, history
from tests.live import LiveAccount
from tests.servers import Server
from tests.upstream import Script, Upstream

ASKED = {"message": "Hello", "model": "any"}
# Every route of chats whose path has an id, and what each of its methods is sent.
ROUTES: dict[str, dict[str, dict[str, Any]]] = {
    "api/chat/<str:chat_id>": {"GET": {}, "PATCH": {"title": "Mine"}, "DELETE": {}},
    "api/chat/<str:chat_id>/history": {"GET": {}},
    "api/chat/<str:chat_id>/stop": {"POST": {}},
    "api/chat/<str:chat_id>/stream": {"GET": {}},
    "api/chat/<str:chat_id>/messages": {"POST": ASKED},
    "api/chat/<str:chat_id>/messages/<str:message_id>": {"PUT": ASKED},
    "api/chat/<str:chat_id>/messages/<str:message_id>/regenerate": {"POST": {}},
    "api/chat/<str:chat_id>/messages/<str:message_id>/feedback": {"POST": {"rating": "up"}},
}
CALLS = [(route, method) for route, methods in ROUTES.items() for method in methods]
UNKNOWN = {
    "<str:chat_id>": ids.encode("chat", ids.uuid7()),
    "<str:message_id>": ids.encode("msg", ids.uuid7()),
}


@pytest.fixture
def owned(client: httpx2.Client, upstream: Upstream) -> dict[str, str]:
    """The ids of the owner's chat and of its first message."""
    chat = ask(client, upstream.model(Script()))["id"]
    message = history(client, chat)[0]["id"]
    return {"<str:chat_id>": chat, "<str:message_id>": message}


def called(client: httpx2.Client, call: tuple[str, str], ids: dict[str, str]) -> httpx2.Response:
    route, method = call
    for parameter, id in ids.items():
        route = route.replace(parameter, id)
    body = ROUTES[call[0]][method]
    return client.request(method, f"/{route}", json=body if method != "GET" else None)


def refusal(response: httpx2.Response) -> dict[str, Any]:
    """What a refusal says, less what is its own."""
    error = error_of(response)
    del error["details"]["request_id"]
    return {"status": response.status_code, **error}


@pytest.mark.parametrize("call", CALLS, ids=lambda call: " ".join(reversed(call)))
def test_strangers(
    call: tuple[str, str],
    daphne: Server,
    live_stranger: LiveAccount,
    client: httpx2.Client,
    owned: dict[str, str],
) -> None:
    before = history(client, owned["<str:chat_id>"], all="true")
    stranger = live_stranger.client(daphne)
    hidden = refusal(called(stranger, call, owned))
    assert (hidden["status"], hidden["code"]) == (404, "RESOURCE_NOT_FOUND")
    assert hidden == refusal(called(stranger, call, UNKNOWN))
    assert history(client, owned["<str:chat_id>"], all="true") == before


@pytest.mark.parametrize("call", [c for c in CALLS if "message_id" in c[0]], ids=str)
def test_a_message_of_another_chat(
    call: tuple[str, str], client: httpx2.Client, owned: dict[str, str], upstream: Upstream
) -> None:
    other = ask(client, upstream.model(Script()))["id"]
    assert called(client, call, {**owned, "<str:chat_id>": other}).status_code == 404


def test_lists_are_ones_own(
    daphne: Server, live_stranger: LiveAccount, owned: dict[str, str]
) -> None:
    assert live_stranger.client(daphne).get("/api/chat?search=Hello").json()["total"] == 0


def test_an_event_of_another_chat(
    daphne: Server, live_stranger: LiveAccount, owned: dict[str, str], upstream: Upstream
) -> None:
    stranger = live_stranger.client(daphne)
    own = ask(stranger, upstream.model(Script()))["id"]
    last_event = {"Last-Event-ID": f"{owned['<str:message_id>']}.0.0"}
    response = stranger.get(f"/api/chat/{own}/stream", headers=last_event)
    assert (response.status_code, error_of(response)["code"]) == (404, "RESOURCE_NOT_FOUND")
