"""POST makes a document with its first version."""

from typing import Any

import pytest

from tests.documents.calling import Documents, error_of

MEGABYTE = 1_000_000


def test_it_shows_what_it_made(documents: Documents) -> None:
    made = documents.create(title=" Plan ", content="print(1)\n", type="code", language="python")
    assert (made["title"], made["content"]) == ("Plan", "print(1)\n")
    assert (made["type"], made["language"]) == ("code", "python")
    assert (made["version"], made["knowledge"]) == (1, False)
    assert made["created_at"] == made["updated_at"]
    assert documents.get(f"/{made['id']}") == made
    (version,) = documents.versions(made["id"])
    assert (version["content"], version["size"]) == ("print(1)\n", 9)


def test_markdown_is_the_default(documents: Documents) -> None:
    made = documents.create(title="Plan", content="# One")
    assert (made["type"], made["language"]) == ("markdown", None)


@pytest.mark.parametrize("type", ["markdown", "code", "text", "html", "csv", "json"])
def test_types(type: str, documents: Documents) -> None:
    assert documents.create(type=type)["type"] == type


@pytest.mark.parametrize(
    "content",
    ["", " \n", "a\r\nb", "zwei Größen: ½ 中文 😀\n", "\t\x01\x7f\u2028"],
    ids=["empty", "blank", "CR LF", "Unicode", "control characters"],
)
def test_content_is_kept_as_it_is(content: str, documents: Documents) -> None:
    made = documents.create(content=content)
    assert made["content"] == content
    assert documents.get(f"/{made['id']}/versions/1")["content"] == content


@pytest.mark.parametrize(
    "content", ["x" * MEGABYTE, "é" * (MEGABYTE // 2), "word " * (MEGABYTE // 5)], ids=len
)
def test_content_of_a_megabyte(content: str, documents: Documents) -> None:
    made = documents.create(content=content)
    assert documents.get(f"/{made['id']}")["content"] == content


@pytest.mark.parametrize("content", ["x" * (MEGABYTE + 1), "é" * (MEGABYTE // 2) + "x"], ids=len)
def test_more_than_a_megabyte_is_refused(content: str, documents: Documents) -> None:
    response = documents.call("post", "", {"title": "Plan", "content": content})
    assert response.status_code == 400
    assert list(error_of(response)["details"]["invalid_fields"]) == ["content"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": ""}, {"title": " "}, {"title": None}, {"title": 5}, {"title": "x" * 501},
        {"content": None}, {"content": 5}, {"content": ["x"]},
        {"type": "pdf"}, {"type": ""}, {"type": None}, {"type": ["text"]},
        {"language": "python"}, {"type": "code", "language": ""}, {"type": "code", "language": 5},
        {"type": "code", "language": "x" * 51},
        {"knowledge": "true"}, {"knowledge": None}, {"knowledge": 1},
    ],
    ids=lambda wrong: str(wrong)[:40],
)  # fmt: skip
def test_it_refuses_bad_values(wrong: dict[str, Any], documents: Documents) -> None:
    response = documents.call("post", "", {"title": "Plan", "content": "", **wrong})
    assert response.status_code == 400
    error = error_of(response)
    assert error["code"] == "INVALID_REQUEST"
    assert list(error["details"]["invalid_fields"]) == [[*wrong][-1]]
    assert documents.get()["total"] == 0


def test_it_names_what_is_missing(documents: Documents) -> None:
    error = error_of(documents.call("post", "", {"type": "text"}))
    assert error["details"]["missing_fields"] == ["title", "content"]


def test_fields_that_are_not_its_callers(documents: Documents) -> None:
    made = documents.create(id="doc_1", version=7, created_at="1999-01-01T00:00:00Z", other=1)
    assert made["id"] != "doc_1"
    assert made["version"] == 1
    assert made["created_at"] > "2000"


def test_sent_again_with_its_key_it_is_made_once(documents: Documents) -> None:
    first, again = (
        documents.call("post", "", {"title": "Plan", "content": "one"}, idempotency_key="one")
        for _ in range(2)
    )
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert first.headers["ETag"] == again.headers["ETag"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert documents.get()["total"] == 1
