"""Search finds the documents that have all the words, in any of their forms."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.documents.calling import Documents


@pytest.fixture
def three(documents: Documents) -> dict[str, str]:
    """Ids by title."""
    made = [
        documents.create(title="Boiling", content="Why does water boil? See www.example.com/steam"),
        documents.create(title="Weather report", content="It rained here in Łódź; ERR-4012 in C++"),
        documents.create(title="Über Größe", content="東京タワーの高さ"),
    ]
    return {document["title"].split()[0]: document["id"] for document in made}


@pytest.mark.parametrize(
    ("search", "titles"),
    [
        ("water", ["Boiling"]),
        ("WATERS", ["Boiling"]),
        ("boiled", ["Boiling"]),
        ("raining", ["Weather"]),
        ("reports", ["Weather"]),  # in the title
        ("report raining", ["Weather"]),  # in both
        ("rain boil", []),  # in no document both
        ("why does the water boil?", ["Boiling"]),
        ("łódź", ["Weather"]),
        ("uber grosse", []),
        ("uber größe", ["Über"]),
        ("東京", ["Über"]),
        ("example.com", ["Boiling"]),
        ("steam", ["Boiling"]),
        ("4012", ["Weather"]),
        ("ERR-4012", ["Weather"]),
        ("err 4012", ["Weather"]),
        ("c++", ["Weather"]),
        ("%", []),
        ("()", []),
        ("xyzzy", []),
        ("", ["Boiling", "Weather", "Über"]),
        ("  ", ["Boiling", "Weather", "Über"]),
    ],
)
def test_words(search: str, titles: list[str], documents: Documents, three: dict[str, str]) -> None:
    found = documents.get(search=search)
    assert {document["id"] for document in found["results"]} == {three[title] for title in titles}
    assert found["total"] == len(titles)


def test_stop_words_alone_are_looked_for_in_titles(documents: Documents) -> None:
    documents.create(title="Who, bathed", content="The")
    who = documents.create(title="The Who")["id"]
    assert [document["id"] for document in documents.get(search="the")["results"]] == [who]


def test_with_a_type(documents: Documents, three: dict[str, str]) -> None:
    assert documents.get(search="water", type="markdown")["total"] == 1
    assert documents.get(search="water", type="code")["total"] == 0


def test_it_searches_what_is_there_now(documents: Documents) -> None:
    id = documents.create(content="ebb")["id"]
    documents.put(id, content="flood")
    assert documents.get(search="flood")["total"] == 1
    assert documents.get(search="ebb")["total"] == 0
    documents.restore(id, 1)
    assert documents.get(search="ebb")["total"] == 1


def test_it_searches_the_end_of_a_megabyte(documents: Documents) -> None:
    words = " ".join(f"w{number}" for number in range(130_000))
    documents.create(content=f"{words} xyzzy")
    assert documents.get(search="xyzzy w129999")["total"] == 1


@pytest.mark.parametrize("search", ["x" * 1_001, "%00"])
def test_it_refuses_bad_searches(search: str, documents: Documents) -> None:
    assert documents.call("get", f"?search={search}").status_code == 400


def test_lists_read_neither_terms_nor_long_content(documents: Documents) -> None:
    documents.create(content="word " * 100_000)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        documents.get(search="word")
    read = [query["sql"] for query in queries if 'FROM "documents_document"' in query["sql"]]
    assert len(read) == 2  # the page, and the count
    for sql in read:
        columns = sql.partition("FROM")[0]
        assert '"terms"' not in columns
        assert '"content",' not in columns.replace('LEFT("documents_document"."content",', "")
