"""Both embedders: unit vectors, in the order of the texts, whatever the batches."""

import asyncio
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from django.test import Client

from knowledge import background_loop, remote_embedder
from knowledge.embedded_embedder import EmbeddedEmbedder
from knowledge.embedders import Embedder, embedded_embedder, embedder
from knowledge.remote_embedder import BATCH, EmbedderUnavailable, RemoteEmbedder
from tests.knowledge.embeddings_server import EmbeddingsServer
from tests.servers import PROJECT
from tests.waiting import wait_until

TEXTS = [
    "A cat sat on the mat.",
    "x",
    "Interest rates rose by half a percent in the spring, which nobody had foreseen.",
    "A kitten was lying on the rug.",
    "",
]


@pytest.fixture
def remote(embeddings_server: EmbeddingsServer) -> RemoteEmbedder:
    return RemoteEmbedder(embeddings_server.url, "secret", "hashes")


@pytest.fixture(params=["embedded", "remote"])
def either(request: pytest.FixtureRequest, remote: RemoteEmbedder) -> Embedder:
    return embedded_embedder() if request.param == "embedded" else remote


def test_vectors_are_of_length_one_and_in_order(either: Embedder) -> None:
    texts = [text or "word" for text in TEXTS] * 20
    made = either.embed_passages(texts)
    assert made.shape[0] == len(texts)
    assert made.dtype == np.float32
    assert np.linalg.norm(made, axis=1) == pytest.approx(1, abs=1e-5)
    for place in (0, 1, 2, 57):
        assert made[place] @ either.embed_query(texts[place]) == pytest.approx(1, abs=1e-3)


def test_no_texts_give_no_vectors(either: Embedder) -> None:
    assert len(either.embed_passages([])) == 0


def test_what_means_the_same_is_near() -> None:
    cat, _, rates, kitten, _ = embedded_embedder().embed_passages(TEXTS)
    assert cat @ kitten > 0.5 > 0.2 > cat @ rates


def test_it_reads_256_tokens() -> None:
    window = " ".join(["valve"] * 254)
    embed = embedded_embedder().embed_query
    assert embed(window) @ embed(f"{window} penguins") == pytest.approx(1, abs=1e-5)
    assert embed(window) @ embed(f"penguins {window}") < 0.9999


def test_the_model_is_loaded_when_it_is_needed() -> None:
    """Not by every process that imports the application."""
    code = (
        "import sys, django; django.setup()\n"
        "from knowledge import search, services, tasks, views\n"
        "from knowledge.embedders import embedder\n"
        "assert '_loaded' not in vars(embedder())\n"
        "assert embedder() is embedder()\n"
        "assert 'onnxruntime' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True, timeout=60)


def test_it_is_unloaded_when_it_is_idle() -> None:
    model = EmbeddedEmbedder(1)
    model.most_idle = 0.05
    for _ in range(2):
        vector = model.embed_query("tide")
        wait_until(lambda: "_loaded" not in vars(model), "the model to be unloaded")
        assert vector @ embedded_embedder().embed_query("tide") == pytest.approx(1, abs=1e-5)


def test_what_its_work_took_is_given_back() -> None:
    """130 MB stay; 220 would, if the C library kept what is free."""
    code = (
        "import django; django.setup()\n"
        "import psutil\n"
        "from knowledge.embedders import embedder\n"
        "before = psutil.Process().memory_info().rss\n"
        "embedder().embed_passages(['tide ' * 300] * 4)\n"
        "taken = psutil.Process().memory_info().rss - before\n"
        "assert taken < 180e6, taken\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True, timeout=60)


def test_threads_are_limited() -> None:
    assert EmbeddedEmbedder(1_000)._threads <= 64


def test_it_asks_in_batches(remote: RemoteEmbedder, embeddings_server: EmbeddingsServer) -> None:
    remote.embed_passages([f"text {number}" for number in range(150)])
    assert sorted(len(asked["input"]) for asked in embeddings_server.asked) == [22, 32, 32, 32, 32]
    assert {asked["model"] for asked in embeddings_server.asked} == {"hashes"}
    assert {h["Authorization"] for h in embeddings_server.headers} == {"Bearer secret"}


def test_it_asks_for_fewer_dimensions(embeddings_server: EmbeddingsServer) -> None:
    small = RemoteEmbedder(embeddings_server.url, "", "hashes", 16)
    assert small.embed_query("x").shape == (16,)
    assert small.name == "hashes/16"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_it_tries_again(
    remote: RemoteEmbedder, embeddings_server: EmbeddingsServer, monkeypatch: Any, status: int
) -> None:
    monkeypatch.setattr(remote_embedder, "RETRY_DELAYS", [0.01, 0.01])
    embeddings_server.scripted.extend([(status, {}), (status, {})])
    assert remote.embed_query("x").shape == (64,)
    assert len(embeddings_server.asked) == 3


@pytest.mark.parametrize(
    "answer",
    [
        (401, {}),
        (400, {"error": {"message": "secret details"}}),
        (200, b"no json"),
        (200, {}),
        (200, {"data": []}),
        (200, {"data": [{"index": 0, "embedding": [0.0, 0.0]}]}),
        (200, {"data": [{"index": 0, "embedding": ["x"]}]}),
        (200, {"data": [{"index": 0, "embedding": None}]}),
        (200, {"data": [{"index": 1, "embedding": [1.0]}]}),
        (200, b'{"data": [{"index": 0, "embedding": [NaN, 1.0]}]}'),
        (200, [1]),
    ],
    ids=str,
)
def test_it_says_what_is_wrong_in_our_words(
    remote: RemoteEmbedder, embeddings_server: EmbeddingsServer, answer: Any
) -> None:
    embeddings_server.scripted.append(answer)
    with pytest.raises(EmbedderUnavailable) as raised:
        remote.embed_query("x")
    assert raised.value.status_code == 503
    assert "secret" not in raised.value.message


def test_a_question_waits_no_longer_than_a_person_would(
    remote: RemoteEmbedder, embeddings_server: EmbeddingsServer, monkeypatch: Any
) -> None:
    monkeypatch.setattr(remote_embedder, "QUERY_SECONDS", 0.2)
    embeddings_server.held = "x"
    with pytest.raises(EmbedderUnavailable):
        remote.embed_query("x")


def test_where_one_batch_fails_the_others_end(
    remote: RemoteEmbedder, embeddings_server: EmbeddingsServer
) -> None:
    """Nobody wants their vectors any more: the model has others to serve."""
    embeddings_server.held = "held"
    embeddings_server.scripted.append((401, {}))
    with pytest.raises(EmbedderUnavailable, match="refuses"):
        remote.embed_passages([*["refused"] * BATCH, *["held"] * BATCH * 8])
    loop = background_loop._loop(os.getpid())
    wait_until(lambda: not asyncio.all_tasks(loop), "the other batches to end")
    assert len(embeddings_server.asked) < 9


def test_vectors_of_another_length_are_refused(
    use_remote: Any, embeddings_server: EmbeddingsServer, owner_client: Client
) -> None:
    """By searches as by writing: they could not be compared with those that are there."""
    use_remote()
    calls = [("/api/knowledge", {"content": "x"}), ("/api/knowledge/search", {"query": "x"})]
    first = owner_client.post(*calls[0], content_type="application/json")
    assert first.status_code == 201
    embeddings_server.dimensions = 32
    for path, body in calls:
        response = owner_client.post(path, body, content_type="application/json")
        assert response.status_code == 503
        assert "another length" in response.json()["error"]["message"]


def test_a_batch_of_texts_is_one_call(
    use_remote: Any, embeddings_server: EmbeddingsServer, owner_client: Client
) -> None:
    use_remote()
    body = {"items": [{"content": f"Valve {number}."} for number in range(30)]}
    response = owner_client.post("/api/knowledge/batch", body, content_type="application/json")
    assert response.status_code == 201
    assert [len(asked["input"]) for asked in embeddings_server.asked] == [30]


def test_the_api_says_so_too(
    use_remote: Any, embeddings_server: EmbeddingsServer, owner_client: Client
) -> None:
    use_remote()
    assert embedder().name == "hashes"
    first = owner_client.post("/api/knowledge", {"content": "a"}, content_type="application/json")
    assert first.status_code == 201
    embeddings_server.scripted.extend([(401, {})] * 2)
    for path, body in (
        ("/api/knowledge/search", {"query": "x"}),
        ("/api/knowledge", {"content": "x"}),
    ):
        response = owner_client.post(path, body, content_type="application/json")
        assert response.status_code == 503
        assert response.json()["error"]["code"] == "MODEL_UNAVAILABLE"
    assert owner_client.get("/api/knowledge").json()["total"] == 1
