"""From text to chunks that are ready to be stored: split, weighed and embedded, no database yet."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from uuid import UUID

from chatbot_project.api import ids
from knowledge import lexical
from knowledge.chunking import Block, Piece, split
from knowledge.embedders import Embedder, Vectors, embedded_embedder, embedder
from knowledge.models import EmbeddingModel
from knowledge.vectors import release_connection

BATCH = 64  # pieces between two reports of progress

Progress = Callable[[int, int], None]  # chunks done, chunks in all


@dataclass(slots=True)
class PreparedChunk:
    piece: Piece
    weights: dict[int, float]  # by term
    vectors: dict[str, Vectors] = field(default_factory=dict)  # by the embedding model's name
    id: UUID = field(default_factory=ids.uuid7)


def prepare(
    blocks: Iterable[Block],
    *,
    title: str = "",
    filename: str = "",
    progress: Progress | None = None,
) -> list[PreparedChunk]:
    """Splits and embeds. Raises EmbedderUnavailable; whatever `progress` raises ends it too."""
    embedders = writing_embedders()
    window = min(each.window for each in embedders)
    pieces = split(blocks, title=title or filename, window=window)
    chunks = [PreparedChunk(piece, weigh(piece.content, title, filename)) for piece in pieces]
    for start in range(0, len(chunks), BATCH):
        embed(chunks[start : start + BATCH], embedders)
        if progress:
            progress(min(start + BATCH, len(chunks)), len(chunks))
    return chunks


def weigh(content: str, title: str, filename: str) -> dict[int, float]:
    """Title and file name are terms of each chunk: people search by them."""
    return lexical.chunk_weights(lexical.count_chunk(content, title, filename))


def embed(chunks: list[PreparedChunk], embedders: Iterable[Embedder]) -> None:
    texts = [chunk.piece.embedded_text for chunk in chunks]
    for each in embedders:
        for chunk, vector in zip(chunks, each.embed_passages(texts), strict=True):
            chunk.vectors[each.name] = vector


def writing_embedders() -> list[Embedder]:
    """The settings' one. While it has yet to embed what is there already (`manage.py reembed`), the
    embedded one too, if searches still use that."""
    chosen = [embedder()]
    complete = set(EmbeddingModel.objects.filter(is_complete=True).values_list("name", flat=True))
    if complete and chosen[0].name not in complete and embedded_embedder().name in complete:
        chosen.append(embedded_embedder())
    release_connection()
    return chosen
