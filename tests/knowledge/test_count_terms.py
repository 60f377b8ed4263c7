"""The counts of terms are what the chunks say, whatever happens at the same time."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from knowledge import lexical, services, term_stats
from knowledge.models import EVERY_CHUNK, EVERYONE, Chunk, Source, TermStat
from tests.knowledge.conftest import MakeSource

pytestmark = pytest.mark.django_db(transaction=True)

TEXTS = ["A valve and a pump.", "A pump and a pipe.", "A pipe and a valve, and a tap.", "A tap."]


@pytest.fixture
def at_once() -> Iterator[Callable[..., list[Any]]]:
    """`at_once(calls)` runs each in a thread with a connection of its own."""

    def run(call: Callable[[], Any]) -> Any:
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        yield lambda calls: list(threads.map(run, calls))


def recounted() -> dict[tuple[Any, int], int]:
    ids = list(Source.objects.values_list("id", flat=True))
    counts = term_stats.counts_of_sources(ids)
    return {
        (audience, int(term)): int(chunks)
        for audience in counts.tallies
        for term, chunks in zip(*counts.counted(audience), strict=True)
    }


def stored() -> dict[tuple[Any, int], int]:
    rows = TermStat.objects.values_list("audience", "term", "chunks")
    return {(audience, term): chunks for audience, term, chunks in rows}


def test_counts_of_many_terms(
    owner: User, make_source: MakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted and stored a few at a time."""
    monkeypatch.setattr(term_stats, "MOST_LOOSE", 5)
    monkeypatch.setattr(term_stats, "AT_ONCE", 3)
    source = make_source(owner, TEXTS)
    assert stored() == recounted()
    assert stored()[owner.id, EVERY_CHUNK] == 4
    assert stored()[owner.id, lexical.dimension("tap")] == 2
    services.change_text(source, visibility="shared")
    assert stored() == recounted()
    services.change_text(source, content="A tap.")
    assert (
        stored()
        == recounted()
        == {(EVERYONE, term): 1 for term in (EVERY_CHUNK, lexical.dimension("tap"))}
    )


def test_many_writers_at_once(
    owner: User, make_source: MakeSource, at_once: Callable[..., list[Any]]
) -> None:
    sources = [make_source(owner, TEXTS[place % 4 :]) for place in range(8)]
    calls: list[Callable[[], Any]] = []
    for place, source in enumerate(sources):
        calls += [
            partial(services.delete_source, source),
            partial(make_source, owner, TEXTS[: place % 4 + 1]),
            partial(make_source, owner, TEXTS[::-1], visibility="shared"),
        ]
    at_once(calls)
    assert Source.objects.count() == 16
    assert stored() == recounted()
    assert set(stored().values()).isdisjoint({0})


def test_one_source_replaced_by_many_at_once(
    owner: User, make_source: MakeSource, at_once: Callable[..., list[Any]]
) -> None:
    source = make_source(owner, TEXTS)
    known = [Source.objects.get(pk=source.pk) for _ in range(8)]
    at_once(
        [
            partial(services.change_text, each, content=text)
            for each, text in zip(known, TEXTS * 2, strict=True)
        ]
    )
    assert Chunk.objects.count() == 1
    assert stored() == recounted()


def test_changes_at_once_are_all_kept(
    owner: User, make_source: MakeSource, at_once: Callable[..., list[Any]]
) -> None:
    source = make_source(owner, TEXTS[:1], title="A")
    changes: list[dict[str, Any]] = [
        {"content": "A new pump."},
        {"title": "Pumps"},
        {"tags": ["a"]},
        {"metadata": {"n": 1}},
        {"visibility": "shared"},
    ]
    known = [Source.objects.get(pk=source.pk) for _ in changes]
    pairs = zip(known, changes, strict=True)
    at_once([partial(services.change_text, each, **change) for each, change in pairs])
    left = Source.objects.get(pk=source.pk)
    assert (left.title, left.content) == ("Pumps", "A new pump.")
    assert (left.tags, left.metadata, left.visibility) == (["a"], {"n": 1}, "shared")
    [chunk] = Chunk.objects.all()
    assert set(chunk.terms) == set(lexical.keys(0, lexical.count_chunk("A new pump.", "Pumps")))
    assert stored() == recounted()


def test_an_account_is_emptied_while_others_write(
    owner: User,
    stranger: User,
    make_source: MakeSource,
    at_once: Callable[..., list[Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(services, "MOST_DELETED", 3)
    for place in range(8):
        make_source(owner, TEXTS[place % 4 :], visibility=("shared", "private")[place % 2])

    def empty() -> None:
        while services.delete_sources_of(owner):
            pass

    calls: list[Callable[[], Any]] = [empty]
    calls += [partial(make_source, stranger, TEXTS, visibility="shared")] * 6
    at_once(calls)
    assert not owner.sources.exists()
    assert Source.objects.count() == 6
    assert stored() == recounted()


def test_what_is_deleted_meanwhile_does_not_come_back(owner: User, make_source: MakeSource) -> None:
    source = make_source(owner, TEXTS)
    stale = Source.objects.get(pk=source.pk)
    services.delete_source(source)
    with pytest.raises(Source.DoesNotExist):
        services.change_text(stale, content="A valve.")
    assert not Chunk.objects.exists()
    assert stored() == {}


def test_a_copy_counts_for_itself(owner: User, stranger: User, make_source: MakeSource) -> None:
    original = make_source(owner, TEXTS, pages=[1, 2, 3, 4], filename="a.pdf", title="A")
    copy = Source(owner=stranger, audience=stranger.id, source_type="document", filename="b.pdf")
    services.copy_source(original, copy)
    assert [c.content for c in copy.chunks.order_by("position")] == TEXTS
    assert [c.page for c in copy.chunks.order_by("position")] == [1, 2, 3, 4]
    assert stored() == recounted()
    services.copy_source(original, copy)  # once more, over what is there
    assert copy.chunks.count() == 4
    assert stored() == recounted()
    services.delete_source(original)
    assert copy.chunks.count() == 4
    assert Chunk.objects.filter(embeddings__isnull=False).count() == 4
    assert Counter(audience for audience, _ in stored()).keys() == {stranger.id}
    assert EVERYONE not in {audience for audience, _ in stored()}
