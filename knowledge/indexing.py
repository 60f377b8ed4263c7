"""From text to chunks that are ready to be stored: split and embedded, no database yet."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from chatbot_project.api import ids
from knowledge.chunking import Block, Piece, split
from knowledge.embedders import Embedder, Vectors, embedded_embedder, embedder
from knowledge.models import EmbeddingModel
from knowledge.vectors import release_connection

Progress = Callable[[int, int], None]  # chunks done, chunks in all


@dataclass(slots=True)
class PreparedChunk:
    """Its terms are not here: for scripts without spaces they take a hundred times its content."""

    piece: Piece
    vectors: dict[str, Vectors] = field(default_factory=dict)  # by the embedding model's name
    id: UUID = field(default_factory=ids.uuid7)


@dataclass(frozen=True, slots=True)
class Text:
    """What a source is made of."""

    blocks: Iterable[Block]
    title: str = ""
    filename: str = ""


def prepare(
    blocks: Iterable[Block],
    *,
    title: str = "",
    filename: str = "",
    progress: Progress | None = None,
) -> list[PreparedChunk]:
    """Splits and embeds. Raises EmbedderUnavailable; whatever `progress` raises ends it too."""
    return prepare_all([Text(blocks, title, filename)], progress)[0]


def prepare_all(
    texts: Sequence[Text], progress: Progress | None = None
) -> list[list[PreparedChunk]]:
    """The same for several texts, embedded together: many short ones take no longer than one."""
    return prepare_with(writing_embedders(), texts, progress)


def prepare_with(
    embedders: Sequence[Embedder], texts: Sequence[Text], progress: Progress | None = None
) -> list[list[PreparedChunk]]:
    """`prepare_all` without the database."""
    window = min(each.window for each in embedders)
    prepared = [list(pieces(text, window)) for text in texts]
    chunks = [chunk for each in prepared for chunk in each]
    batch = min(each.batch for each in embedders)
    for start in range(0, len(chunks), batch):
        embed(chunks[start : start + batch], embedders)
        if progress:
            progress(min(start + batch, len(chunks)), len(chunks))
    return prepared


def pieces(text: Text, window: int) -> Iterator[PreparedChunk]:
    for piece in split(text.blocks, title=text.title or text.filename, window=window):
        yield PreparedChunk(piece)


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
