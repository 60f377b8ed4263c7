"""What workers do for knowledge."""

from datetime import timedelta
from typing import Any

from celery import shared_task
from celery.signals import worker_init

from knowledge import slots
from knowledge.embedders import embedded_embedder, embedder
from knowledge.reembedding import embed_recent

SLOT = "recent-chunks"
RECENT = timedelta(days=1)
MOST_IDLE = 60.0  # seconds; nobody waits for the half second that it takes to load a model again


@worker_init.connect
def unload_when_idle(**_: Any) -> None:
    """A worker embeds at times, and would keep 100 MB for it."""
    embedded_embedder().most_idle = MOST_IDLE


@shared_task
def embed_recent_chunks() -> None:
    """After a change of model: what was added between the end of `reembed` and the restart.

    Nothing while another of the machine's workers is at it: that is one less for the rest."""
    with slots.slot([SLOT]) as free:
        if free:
            embed_recent(embedder(), RECENT)
