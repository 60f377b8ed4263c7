"""An answer rests on what its asker may see, and says on what."""

import json
import re
from typing import Any

import httpx2
import pytest
import redis

from tests import events
from tests.chat.asking import Json, ask, error_of, history, resuming, streaming
from tests.live import LiveAccount
from tests.servers import Server
from tests.upstream import Script, Upstream, words

TEAMS = "To integrate with Microsoft Teams, open the admin center and add our app to your tenant."
REFUNDS = "Customers get their money back within thirty days of the purchase."
QUESTION = "How do I integrate with Microsoft Teams?"
Clients = tuple[httpx2.Client, httpx2.Client]


def add(client: httpx2.Client, content: str, **fields: Any) -> str:
    response = client.post("/api/knowledge", json={"content": content, **fields})
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


@pytest.fixture
def known(client: httpx2.Client) -> dict[str, str]:
    """Ids of two sources of the owner's."""
    return {
        "Teams": add(client, f"# Setup\n\n{TEAMS}", title="Teams", tags=["integration"]),
        "Refunds": add(client, REFUNDS, title="Refunds", metadata={"team": "sales"}),
    }


def prompt(upstream: Upstream, model: str, call: int = -1) -> list[Json]:
    messages: list[Json] = upstream.calls(model)[call].body["messages"]
    return messages


def passages(message: Json) -> list[Json]:
    """The ones that stand before the question."""
    found = re.match(r"<passages>\n(.*)\n</passages>\n\n", message["content"], re.DOTALL)
    return [json.loads(line) for line in found[1].split("\n")] if found else []


def titles(sources: list[Json]) -> list[str]:
    return [source["source"]["title"] for source in sources]


def test_passages_are_told_and_shown(
    client: httpx2.Client, upstream: Upstream, known: dict[str, str]
) -> None:
    model = upstream.model(Script(["Open the admin center [1]."]))
    answer = ask(client, model, message=QUESTION)
    first = answer["sources"][0]
    assert set(first) == {"id", "content", "score", "source", "metadata"}
    assert TEAMS in first["content"]
    assert 0.25 < first["score"] <= 1
    assert (first["source"]["id"], first["source"]["filename"]) == (known["Teams"], "Teams")
    assert first["metadata"] == {"page": None, "section": "Setup"}
    system, question = prompt(upstream, model)
    assert (system["role"], question["role"]) == ("system", "user")
    assert question["content"].endswith(f"</passages>\n\n{QUESTION}")
    told = passages(question)
    assert [passage["passage"] for passage in told] == list(range(1, len(answer["sources"]) + 1))
    assert told[0]["title"] == "Teams"
    assert told[0]["text"] == first["content"]
    assert history(client, answer["id"])[-1]["sources"] == answer["sources"]


def test_nothing_is_told_that_has_nothing_to_do_with_it(
    client: httpx2.Client, upstream: Upstream, known: dict[str, str]
) -> None:
    model = upstream.model(Script())
    answer = ask(client, model, message="Hello, how are you today?")
    assert answer["sources"] == []
    assert prompt(upstream, model) == [{"role": "user", "content": "Hello, how are you today?"}]


def test_it_can_be_turned_off_and_narrowed(
    client: httpx2.Client, upstream: Upstream, known: dict[str, str]
) -> None:
    model = upstream.model(Script())
    cases: list[tuple[Any, bool]] = [
        (False, False),
        (True, True),
        (None, True),
        ({}, True),
        ({"tags": ["integration"]}, True),
        ({"tags": ["other"]}, False),
        ({"source_id": known["Teams"]}, True),
        ({"source_id": [known["Refunds"]]}, False),
        ({"source_type": "manual", "unknown": 1}, True),
        ({"source_type": "document"}, False),
        ({"metadata": {"team": "sales"}}, False),
        ({"created_before": "2020-01-01"}, False),
        ({"created_after": "2020-01-01T00:00:00Z"}, True),
    ]
    chat = ask(client, model, message="Hello")["id"]
    for knowledge, expected in cases:
        answer = ask(client, model, chat=chat, message=QUESTION, knowledge=knowledge)
        assert ("Teams" in titles(answer["sources"])) == expected, knowledge


@pytest.mark.parametrize(
    ("knowledge", "field"),
    [
        ("yes", "knowledge"),
        (1, "knowledge"),
        (["integration"], "knowledge"),
        ({"tags": "integration"}, "knowledge.tags"),
        ({"tags": [5]}, "knowledge.tags.0"),
        ({"source_type": "book"}, "knowledge.source_type"),
        ({"source_id": 7}, "knowledge.source_id"),
        ({"created_after": "soon"}, "knowledge.created_after"),
        ({"metadata": [1]}, "knowledge.metadata"),
        ({"other": "x" * 20_000}, "knowledge"),
    ],
)
def test_what_makes_no_sense_is_refused(client: httpx2.Client, knowledge: Any, field: str) -> None:
    asked = {"message": "Hello", "model": "any", "knowledge": knowledge}
    response = client.post("/api/chat", json=asked)
    assert (response.status_code, error_of(response)["code"]) == (400, "INVALID_REQUEST")
    assert list(error_of(response)["details"]["invalid_fields"]) == [field]


def test_edits_and_new_answers(
    client: httpx2.Client, upstream: Upstream, known: dict[str, str]
) -> None:
    model = upstream.model(Script())
    answer = ask(client, model, message=QUESTION, knowledge={"tags": ["other"]})
    path = f"/api/chat/{answer['id']}/messages"
    again = client.post(f"{path}/{answer['message_id']}/regenerate", json={}).json()
    assert again["sources"] == []  # narrowed as before
    asked = {"knowledge": True}
    again = client.post(f"{path}/{answer['message_id']}/regenerate", json=asked).json()
    assert titles(again["sources"])[0] == "Teams"
    question = history(client, answer["id"])[0]["id"]
    edited = client.put(f"{path}/{question}", json={"message": "When is my money back?"}).json()
    assert titles(edited["sources"]) == ["Refunds"]
    rated = client.post(f"{path}/{again['message_id']}/feedback", json={"rating": "up"}).json()
    assert rated["sources"] == again["sources"]


def test_a_follow_up_is_searched_with_what_it_follows(
    client: httpx2.Client, upstream: Upstream, known: dict[str, str]
) -> None:
    model = upstream.model(Script())
    chat = ask(client, model, message=QUESTION)["id"]
    ask(client, model, chat=chat, message="Thanks!")
    answer = ask(client, model, chat=chat, message="And where is that?")
    assert titles(answer["sources"])[0] == "Teams"
    assert passages(prompt(upstream, model)[-1])
    assert not any("<passages>" in said["content"] for said in prompt(upstream, model)[1:-1])
    answer = ask(client, model, chat=chat, message="How long do refunds of purchases take?")
    assert titles(answer["sources"]) == ["Refunds"]


def source_events(read: list[events.Event]) -> list[Json]:
    return [event.data for event in read if event.type == "source"]


def test_a_stream_names_them_before_the_text(
    clients: Clients, upstream: Upstream, known: dict[str, str]
) -> None:
    writing, reading = clients
    gate = upstream.gate(5)
    model = upstream.model(Script(words(10), gate=gate))
    with streaming(writing, model, message=QUESTION) as stream:
        read = events.read_text(stream, 10)
        types = [event.type for event in read]
        assert types[:2] == ["start", "source"]
        assert types.index("text") > len(source_events(read))
        chat = read[0].data["chat_id"]
        with resuming(reading, chat) as joined:
            other = events.read_text(joined, 10)
            gate.open()
            other += joined
        read += stream
    told = source_events(read)
    assert [source["number"] for source in told] == list(range(1, len(told) + 1))
    assert source_events(other) == told
    saved = [{"type": "source", "number": n, **source}
             for n, source in enumerate(history(reading, chat)[-1]["sources"], 1)]  # fmt: skip
    assert saved == told
    for index, event in enumerate(read[:-1]):
        with resuming(reading, chat, event.id) as rest:
            assert source_events(list(rest)) == source_events(read[index + 1 :]), event.id


def test_readers_of_the_database_get_each_once(
    clients: Clients, upstream: Upstream, known: dict[str, str], empty_redis: redis.Redis
) -> None:
    writing, reading = clients
    gate = upstream.gate(5)
    model = upstream.model(Script(words(10), gate=gate))
    with streaming(writing, model, message=QUESTION) as stream:
        read = events.read_text(stream, 10)
        gate.open()
        read += stream
    chat = read[0].data["chat_id"]
    empty_redis.flushdb()
    with resuming(reading, chat) as stream:
        whole = list(stream)
    assert [event.type for event in whole] == ["start", "source", "text", "done"]
    assert source_events(whole) == source_events(read)
    for index, event in enumerate(whole[:-1]):
        with resuming(reading, chat, event.id) as stream:
            assert source_events(list(stream)) == source_events(whole[index + 1 :])


def test_a_retry_shows_them_too(
    clients: Clients, upstream: Upstream, known: dict[str, str]
) -> None:
    first, second = clients
    model = upstream.model(Script())
    asked = {"message": QUESTION, "model": model}
    key = {"Idempotency-Key": f"retry-{model}"}
    answers = [c.post("/api/chat", json=asked, headers=key).json() for c in (first, second)]
    assert answers[0] == answers[1]
    assert titles(answers[1]["sources"])[0] == "Teams"


def test_strangers_knowledge_is_never_told(
    client: httpx2.Client,
    daphne: Server,
    live_stranger: LiveAccount,
    upstream: Upstream,
    known: dict[str, str],
) -> None:
    stranger = live_stranger.client(daphne)
    model = upstream.model(Script())
    assert ask(stranger, model, message=QUESTION)["sources"] == []
    narrowed = {"source_id": known["Teams"]}
    assert ask(stranger, model, message=QUESTION, knowledge=narrowed)["sources"] == []
    assert "admin center" not in json.dumps([call.body for call in upstream.calls(model)])


def test_a_key_that_may_not_read_knowledge(
    make_account: Any, daphne: Server, client: httpx2.Client, upstream: Upstream
) -> None:
    account = make_account(scopes=["chat:read", "chat:write", "knowledge:write"])
    limited = account.client(daphne)
    add(limited, TEAMS)
    model = upstream.model(Script())
    assert ask(limited, model, message=QUESTION)["sources"] == []
    bodies: list[Json] = [{"knowledge": True}, {"knowledge": {}}, {"model": "extractive"}]
    for body in bodies:
        response = limited.post("/api/chat", json={"message": QUESTION, "model": model, **body})
        assert response.status_code == 403
        assert error_of(response)["details"]["required_scope"] == "knowledge:read"


def test_what_is_gone_is_not_shown_again(
    client: httpx2.Client, upstream: Upstream, known: dict[str, str]
) -> None:
    model = upstream.model(Script(["As it says [1]."]))
    chat = ask(client, model, message=QUESTION)["id"]
    assert client.delete(f"/api/knowledge/{known['Teams']}").status_code == 204
    cited = history(client, chat)[-1]["sources"][0]
    assert cited["content"] is None
    assert cited["source"] == {
        "id": known["Teams"],
        "filename": None,
        "type": "manual",
        "title": None,
        "tags": [],
        "metadata": {},
    }
    assert cited["metadata"] == {"page": None, "section": None}
    with resuming(client, chat) as stream:
        assert TEAMS not in json.dumps([event.data for event in stream])


def test_what_has_changed_keeps_its_name(
    client: httpx2.Client, upstream: Upstream, known: dict[str, str]
) -> None:
    chat = ask(client, upstream.model(Script()), message=QUESTION)["id"]
    client.patch(f"/api/knowledge/{known['Teams']}", json={"content": "Something else."})
    cited = history(client, chat)[-1]["sources"][0]
    assert (cited["content"], cited["source"]["title"]) == (None, "Teams")


def test_shared_knowledge_is_shown_while_it_is_shared(
    client: httpx2.Client, make_account: Any, daphne: Server, upstream: Upstream
) -> None:
    staff = make_account(scopes=None)
    staff.user.is_staff = True
    staff.user.save()
    sharing = staff.client(daphne)
    source = add(sharing, "Zebras are striped horses of the savannah.", visibility="shared")
    answer = ask(client, upstream.model(Script()), message="Are zebras striped horses?")
    assert answer["sources"][0]["source"]["id"] == source
    sharing.patch(f"/api/knowledge/{source}", json={"visibility": "private"})
    assert history(client, answer["id"])[-1]["sources"][0]["content"] is None
