"""Conditions on the sources of what a search finds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Func, JSONField, Value
from django.db.models.lookups import Exact

from knowledge.models import SourceQuerySet


@dataclass(frozen=True, slots=True)
class Filters:
    """All of them hold. `source_ids` are public ones: `file_...`, `doc_...`, `src_...`."""

    source_type: str | None = None
    tags: Sequence[str] = ()  # all of these
    source_ids: Sequence[str] | None = None  # any of these
    metadata: Mapping[str, Any] = field(default_factory=dict)  # each entry equal
    created_after: datetime | None = None  # then or later
    created_before: datetime | None = None  # earlier than then

    def __bool__(self) -> bool:
        return self != Filters()

    def apply(self, sources: SourceQuerySet) -> SourceQuerySet:
        """A source id that none can have matches nothing, as one that is not there."""
        if self.source_ids is not None:
            sources = sources.with_public_ids(self.source_ids)
        if self.source_type is not None:
            sources = sources.filter(source_type=self.source_type)
        if self.tags:
            sources = sources.filter(tags__contains=list(self.tags))
        for key, value in self.metadata.items():
            sources = sources.filter(Exact(metadata_at(key), Value(value, JSONField())))
        if self.created_after is not None:
            sources = sources.filter(created_at__gte=self.created_after)
        if self.created_before is not None:
            sources = sources.filter(created_at__lt=self.created_before)
        return sources


def metadata_at(key: str) -> Func:
    """Django's own way takes the key "5" for a place in a list."""
    return Func("metadata", Value(key), function="jsonb_extract_path", output_field=JSONField())
