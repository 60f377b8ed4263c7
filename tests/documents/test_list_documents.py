"""The owner's documents, the latest changed first, in pages, by type, searched."""

from typing import Any

import pytest

from tests.documents.calling import Documents, error_of


@pytest.fixture
def three(documents: Documents) -> list[str]:
    """Three documents, the oldest first."""
    made = [
        documents.create(title="Boiling", content="Why does water boil?", type="markdown"),
        documents.create(title="Weather", content="It RAINED in Łódź", type="text"),
        documents.create(title="Rust", content="print('iron')", type="code"),
    ]
    return [document["id"] for document in made]


def found(documents: Documents, **query: Any) -> list[str]:
    return [document["id"] for document in documents.get(**query)["results"]]


def test_the_latest_changed_is_first(documents: Documents, three: list[str]) -> None:
    assert found(documents) == three[::-1]
    documents.put(three[0], content="Because it is hot.")
    assert found(documents) == [three[0], three[2], three[1]]


def test_pages(documents: Documents, three: list[str]) -> None:
    page = documents.get(limit=2, offset=1)
    assert [document["id"] for document in page["results"]] == [three[1], three[0]]
    assert (page["total"], page["limit"], page["offset"]) == (3, 2, 1)
    assert documents.get(offset=99)["results"] == []


def test_types(documents: Documents, three: list[str]) -> None:
    assert found(documents, type="text") == [three[1]]
    assert found(documents, type="csv") == []
    response = documents.call("get", "?type=pdf")
    assert response.status_code == 400
    (reason,) = error_of(response)["details"]["invalid_fields"]["type"]
    assert "markdown, code, text, html, csv, json" in reason


def test_short_documents_are_shown_whole(documents: Documents, three: list[str]) -> None:
    shown = {document["id"]: document for document in documents.get()["results"]}
    assert shown == {id: documents.get(f"/{id}") for id in three}


@pytest.mark.parametrize("letter", ["x", "é", "中", "😀"])
def test_long_content_is_cut(letter: str, documents: Documents) -> None:
    whole = documents.create(content=letter * 20_000)
    (shown,) = documents.get()["results"]
    assert shown == {**whole, "content": shown["content"], "truncated": True}
    assert whole["content"].startswith(shown["content"])
    assert 16_384 - 4 < len(shown["content"].encode()) <= 16_384


def test_content_of_just_16_kb_is_not(documents: Documents) -> None:
    whole = documents.create(content="x" * 16_384)
    assert documents.get()["results"] == [whole]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "offset=-1", "type=%00", "type="]
)
def test_it_refuses_bad_queries(query: str, documents: Documents) -> None:
    assert documents.call("get", f"?{query}").status_code == 400
