"""`knowledge: true` keeps the newest version of a document in its owner's knowledge, no other."""

from typing import Any
from uuid import UUID

import pytest
from django.db.models.functions import Now

from accounts.models import User
from chatbot_project.api import ids, workers
from documents import indexing, tasks
from documents.models import Indexing
from documents.services import create_document
from knowledge import remote_embedder, slots
from knowledge.models import Chunk, EmbeddingModel, Source, TermStat
from tests.documents.calling import Documents


@pytest.fixture
def known(documents: Documents) -> str:
    """The id of a document that is to be indexed."""
    made = documents.create(title="Tides", content="The moon moves the sea.", knowledge=True)
    return str(made["id"])


def uuid_of(id: str) -> UUID:
    return ids.decode("doc", id)


def work() -> None:
    """What workers do, once they are called."""
    for indexed in list(Indexing.objects.all()):
        tasks.index_document(str(indexed.pk))


def found() -> list[str]:
    return [chunk.content for chunk in Chunk.objects.order_by("source", "position")]


def test_it_is_an_artifact_of_its_owner(owner: User, documents: Documents, known: str) -> None:
    assert found() == []
    work()
    source = Source.objects.get()
    assert source.public_id == known
    assert (source.source_type, source.title, source.owner) == ("artifact", "Tides", owner)
    assert (source.audience, source.metadata) == (owner.id, {"type": "markdown", "version": 1})
    assert found() == ["The moon moves the sea."]
    assert documents.get(f"/{known}")["knowledge"] is True


def test_a_page_is_found_by_what_it_says(documents: Documents) -> None:
    html = "<h1>Tides</h1><p>The <b>moon</b> moves the sea.</p><script>let tracker;</script>"
    documents.create(title="Page", type="html", content=html, knowledge=True)
    work()
    assert found() == ["# Tides\n\nThe moon moves the sea."]
    assert Chunk.objects.get().section == "Tides"


def test_a_comment_in_code_is_no_heading(documents: Documents) -> None:
    code = "# Not a heading\nprint(1)\n"
    documents.create(title="Code", type="code", content=code, knowledge=True)
    work()
    assert Chunk.objects.get().section == ""


def test_others_are_not_indexed(documents: Documents, document: str) -> None:
    work()
    assert Indexing.objects.count() == Source.objects.count() == 0


def test_it_keeps_step_with_each_version(documents: Documents, known: str) -> None:
    work()
    documents.put(known, content="The sun does, too.")
    work()
    assert found() == ["The sun does, too."]
    documents.patch(known, title="Seas")
    work()
    assert Source.objects.get().title == "Seas"
    documents.restore(known, 1)
    work()
    assert found() == ["The moon moves the sea."]
    assert Source.objects.get().metadata["version"] == 4


def test_what_does_not_change_is_not_indexed_again(documents: Documents, known: str) -> None:
    work()
    (before,) = Chunk.objects.values_list("pk")
    documents.put(known, content="The moon moves the sea.")
    work()
    tasks.index_document(str(uuid_of(known)))
    assert list(Chunk.objects.values_list("pk")) == [before]


def test_turned_on_later_and_off_again(documents: Documents, document: str) -> None:
    documents.put(document, knowledge=True)
    work()
    assert found() == ["one"]
    documents.put(document, knowledge=False, content="two\n")
    assert found() == []  # at once: nobody waits for a worker
    work()
    assert found() == []
    assert Indexing.objects.count() == TermStat.objects.count() == 0


def test_a_deleted_document_is_found_no_more(documents: Documents, known: str) -> None:
    work()
    documents.call("delete", f"/{known}")
    assert found() == []
    tasks.index_document(str(uuid_of(known)))
    assert Source.objects.count() == TermStat.objects.count() == 0


def test_a_document_without_words(documents: Documents, known: str) -> None:
    work()
    documents.put(known, content="")
    work()
    assert found() == []
    assert Indexing.objects.get().due_at is None


@pytest.fixture
def begun(known: str) -> indexing.Work:
    """What a worker has taken, and not yet stored."""
    taken = indexing.take(uuid_of(known))
    assert taken is not None
    return taken


def test_a_change_while_it_is_indexed(
    documents: Documents, known: str, begun: indexing.Work
) -> None:
    chunks = indexing.embed(begun)
    documents.put(known, content="The sun does, too.")
    with pytest.raises(indexing.Superseded):
        indexing.store(begun, chunks)
    with pytest.raises(indexing.Superseded):  # it need not go on
        indexing.embed(begun)
    assert found() == []
    work()
    assert found() == ["The sun does, too."]


def test_turned_off_while_it_is_indexed(
    documents: Documents, known: str, begun: indexing.Work
) -> None:
    chunks = indexing.embed(begun)
    documents.put(known, knowledge=False)
    with pytest.raises(indexing.Superseded):
        indexing.store(begun, chunks)
    assert found() == []


def test_deleted_while_it_is_indexed(
    documents: Documents, known: str, begun: indexing.Work
) -> None:
    chunks = indexing.embed(begun)
    documents.call("delete", f"/{known}")
    with pytest.raises(indexing.Superseded):
        indexing.store(begun, chunks)
    assert Source.objects.count() == 0


def test_two_workers_called_at_once(known: str, begun: indexing.Work) -> None:
    assert indexing.take(uuid_of(known)) is None
    work()
    assert found() == []
    indexing.store(begun, indexing.embed(begun))
    assert found() == ["The moon moves the sea."]


def test_a_worker_that_died(known: str, begun: indexing.Work) -> None:
    work()
    assert found() == []  # its lease is running
    Indexing.objects.update(due_at=Now() - indexing.LOST)
    assert indexing.lost() == [uuid_of(known)]
    work()
    assert found() == ["The moon moves the sea."]
    assert indexing.lost() == []
    with pytest.raises(indexing.Superseded):  # if it lives after all
        indexing.store(begun, [])


def test_an_embedder_that_is_down(known: str, settings: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(remote_embedder, "RETRY_DELAYS", [])
    settings.EMBEDDED_EMBEDDINGS = False
    settings.EMBEDDINGS_BASE_URL = "http://127.0.0.1:9/v1"
    settings.EMBEDDINGS_API_KEY = "tests"
    work()
    waiting = Indexing.objects.annotate(now=Now()).get()
    assert (waiting.failures, waiting.claim, waiting.version) == (1, None, 0)
    assert waiting.due_at is not None
    assert 0 < (waiting.due_at - waiting.now).total_seconds() <= indexing.PAUSES[0]
    settings.EMBEDDED_EMBEDDINGS = True
    Indexing.objects.update(due_at=Now())
    work()
    assert found() == ["The moon moves the sea."]
    assert Indexing.objects.get().failures == 0


def test_an_embedder_that_has_changed(documents: Documents, known: str) -> None:
    work()
    EmbeddingModel.objects.update(dimensions=7)
    documents.put(known, content="The sun does, too.")
    work()
    assert Indexing.objects.get().failures == 1
    assert found() == ["The moon moves the sea."]
    EmbeddingModel.objects.update(dimensions=384)
    Indexing.objects.update(due_at=Now())
    work()
    assert found() == ["The sun does, too."]


def test_a_fault_of_ours_is_not_met_for_ever(known: str, settings: Any) -> None:
    del settings.EMBEDDED_EMBEDDINGS
    for failures in (1, 2):
        Indexing.objects.update(due_at=Now())
        with pytest.raises(AttributeError):
            work()
        waiting = Indexing.objects.annotate(now=Now()).get()
        assert (waiting.failures, waiting.claim) == (failures, None)
        assert waiting.due_at is not None and waiting.due_at > waiting.now
    work()  # not before the pause has passed


def test_it_waits_while_all_slots_are_taken(known: str) -> None:
    """Others than documents must find a worker."""
    with slots.slot(tasks.SLOTS), slots.slot(tasks.SLOTS):
        work()
        assert found() == []
    work()
    assert found() == ["The moon moves the sea."]


def test_the_next_is_of_an_account_that_has_none_under_way(
    documents: Documents, stranger: User, known: str
) -> None:
    more = documents.create(title="Ebb", content="It goes.", knowledge=True)["id"]
    theirs = create_document(owner=stranger, title="Flood", content="It comes.", knowledge=True)
    assert indexing.take(uuid_of(known))
    assert indexing.next_due() == theirs.pk
    assert indexing.take(theirs.pk)
    assert indexing.next_due() == uuid_of(more)


def test_it_calls_for_the_next_one_even_where_it_fails(
    documents: Documents, known: str, monkeypatch: Any
) -> None:
    more = documents.create(title="Ebb", content="It goes.", knowledge=True)["id"]
    called: list[str] = []
    monkeypatch.setattr(workers, "call", lambda task, id, expires: called.append(id))
    with monkeypatch.context() as broken, pytest.raises(ZeroDivisionError):
        broken.setattr(indexing, "prepare", lambda *texts, **more: 1 / 0)
        tasks.index_document(str(uuid_of(known)))
    assert called == [str(uuid_of(more))]


def test_a_call_that_nobody_heeds_is_not_kept(
    documents: Documents, monkeypatch: Any, django_capture_on_commit_callbacks: Any
) -> None:
    """The sweep calls anew: the queue does not grow while no worker is there."""
    called: list[tuple[str, int]] = []
    monkeypatch.setattr(workers, "call", lambda task, *of, expires: called.append((task, expires)))
    with django_capture_on_commit_callbacks(execute=True):
        documents.create(title="Tides", content="The moon moves the sea.", knowledge=True)
    assert (indexing.TASK, indexing.CALL_KEPT) in called
