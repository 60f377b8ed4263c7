"""The same bytes twice: two files with lives of their own, embedded once."""

from typing import Any

import pytest

from files import claims, processing, services
from files.models import StoredFile
from knowledge import embedded_embedder
from knowledge.models import Chunk, Embedding, Source, TermStat
from tests.files.calling import Files, work


@pytest.fixture
def embedded(monkeypatch: Any) -> list[str]:
    """Every text that is embedded."""
    texts: list[str] = []
    embed = embedded_embedder.EmbeddedEmbedder.embed_passages

    def watched(self: Any, given: Any) -> Any:
        texts.extend(given)
        return embed(self, given)

    monkeypatch.setattr(embedded_embedder.EmbeddedEmbedder, "embed_passages", watched)
    return texts


def test_chunks_are_copied(files: Files, embedded: list[str]) -> None:
    first = files.upload(tags=["one"])
    work()
    assert len(embedded) == 1
    second = files.upload(name="copy.txt", tags=["two"])
    assert (first["duplicate_of"], second["duplicate_of"]) == (None, first["id"])
    work()
    assert len(embedded) == 1
    assert files.status(second["id"])["chunks_created"] == 1
    assert Chunk.objects.count() == Embedding.objects.count() == Source.objects.count() == 2
    assert files.found(tags=["two"]) == [second["id"]]
    assert sorted(files.found()) == sorted([first["id"], second["id"]])
    assert files.found("copy")[0] == second["id"]


@pytest.mark.parametrize("gone", [0, 1])
def test_deleting_one_leaves_the_other(files: Files, gone: int) -> None:
    ids = [files.upload()["id"] for _ in range(2)]
    work()
    files.delete(ids[gone])
    left = ids[1 - gone]
    assert files.found() == [left]
    assert files.get(f"/{left}")["duplicate_of"] is None
    assert files.call("get", f"/{left}/download").status_code == 200
    third = files.upload()
    assert third["duplicate_of"] == left
    files.delete(left)
    files.delete(third["id"])
    assert TermStat.objects.count() == Chunk.objects.count() == 0


def test_the_second_waits_for_the_first(files: Files, embedded: list[str]) -> None:
    first, second = (files.upload()["id"] for _ in range(2))
    taken = claims.take()
    assert taken
    assert taken.file.public_id == first
    work()
    assert files.status(second)["status"] == "processing"
    assert claims.any_due() is False
    processing.process(taken)
    assert claims.any_due() is True  # at once
    work()
    assert files.status(second)["status"] == "completed"
    assert len(embedded) == 1
    assert StoredFile.objects.get(duplicate_of__isnull=False).attempts == 1


@pytest.mark.parametrize("end", ["cancel", "delete", "fail"])
def test_the_first_comes_to_nothing(files: Files, end: str) -> None:
    first, second = (files.upload()["id"] for _ in range(2))
    taken = claims.take()
    assert taken
    work()
    if end == "fail":
        processing.give_up(taken, "No reason.")
    elif end == "cancel":
        files.post(first, "cancel")
    else:
        files.delete(first)
    work()
    assert files.found() == [second]


def test_the_first_is_deleted_as_it_is_copied(files: Files, monkeypatch: Any) -> None:
    """The copy finds no source any more, and makes its own chunks."""
    second = [files.upload()["id"] for _ in range(2)][1]
    processing.process_next()

    def vanish(original: Source, copy: Source) -> None:
        services.delete_file(StoredFile.objects.get(pk=original.pk))
        raise Source.DoesNotExist

    monkeypatch.setattr(processing, "copy_source", vanish)
    work()
    assert files.status(second)["status"] == "completed"


def test_another_kind_of_text_is_read_in_its_own_way(files: Files, embedded: list[str]) -> None:
    text = b"# Tides\n\nThe moon."
    first = files.upload(text, "tides.txt")
    second = files.upload(text, "tides.md")
    assert second["duplicate_of"] == first["id"]
    work()
    assert len(embedded) == 2
    sections = {chunk.section for chunk in Chunk.objects.all()}
    assert sections == {"", "Tides"}


def test_accounts_know_nothing_of_each_other(files: Files, strangers: Files) -> None:
    files.upload()
    other = strangers.upload()
    work()
    assert other["duplicate_of"] is None
    assert strangers.found() == [other["id"]]


def test_made_anew_on_its_own(files: Files, embedded: list[str]) -> None:
    ids = [files.upload()["id"] for _ in range(2)]
    work()
    files.post(ids[1], "reprocess")
    work()
    assert len(embedded) == 2
    assert sorted(files.found()) == sorted(ids)
