"""Versions that are attached, and long: the beginnings are split, once."""

from typing import Any

import pytest

from accounts.models import User
from chat import attached, document_passages, excerpts
from chat.document_passages import likely, nearest
from documents import services
from documents.models import Version
from knowledge.bounded_cache import BoundedCache
from knowledge.search import SearchType, understand

FILLER = "Nothing here is about what is asked for.\n\n" * 60


@pytest.fixture
def split(monkeypatch: Any) -> list[str]:
    """The texts that are split."""
    texts: list[str] = []
    passages_of = document_passages.passages_of

    def watched(version: Version) -> Any:
        texts.append(version.content)
        return passages_of(version)

    monkeypatch.setattr(document_passages, "passages_of", watched)
    monkeypatch.setattr(document_passages, "_known", BoundedCache(1_000_000))
    return texts


def version(owner: User, content: str, type: str = "markdown") -> Version:
    document = services.create_document(owner=owner, title="Spices", content=content, type=type)
    return Version.objects.defer("content").get(document=document)


def found(*versions: Version, question: str = "Which spice is secret?") -> list[str]:
    query = understand(question)
    return [each.content for each in nearest(query, likely(versions, query), 2).found]


def test_it_is_split_once(owner: User, split: list[str]) -> None:
    long = version(owner, f"{FILLER}\n\nThe secret spice is saffron.")
    short = version(owner, "The other spice is pepper.")
    for _ in range(2):
        assert "saffron" in found(long, short)[0]
    assert "pepper" in found(long, short, question="And the other spice?")[0]
    assert len(split) == 2


def test_of_many_the_beginnings(owner: User, split: list[str], monkeypatch: Any) -> None:
    monkeypatch.setattr(document_passages, "MOST_CHARACTERS", 1_000)
    long = [version(owner, f"The secret spice is saffron.\n\n{FILLER}") for _ in range(2)]
    page = version(owner, f"<p>The secret spice is mace.</p><!-- {FILLER} -->", type="html")
    assert len(found(*long, page, version(owner, "Pepper."))) == 2
    assert [len(text) for text in split] == [331, 331, 331, 7]


def test_parts_for_the_prompt_come_from_the_beginnings_too(owner: User, monkeypatch: Any) -> None:
    monkeypatch.setattr(excerpts, "MOST_CHARACTERS", 4_000)
    late, early = (
        f"{FILLER}\n\nThe secret spice is mace.",
        f"The secret spice is saffron.\n\n{FILLER}",
    )
    made = [
        services.create_document(owner=owner, title="Spices", content=content)
        for content in (late, early)
    ]
    attachments = [
        {"id": document.public_id, "type": "document", "title": "Spices", "version": 1}
        for document in made
    ]
    query = understand("Which spice is secret?", SearchType.TEXT)
    read = "".join(attached.read(owner, attachments, query, 900)[0])
    assert ("saffron" in read, "mace" in read) == (True, False)


def test_they_are_scored_as_chunks_are(owner: User, split: list[str]) -> None:
    hits = likely(
        [version(owner, "Saffron is a spice."), version(owner, "Salt is none.")],
        understand("saffron spice", SearchType.TEXT),
    )
    first, second = hits.found
    assert first.content == "Saffron is a spice."
    assert 0.3 < first.score < 1
    assert second.score < first.score  # it has but the title
    assert sum(hits.weights.values()) == pytest.approx(1)


def test_what_has_been_deleted_meanwhile(owner: User, split: list[str]) -> None:
    gone = version(owner, "The secret spice is saffron.")
    Version.objects.all().delete()
    assert found(gone) == []


def test_the_cache_holds_what_was_added_last() -> None:
    cache: BoundedCache[str, str] = BoundedCache(10)
    for key, size in (("a", 4), ("b", 4), ("a", 5), ("c", 5)):
        cache.add(key, key.upper(), size)
    assert [cache.get(key) for key in "abc"] == ["A", None, "C"]
    cache.add("d", "D", 11)
    assert [cache.get(key) for key in "abcd"] == [None] * 4
