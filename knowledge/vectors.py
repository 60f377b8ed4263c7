"""Where vectors are kept: one column for all models, and for each model an index of its own."""

import hashlib
import logging

from django.db import connection, transaction

from chatbot_project.api.errors import ModelUnavailable
from knowledge.embedders import Vectors
from knowledge.models import Chunk, EmbeddingModel

logger = logging.getLogger(__name__)

# Dimensions that pgvector's HNSW takes; beyond, a model has no index: every search is exact.
MOST_INDEXED = 4_000
EMBEDDED_INDEXES = {"all-MiniLM-L6-v2-int8": "knowledge_embedding_all_minilm_l6_v2_int8"}


class EmbedderChanged(ModelUnavailable):
    """Its vectors could not be compared with those that are there. To try again is of no use."""

    default_detail = (
        "The embedding model gives vectors of another length than before: run manage.py reembed."
    )

    def __init__(self) -> None:
        super().__init__()
        self.headers = {}


def to_text(vector: Vectors) -> str:
    """As PostgreSQL reads it, with more digits than its half precision keeps."""
    values = vector.tolist()
    return "[" + ",".join(["%.6g"] * len(values)) % tuple(values) + "]"


def index_name(model: str) -> str:
    digest = hashlib.sha256(model.encode()).hexdigest()[:16]
    return EMBEDDED_INDEXES.get(model, f"knowledge_embedding_{digest}")


@transaction.atomic
def register(model: str, dimensions: int, *, with_index: bool = True) -> EmbeddingModel:
    """The model's row and its index, made where they are missing.

    The first model of an installation is complete from the start. Raises EmbedderChanged.
    """
    known = EmbeddingModel.objects.filter(pk=model).first()
    if known is None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('knowledge.vectors.register'))")
        known, made = EmbeddingModel.objects.get_or_create(
            name=model,
            defaults={"dimensions": dimensions, "is_complete": not Chunk.objects.exists()},
        )
        if made and with_index:
            create_index(known)
    require_length(dimensions, known.dimensions)
    return known


def require_length(dimensions: int, known: int) -> None:
    """Raises EmbedderChanged."""
    if dimensions != known:
        logger.error("embedder_changed", extra={"had": known, "has": dimensions})
        raise EmbedderChanged


# Among texts in tight groups of 70, one or two searches of 225 find nothing of the nearest group,
# which has no link from outside; with 16 and 64, two or more. Only with more links than a group has
# texts (m = 40) were all found, in 1.6 times as long a build.
GRAPH = "m = 24, ef_construction = 128"


def create_index(model: EmbeddingModel, *, concurrently: bool = False) -> None:
    """`concurrently`: without holding up writes, outside any transaction."""
    if model.dimensions > MOST_INDEXED:
        return
    how = "CONCURRENTLY" if concurrently else ""
    name, literal = index_name(model.name), quoted(model.name)
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE INDEX {how} IF NOT EXISTS {name} ON knowledge_embedding "
            f"USING hnsw ((vector::halfvec({model.dimensions})) halfvec_ip_ops) "
            f"WITH ({GRAPH}) WHERE model = {literal}"
        )


def drop_index(model: EmbeddingModel) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX IF EXISTS {index_name(model.name)}")


def release_connection() -> None:
    """A model may take its time: nobody else should wait for a connection."""
    if not connection.in_atomic_block:
        connection.close()


def quoted(text: str) -> str:
    """As a literal: the planner finds a partial index only for what it can read."""
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"
