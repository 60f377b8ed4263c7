"""Which model answers: any that the provider knows, or those of CHAT_MODELS alone."""

import httpx2
import pytest

from tests.chat.asking import ask, error_of, history
from tests.live import LiveAccount, StartServer
from tests.upstream import Script, Upstream


@pytest.fixture
def named(start_server: StartServer, live_owner: LiveAccount, upstream: Upstream) -> httpx2.Client:
    """A client of a server that knows `quick` and `careful`."""
    models = {name: upstream.model(Script([f"{name}."])) for name in ("quick", "careful")}
    pairs = ",".join(f"{name}={provider_name}" for name, provider_name in models.items())
    server = start_server(CHAT_MODELS=pairs, CHAT_DEFAULT_MODEL="careful")
    return live_owner.client(server)


def test_any_name_is_passed_on(client: httpx2.Client, upstream: Upstream) -> None:
    model = upstream.model(Script())
    answer = ask(client, model)
    assert (answer["model"], answer["provider_model"]) == (model, model)
    assert upstream.calls(model)[0].body["model"] == model


def test_a_chat_keeps_its_model(client: httpx2.Client, upstream: Upstream) -> None:
    model, other = upstream.model(Script()), upstream.model(Script(["Other."]))
    chat = ask(client, model)["id"]
    assert ask(client, other, chat=chat)["message"] == "Other."
    answer = client.post(f"/api/chat/{chat}/messages", json={"message": "Hello"}).json()
    assert answer["model"] == model


def test_without_a_name_the_providers_first_answers(client: httpx2.Client) -> None:
    answer = client.post("/api/chat", json={"message": "Hello"}).json()
    assert answer["model"] == "mock-model"
    assert client.get("/api/models").json()["results"] == [
        {"id": "mock-model", "default": True},
        {"id": "extractive", "default": False},
    ]


def test_chat_models(named: httpx2.Client) -> None:
    quick = ask(named, "quick")
    assert (quick["message"], quick["model"]) == ("quick.", "quick")
    assert quick["provider_model"].startswith("mock-")
    default = named.post("/api/chat", json={"message": "Hello", "model": None}).json()
    assert (default["message"], default["model"]) == ("careful.", "careful")
    assert named.get("/api/models").json()["results"] == [
        {"id": "careful", "default": True},
        {"id": "quick", "default": False},
        {"id": "extractive", "default": False},
    ]
    refused = named.post("/api/chat", json={"message": "Hello", "model": "gpt-4"})
    assert (refused.status_code, error_of(refused)["code"]) == (400, "INVALID_REQUEST")
    (reason,) = error_of(refused)["details"]["invalid_fields"]["model"]
    assert "quick" in reason and "careful" in reason
    before = history(named, quick["id"])
    path = f"/api/chat/{quick['id']}/messages"
    assert named.post(path, json={"message": "Hi", "model": "gpt-4"}).status_code == 400
    assert history(named, quick["id"]) == before
