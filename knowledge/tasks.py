"""What workers do for knowledge."""

from datetime import timedelta

from celery import shared_task

from knowledge.embedders import embedder
from knowledge.reembedding import embed_recent

RECENT = timedelta(days=1)


@shared_task
def embed_recent_chunks() -> None:
    """After a change of model: what was added between the end of `reembed` and the restart."""
    embed_recent(embedder(), RECENT)
