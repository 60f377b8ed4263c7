"""The chat examples of the API reference, as printed there."""

import re

import httpx2
import pytest

from tests import events
from tests.chat.asking import history

FIRST_MESSAGE = """{
  "message": "Hello, how can you help me today?",
  "model": "gpt-4",
  "stream": true,
  "attachments": []
}"""
NEXT_MESSAGE = """{
  "message": "Can you help me write a Python function?",
  "stream": false
}"""
HELLO = "Hello! I'm here to help you with any questions or tasks you have."
TIMESTAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"


@pytest.fixture
def client(either_client: httpx2.Client) -> httpx2.Client:
    either_client.headers["Content-Type"] = "application/json"
    return either_client


def start_chat(client: httpx2.Client) -> list[events.Event]:
    with client.stream("POST", "/api/chat", content=FIRST_MESSAGE) as response:
        return list(events.stream(response))


def test_it_streams_the_first_answer(client: httpx2.Client) -> None:
    streamed = start_chat(client)
    assert [event.type for event in streamed] == ["start", "text", "text", "done"] or [
        event.type for event in streamed
    ] == ["start", "text", "done"]
    assert events.text_of(streamed) == HELLO
    assert all(set(event.data) == {"type", "content"} for event in streamed if event.type == "text")


def test_it_answers_the_first_message_whole(client: httpx2.Client) -> None:
    whole = FIRST_MESSAGE.replace('"stream": true', '"stream": false')
    answer = client.post("/api/chat", content=whole).json()
    assert {"id", "message", "model", "usage", "created_at"} <= set(answer)
    assert re.fullmatch(r"chat_[0-9a-z]{26}", answer["id"])
    assert answer["message"] == HELLO
    assert answer["model"] == "gpt-4"
    assert set(answer["usage"]) == {"prompt_tokens", "completion_tokens", "total_tokens"}
    assert re.fullmatch(TIMESTAMP, answer["created_at"])


def test_it_continues_a_chat(client: httpx2.Client) -> None:
    chat = start_chat(client)[0].data["chat_id"]
    answer = client.post(f"/api/chat/{chat}/messages", content=NEXT_MESSAGE).json()
    assert answer["id"] == chat
    assert answer["message"] == HELLO
    assert answer["model"] == "gpt-4"  # the chat's
    assert answer["message_id"] == history(client, chat)[-1]["id"]


def test_it_shows_the_history(client: httpx2.Client) -> None:
    chat = start_chat(client)[0].data["chat_id"]
    shown = client.get(f"/api/chat/{chat}/history").json()
    assert set(shown) == {"chat_id", "messages", "created_at", "updated_at"}
    assert shown["chat_id"] == chat
    assert [(message["role"], message["content"]) for message in shown["messages"]] == [
        ("user", "Hello, how can you help me today?"),
        ("assistant", HELLO),
    ]
    for message in shown["messages"]:
        assert re.fullmatch(r"msg_[0-9a-z]{26}", message["id"])
        assert re.fullmatch(TIMESTAMP, message["timestamp"])
    assert shown["created_at"] <= shown["messages"][0]["timestamp"]
    assert shown["messages"][0]["timestamp"] <= shown["messages"][1]["timestamp"]
    assert shown["messages"][1]["timestamp"] <= shown["updated_at"]
