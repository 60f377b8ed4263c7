"""Every version can be listed, read, gone back to and compared. History only grows."""

import pytest

from tests.documents.calling import Documents, error_of


@pytest.fixture
def three(documents: Documents, document: str) -> str:
    """A document with the versions one, two, three."""
    documents.put(document, content="two\n")
    documents.put(document, content="three\n", title="Plans")
    return document


def test_the_newest_is_listed_first(documents: Documents, three: str) -> None:
    listed = documents.get(f"/{three}/versions")
    assert [version["version"] for version in listed["results"]] == [3, 2, 1]
    assert (listed["total"], listed["limit"], listed["offset"]) == (3, 20, 0)
    assert listed["results"][0] == {
        "document_id": three,
        "version": 3,
        "title": "Plans",
        "type": "text",
        "language": None,
        "size": 6,
        "restored_from": None,
        "created_at": documents.get(f"/{three}")["updated_at"],
    }


def test_pages(documents: Documents, three: str) -> None:
    page = documents.get(f"/{three}/versions", limit=1, offset=1)
    assert [version["version"] for version in page["results"]] == [2]
    assert page["total"] == 3


def test_a_version_is_shown_whole(documents: Documents, three: str) -> None:
    listed = documents.get(f"/{three}/versions")["results"][1]
    assert documents.get(f"/{three}/versions/2") == {**listed, "content": "two\n"}


@pytest.mark.parametrize("number", ["0", "4", "-1", "x", "1.0", "99999999999999999999", "²", "%00"])
def test_versions_that_are_not_there(number: str, documents: Documents, three: str) -> None:
    response = documents.call("get", f"/{three}/versions/{number}")
    assert (response.status_code, error_of(response)["code"]) == (404, "RESOURCE_NOT_FOUND")


def test_restoring_appends(documents: Documents, three: str) -> None:
    restored = documents.restore(three, 1)
    assert (restored["version"], restored["title"], restored["content"]) == (4, "Plan", "one\n")
    contents = [version["content"] for version in documents.versions(three)]
    assert contents == ["one\n", "two\n", "three\n", "one\n"]
    assert documents.versions(three)[-1]["restored_from"] == 1


def test_restoring_what_is_there_appends_too(documents: Documents, document: str) -> None:
    assert documents.restore(document, 1)["version"] == 2


@pytest.mark.parametrize("number", [4, 2**31 - 1])
def test_it_restores_no_unknown_version(number: int, documents: Documents, three: str) -> None:
    response = documents.call("post", f"/{three}/restore", {"version": number})
    assert (response.status_code, error_of(response)["code"]) == (404, "RESOURCE_NOT_FOUND")
    assert len(documents.versions(three)) == 3


@pytest.mark.parametrize("body", [{"version": 0}, {"version": "1"}, {"version": 2**70}, {}])
def test_it_refuses_what_is_no_version(
    body: dict[str, object], documents: Documents, three: str
) -> None:
    assert documents.call("post", f"/{three}/restore", body).status_code == 400


def test_restored_twice_with_one_key_it_is_restored_once(documents: Documents, three: str) -> None:
    for _ in range(2):
        path, body = f"/{three}/restore", {"version": 1}
        assert documents.call("post", path, body, idempotency_key="k").json()["version"] == 4
    assert len(documents.versions(three)) == 4


def test_deleting_takes_all_versions(documents: Documents, three: str) -> None:
    response = documents.call("delete", f"/{three}")
    assert (response.status_code, response.content) == (204, b"")
    for path in ("", "/versions", "/versions/1", "/diff"):
        assert documents.call("get", f"/{three}{path}").status_code == 404
    assert documents.call("delete", f"/{three}").status_code == 404
    assert documents.get()["total"] == 0
