"""If-Match: a change is made to the version that its caller has read, or it is refused at once."""

import pytest

from tests.documents.calling import Documents, error_of

CHANGES = [
    ("put", "", {"content": "three\n"}),
    ("patch", "", {"content": "three\n"}),
    ("put", "", {"type": "pdf"}),
    ("put", "", "no object"),
    ("post", "/restore", {"version": 99}),
    ("post", "/restore", {"version": 1}),
    ("delete", "", None),
]


@pytest.mark.parametrize(("method", "path", "body"), CHANGES, ids=str)
@pytest.mark.parametrize("etag", ["{old}", "W/{new}", '"other"', '"a", "b"', "nonsense", ""])
def test_another_version_is_refused_before_anything_else(
    etag: str, method: str, path: str, body: object, documents: Documents, document: str
) -> None:
    old = documents.etag(document)
    documents.put(document, content="two\n")
    before = documents.get(f"/{document}")
    if_match = etag.format(old=old, new=documents.etag(document))
    response = documents.call(method, f"/{document}{path}", body, if_match=if_match)
    assert response.status_code == 412
    assert error_of(response)["code"] == "PRECONDITION_FAILED"
    assert documents.get(f"/{document}") == before
    assert len(documents.versions(document)) == 2


@pytest.mark.parametrize("etag", ["{}", '"other", {}', "*"])
def test_the_version_that_was_read(etag: str, documents: Documents, document: str) -> None:
    if_match = etag.format(documents.etag(document))
    response = documents.call("put", f"/{document}", {"content": "two\n"}, if_match=if_match)
    assert (response.status_code, response.json()["version"]) == (200, 2)
    assert response.headers["ETag"] == documents.etag(document)


def test_answers_to_changes_carry_the_next_etag(documents: Documents) -> None:
    response = documents.call("post", "", {"title": "Plan", "content": "1"})
    path = f"/{response.json()['id']}"
    for number in (2, 3):
        etag = response.headers["ETag"]
        response = documents.call("patch", path, {"content": str(number)}, if_match=etag)
        assert response.json()["version"] == number
    etag = response.headers["ETag"]
    response = documents.call("post", f"{path}/restore", {"version": 1}, if_match=etag)
    assert response.json()["version"] == 4
    gone = documents.call("delete", path, if_match=response.headers["ETag"])
    assert gone.status_code == 204


def test_what_has_not_changed_is_not_sent_again(documents: Documents, document: str) -> None:
    etag = documents.etag(document)
    for path in (f"/{document}", f"/{document}/versions/1"):
        etag = documents.call("get", path).headers["ETag"]
        assert documents.call("get", path, if_none_match=etag).status_code == 304
    documents.put(document, content="two\n")
    assert documents.call("get", f"/{document}", if_none_match=etag).status_code == 200


def test_what_does_not_exist_has_no_version(documents: Documents, document: str) -> None:
    documents.call("delete", f"/{document}")
    response = documents.call("put", f"/{document}", {"content": "two\n"}, if_match="*")
    assert response.status_code == 404
