"""A deleted chat is gone, with its messages, and nobody goes on writing in it."""

from concurrent.futures import ThreadPoolExecutor

import httpx2

from chat.models import Chat, Message
from chatbot_project.api import ids
from tests import events
from tests.chat.asking import ask, error_of, streaming
from tests.upstream import Script, Upstream, words

PIECES = words(20)
Clients = tuple[httpx2.Client, httpx2.Client]


def test_it_is_gone(client: httpx2.Client, upstream: Upstream) -> None:
    chat = ask(client, upstream.model(Script()))["id"]
    assert client.delete(f"/api/chat/{chat}").status_code == 204
    assert client.get("/api/chat").json()["total"] == 0
    for method in ("GET", "DELETE"):
        response = client.request(method, f"/api/chat/{chat}")
        assert (response.status_code, error_of(response)["code"]) == (404, "RESOURCE_NOT_FOUND")
    id = ids.decode("chat", chat)
    assert not Chat.objects.filter(pk=id).exists()
    assert not Message.objects.filter(chat_id=id).exists()


def test_its_answer_is_stopped(clients: Clients, upstream: Upstream) -> None:
    writing, deleting = clients
    model = upstream.model(Script(PIECES, gate=upstream.gate(10)))
    with streaming(writing, model) as stream:
        read = events.read_text(stream, 20)
        assert deleting.delete(f"/api/chat/{read[0].data['chat_id']}").status_code == 204
        read += stream
    assert upstream.wait_for_call(model).dropped.wait(15)
    assert (read[-1].type, read[-1].data["status"]) == ("done", "stopped")


def test_a_question_meanwhile(client: httpx2.Client, upstream: Upstream) -> None:
    """Whoever comes first: no answer is a 500, and nothing is left."""
    model = upstream.model(Script())
    seen: set[int] = set()
    with ThreadPoolExecutor(2) as pool:
        for _ in range(20):
            chat = ask(client, model)["id"]
            asked = pool.submit(
                client.post, f"/api/chat/{chat}/messages", json={"message": "Hello"}
            )
            deleted = pool.submit(client.delete, f"/api/chat/{chat}")
            seen |= {asked.result().status_code, deleted.result().status_code}
            assert client.get(f"/api/chat/{chat}").status_code == 404
    assert seen <= {200, 204, 404}
