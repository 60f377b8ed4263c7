"""Adding, listing, reading, changing and deleting what is in the knowledge base."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from knowledge.models import Chunk, Embedding, Source, TermStat
from tests.knowledge.conftest import AddText, MakeSource

REFERENCE = """{
  "content": "This is important information to remember.",
  "title": "Important Note",
  "source_type": "manual",
  "tags": ["important", "note"],
  "metadata": {
    "category": "general"
  }
}"""
JSON = "application/json"


def finds(client: Client, query: str, type: str = "text") -> list[str]:
    body = {"query": query, "type": type}
    response = client.post("/api/knowledge/search", body, content_type=JSON)
    return [result["content"] for result in response.json()["results"]]


def test_the_example_of_the_reference(owner_client: Client) -> None:
    response = owner_client.post("/api/knowledge", REFERENCE, content_type=JSON)
    assert response.status_code == 201
    added = response.json()
    assert added["id"].startswith("src_")
    assert added["title"] == "Important Note"
    assert added["source_type"] == "manual"
    assert added["tags"] == ["important", "note"]
    assert added["metadata"] == {"category": "general"}
    assert added["visibility"] == "private"
    assert added["chunks_created"] == 1
    assert finds(owner_client, "remember") == ["This is important information to remember."]


def test_only_content_is_needed(owner_client: Client, add_text: AddText) -> None:
    added = add_text(owner_client, "A valve.")
    assert (added["title"], added["tags"], added["metadata"]) == ("", [], {})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "content"),
        ({"content": ""}, "content"),
        ({"content": "x", "source_type": "document"}, "source_type"),
        ({"content": "x", "tags": ["a" * 101]}, "tags.0"),
        ({"content": "x", "metadata": []}, "metadata"),
        ({"content": "x", "title": "t" * 501}, "title"),
        ({"content": "x", "visibility": "public"}, "visibility"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_texts_are_refused(owner_client: Client, body: dict[str, Any], field: str) -> None:
    response = owner_client.post("/api/knowledge", body, content_type=JSON)
    assert response.status_code == 400
    details = response.json()["error"]["details"]
    assert field in [*details.get("missing_fields", []), *details.get("invalid_fields", {})]


def test_too_much_text_is_refused(owner_client: Client) -> None:
    one = {"content": "x" * 100_001}
    several = {"items": [{"content": "x" * 50_001}, {"content": "y" * 50_000}]}
    for path, body in (("/api/knowledge", one), ("/api/knowledge/batch", several)):
        response = owner_client.post(path, body, content_type=JSON)
        assert response.status_code == 413
        error = response.json()["error"]
        assert error["code"] == "PAYLOAD_TOO_LARGE"
        assert error["details"]["limit_characters"] == 100_000
    assert not Source.objects.exists()


class TestBatch:
    def test_it_adds_in_order(self, owner_client: Client) -> None:
        items = [{"content": f"Valve {number}.", "title": f"{number}"} for number in range(5)]
        response = owner_client.post("/api/knowledge/batch", {"items": items}, content_type=JSON)
        assert response.status_code == 201
        assert [each["title"] for each in response.json()["results"]] == list("01234")
        assert len(finds(owner_client, "valve")) == 5

    @pytest.mark.parametrize(
        "items", [[], [{"content": "x"}] * 101, [{"content": "x"}, {"title": "none"}], "x"]
    )
    def test_all_or_none(self, owner_client: Client, items: Any) -> None:
        response = owner_client.post("/api/knowledge/batch", {"items": items}, content_type=JSON)
        assert response.status_code == 400
        assert not Source.objects.exists()


def test_it_is_listed_the_latest_first(
    owner_client: Client, owner: User, make_source: MakeSource
) -> None:
    make_source(owner, ["a"], title="First note", tags=["x"])
    make_source(owner, ["b", "c"], source_type="document", filename="second.pdf", tags=["x", "y"])
    make_source(owner, ["d"], source_type="artifact", title="Third")

    def listed(query: str) -> list[str]:
        answer = owner_client.get(f"/api/knowledge?{query}").json()
        assert answer["total"] >= len(answer["results"])
        return [each["title"] or each["filename"] for each in answer["results"]]

    assert listed("") == ["Third", "second.pdf", "First note"]
    assert listed("limit=1&offset=1") == ["second.pdf"]
    assert listed("source_type=document") == ["second.pdf"]
    assert listed("tags=x") == ["second.pdf", "First note"]
    assert listed("tags=x&tags=y") == listed("tags=x, y") == ["second.pdf"]
    assert listed("search=SECOND") == ["second.pdf"]
    for query in ("source_type=video", f"search={'x' * 1_001}"):
        response = owner_client.get(f"/api/knowledge?{query}")
        assert response.status_code == 400
        assert query.split("=")[0] in response.json()["error"]["details"]["invalid_fields"]


def test_it_is_shown_with_its_chunks(
    owner_client: Client, owner: User, make_source: MakeSource
) -> None:
    source = make_source(owner, ["a", "b"], pages=[1, 2], source_type="document", filename="f.pdf")
    shown = owner_client.get(f"/api/knowledge/{source.public_id}").json()
    assert shown["id"] == source.public_id
    assert shown["chunks_created"] == 2
    assert [chunk["content"] for chunk in shown["chunks"]] == ["a", "b"]
    assert [chunk["metadata"]["page"] for chunk in shown["chunks"]] == [1, 2]
    assert shown["chunks"][0]["id"].startswith("chunk_")


def test_many_chunks_come_in_pages(
    owner_client: Client, owner: User, make_source: MakeSource
) -> None:
    source = make_source(owner, [f"Valve {number}." for number in range(120)])
    path = f"/api/knowledge/{source.public_id}"
    shown = owner_client.get(path).json()
    assert shown["chunks_created"] == 120
    assert [chunk["position"] for chunk in shown["chunks"]] == list(range(100))
    page = owner_client.get(f"{path}/chunks?limit=50&offset=100").json()
    assert page["total"] == 120
    assert [chunk["position"] for chunk in page["results"]] == list(range(100, 120))


def test_labels_change_without_another_look_at_the_text(
    owner_client: Client, add_text: AddText
) -> None:
    added = add_text(owner_client, "A valve.", title="Valves", tags=["a"])
    path = f"/api/knowledge/{added['id']}"
    before = owner_client.get(path).json()
    changes = {"tags": ["b"], "metadata": {"k": 1}}
    changed = owner_client.patch(path, changes, content_type=JSON)
    assert changed.status_code == 200
    after = owner_client.get(path).json()
    assert (after["tags"], after["metadata"]) == (["b"], {"k": 1})
    assert after["chunks"] == before["chunks"]
    assert after["title"] == "Valves"


def test_a_changed_text_is_found_by_its_new_words_alone(
    owner_client: Client, add_text: AddText
) -> None:
    added = add_text(owner_client, "A valve.", title="Pipes")
    path = f"/api/knowledge/{added['id']}"
    changes = {"content": "A pump.", "title": "Machines"}
    assert owner_client.patch(path, changes, content_type=JSON).json()["content"] == "A pump."
    assert finds(owner_client, "valve") == finds(owner_client, "pipes") == []
    assert finds(owner_client, "pump") == finds(owner_client, "machine") == ["A pump."]
    assert finds(owner_client, "valve", "semantic") == ["A pump."]


def test_nothing_is_left_of_what_is_deleted(
    owner_client: Client, owner: User, add_text: AddText, make_source: MakeSource
) -> None:
    kept = make_source(owner, ["A valve and a pipe."])
    before = set(TermStat.objects.values_list("audience", "term", "chunks"))
    added = add_text(owner_client, "A valve. " * 200, title="Valves")
    assert owner_client.delete(f"/api/knowledge/{added['id']}").status_code == 204
    assert owner_client.get(f"/api/knowledge/{added['id']}").status_code == 404
    assert finds(owner_client, "valve") == ["A valve and a pipe."]
    assert Chunk.objects.count() == Embedding.objects.count() == 1
    assert set(TermStat.objects.values_list("audience", "term", "chunks")) == before
    kept.delete()
    assert not TermStat.objects.exists()


def test_an_account_takes_its_knowledge_with_it(
    owner: User, staff: User, make_source: MakeSource
) -> None:
    make_source(owner, ["A valve."])
    make_source(staff, ["Everyone's pipe."], visibility="shared")
    owner.delete()
    staff.delete()
    assert not Chunk.objects.exists()
    assert not Embedding.objects.exists()
    assert not TermStat.objects.exists()


@pytest.mark.parametrize(("source_type", "thing"), [("document", "file"), ("artifact", "document")])
def test_what_was_made_from_something_else_is_changed_there(
    owner_client: Client, owner: User, make_source: MakeSource, source_type: str, thing: str
) -> None:
    path = f"/api/knowledge/{make_source(owner, ['a'], source_type=source_type).public_id}"
    for response in (
        owner_client.patch(path, {"title": "x"}, content_type=JSON),
        owner_client.delete(path),
    ):
        assert response.status_code == 409
        assert thing in response.json()["error"]["message"]


def test_the_same_key_adds_once(owner_client: Client) -> None:
    for _ in range(2):
        response = owner_client.post(
            "/api/knowledge", REFERENCE, content_type=JSON, headers={"Idempotency-Key": "note-1"}
        )
        assert response.status_code == 201
    assert Source.objects.count() == 1
