"""Files are listed, the latest first, and found by what is known of them."""

import pytest

from tests.files.calling import Files, error_of, work


@pytest.fixture
def ids(files: Files) -> list[str]:
    """A completed, a failed and a waiting file."""
    made = [
        files.upload(b"# Tides", "tides.md", tags=["sea", "moon"], description="For sailors")["id"],
        files.upload(b" ", "empty.txt", tags=["sea"])["id"],
    ]
    work()
    made.append(files.upload(b"100% cotton", "100%_shirt.txt")["id"])
    return made


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, [2, 1, 0]),
        ({"limit": "1", "offset": "1"}, [1]),
        ({"status": "completed"}, [0]),
        ({"status": "failed"}, [1]),
        ({"status": "processing"}, [2]),
        ({"type": "text/markdown"}, [0]),
        ({"type": "nothing"}, []),
        ({"tags": "sea"}, [1, 0]),
        ({"tags": "sea,moon"}, [0]),
        ({"tags": ["sea", "moon"]}, [0]),
        ({"tags": "stars"}, []),
        ({"search": "TIDES"}, [0]),
        ({"search": "sailors tides"}, [0]),
        ({"search": "100%_"}, [2]),
        ({"search": "%"}, [2]),
        ({"search": "shore"}, []),
        ({"visibility": "shared"}, []),
        ({"visibility": "private", "search": "  "}, [2, 1, 0]),
    ],
)
def test_filters(files: Files, ids: list[str], query: dict[str, str], found: list[int]) -> None:
    listed = files.get("", **query)
    assert [file["id"] for file in listed["results"]] == [ids[number] for number in found]
    if "limit" not in query:
        assert listed["total"] == len(found)


def test_each_is_shown_as_alone(files: Files, ids: list[str]) -> None:
    for file in files.get()["results"]:
        assert file == files.get(f"/{file['id']}")


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"status": "done"}, "status"),
        ({"visibility": "public"}, "visibility"),
        ({"limit": "0"}, "limit"),
        ({"search": "x" * 1001}, "search"),
    ],
)
def test_what_cannot_be(files: Files, query: dict[str, str], named: str) -> None:
    response = files.client.get("/api/files", query)
    assert response.status_code == 400
    assert list(error_of(response)["details"]["invalid_fields"]) == [named]


@pytest.mark.parametrize("name", ["search", "type", "tags"])
def test_nul(files: Files, name: str) -> None:
    assert files.client.get("/api/files", {name: "a\0"}).status_code == 400
