"""`manage.py reembed` moves to the embedding model of the settings, while search goes on."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from knowledge import reembedding
from knowledge.embedders import embedder
from knowledge.models import EmbeddingModel
from knowledge.remote_embedder import EmbedderUnavailable


class Command(BaseCommand):
    help = (
        "Embeds everything with the model of the EMBEDDINGS_* settings. Search goes on with the "
        "model before; stopped at any point, the command goes on where it was. Then restart the "
        "platform with these settings, and run this with --forget-others."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--forget-others",
            action="store_true",
            help="delete the vectors of all other models afterwards",
        )

    def handle(self, *, forget_others: bool, **options: Any) -> None:
        chosen = embedder()
        self.stdout.write(f"Embedding with {chosen.name} ...")
        try:
            model = reembedding.reembed(chosen, self.show)
        except EmbedderUnavailable as error:
            raise CommandError(f"{error.message} Run this again to go on.") from error
        self.stdout.write(f"Every chunk has its vector of {model.name}.")
        if forget_others:
            others = EmbeddingModel.objects.exclude(pk=model.pk)
            self.stdout.write(f"Deleted {reembedding.forget(others)} vectors of other models.")

    def show(self, done: int) -> None:
        self.stdout.write(f"{done} chunks")
