"""PUT and PATCH make a new version of what they change, and none where they change nothing."""

from typing import Any

import pytest

from tests.documents.calling import Documents, error_of

METHODS = pytest.mark.parametrize("method", ["put", "patch"])


@METHODS
def test_absent_fields_stay(method: str, documents: Documents, document: str) -> None:
    changed = getattr(documents, method)(document, content="two\n")
    assert (changed["title"], changed["content"], changed["type"]) == ("Plan", "two\n", "text")
    assert changed["version"] == 2
    assert documents.get(f"/{document}") == changed


@METHODS
@pytest.mark.parametrize(
    "body",
    [{}, {"title": "Plan"}, {"title": " Plan "}, {"content": "one\n"}, {"language": None},
     {"title": "Plan", "content": "one\n", "type": "text", "knowledge": False},
     {"id": "doc_1", "version": 7, "unknown": True}],
    ids=str,
)  # fmt: skip
def test_nothing_changed_makes_no_version(
    body: dict[str, Any], method: str, documents: Documents, document: str
) -> None:
    before, etag = documents.get(f"/{document}"), documents.etag(document)
    assert getattr(documents, method)(document, **body) == before
    assert documents.etag(document) == etag
    assert len(documents.versions(document)) == 1


def test_every_version_is_kept(documents: Documents, document: str) -> None:
    documents.put(document, content="two\n")
    documents.put(document, title="Plans")
    documents.put(document, type="code", language="sql")
    documents.put(document, content="one\n", title="Plan")
    shown = [
        (each["version"], each["title"], each["content"], each["type"], each["language"])
        for each in documents.versions(document)
    ]
    assert shown == [
        (1, "Plan", "one\n", "text", None),
        (2, "Plan", "two\n", "text", None),
        (3, "Plans", "two\n", "text", None),
        (4, "Plans", "two\n", "code", "sql"),
        (5, "Plan", "one\n", "code", "sql"),
    ]


def test_knowledge_makes_no_version_but_is_a_change(documents: Documents, document: str) -> None:
    before, etag = documents.get(f"/{document}"), documents.etag(document)
    assert documents.put(document, knowledge=True) == {**before, "knowledge": True}
    assert documents.etag(document) != etag
    assert len(documents.versions(document)) == 1


def test_only_code_has_a_language(documents: Documents, document: str) -> None:
    refused = documents.call("put", f"/{document}", {"language": "sql"})
    assert refused.status_code == 400
    assert list(error_of(refused)["details"]["invalid_fields"]) == ["language"]
    assert documents.put(document, type="code", language="sql")["language"] == "sql"
    assert documents.put(document, content="select 1")["language"] == "sql"
    assert documents.put(document, type="text")["language"] is None


@METHODS
@pytest.mark.parametrize(
    "body",
    [{"title": ""}, {"title": None}, {"content": None}, {"content": "x" * 1_000_001},
     {"type": "pdf"}, {"type": None}, {"knowledge": "yes"}],
    ids=lambda body: str(body)[:30],
)  # fmt: skip
def test_it_refuses_bad_values(
    body: dict[str, Any], method: str, documents: Documents, document: str
) -> None:
    response = documents.call(method, f"/{document}", {"title": "Other", **body})
    assert response.status_code == 400
    assert list(error_of(response)["details"]["invalid_fields"]) == list(body)
    assert len(documents.versions(document)) == 1
