"""What the knowledge API takes, and what it shows."""

from typing import Any

from rest_framework import serializers

from chatbot_project.api.errors import PayloadTooLarge
from chatbot_project.api.fields import IntegerField, MomentField, ObjectField, TextField
from knowledge.filters import Filters
from knowledge.models import TITLE_LENGTH, Chunk, Source, SourceType, Visibility
from knowledge.search import DEFAULT_LIMIT, Found, SearchType

LONGEST_QUERY = 4_000  # characters
LONGEST_CONTENT = 100_000  # characters of all texts of a call
MOST_ITEMS = 100
MOST_TAGS = 50
MOST_LIMIT = 50


class TagsField(serializers.ListField):
    """Up to 50 different strings of up to 100 characters."""

    child = TextField(max_length=100, trim_whitespace=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MOST_TAGS, **kwargs)

    def to_internal_value(self, data: Any) -> list[str]:
        return list(dict.fromkeys(super().to_internal_value(data)))


class FiltersSerializer(serializers.Serializer[Any]):
    """All of them must hold. They are about the source of a chunk."""

    source_type = serializers.ChoiceField(SourceType.choices, required=False, allow_null=True)
    tags = TagsField(required=False, allow_null=True, help_text="Has all of these.")
    source_id = serializers.JSONField(
        required=False,
        allow_null=True,
        help_text="An id (`file_...`, `doc_...`, `src_...`), or a list of them: is one of these.",
    )
    metadata = ObjectField(required=False, allow_null=True, help_text="Has these very entries.")
    created_after = MomentField(required=False, allow_null=True, help_text="Then or later.")
    created_before = MomentField(required=False, allow_null=True, help_text="Before then.")

    def validate_source_id(self, value: Any) -> list[str] | None:
        if value is None:
            return None
        found = [value] if isinstance(value, str) else value
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            raise serializers.ValidationError("Must be an id or a list of ids.")
        if len(found) > MOST_ITEMS:
            raise serializers.ValidationError(f"At most {MOST_ITEMS} ids.")
        return found

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = {name: value for name, value in attrs.items() if value is not None}
        return {"source_ids" if name == "source_id" else name: v for name, v in given.items()}


class SearchSerializer(serializers.Serializer[Any]):
    query = TextField(max_length=LONGEST_QUERY)
    type = serializers.ChoiceField(
        [each.value for each in SearchType], required=False, default=SearchType.HYBRID.value
    )
    limit = IntegerField(required=False, default=DEFAULT_LIMIT, min_value=1, max_value=MOST_LIMIT)
    filters = FiltersSerializer(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """As `knowledge.search.search` takes them."""
        filters = Filters(**(attrs.get("filters") or {}))
        return {**attrs, "type": SearchType(attrs["type"]), "filters": filters}


class FoundSourceSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="`file_...`, `doc_...` or `src_...`.")
    filename = serializers.CharField(help_text="Of an upload; else the title.")
    type = serializers.ChoiceField(SourceType.choices)
    title = serializers.CharField()
    tags = serializers.ListField(child=serializers.CharField())
    metadata = serializers.DictField()


class PlaceSerializer(serializers.Serializer[Any]):
    page = serializers.IntegerField(allow_null=True)
    section = serializers.CharField(allow_null=True)


class ResultSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    content = serializers.CharField()
    score = serializers.FloatField(min_value=0, max_value=1)
    source = FoundSourceSerializer()  # type: ignore[assignment]  # a field of that name
    metadata = PlaceSerializer()


class ResultsSerializer(serializers.Serializer[Any]):
    results = ResultSerializer(many=True)
    total = serializers.IntegerField(help_text="How many results there are.")
    query_time = serializers.FloatField(help_text="Seconds.")


class TextSerializer(serializers.Serializer[Any]):
    """A text to add."""

    content = TextField()
    title = TextField(max_length=TITLE_LENGTH, required=False, allow_blank=True, default="")
    source_type = serializers.ChoiceField(
        [SourceType.MANUAL.value],
        required=False,
        default=SourceType.MANUAL.value,
        help_text="Others come about by uploads and documents.",
    )
    tags = TagsField(required=False, default=list)
    metadata = ObjectField(required=False, default=dict)
    visibility = serializers.ChoiceField(
        Visibility.choices, required=False, default=Visibility.PRIVATE.value
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in attrs.items() if name != "source_type"}


class TextsSerializer(serializers.Serializer[Any]):
    items: Any = serializers.ListSerializer(
        child=TextSerializer(), allow_empty=False, max_length=MOST_ITEMS
    )


class TextChangeSerializer(serializers.Serializer[Any]):
    content = TextField(required=False)
    title = TextField(max_length=TITLE_LENGTH, required=False, allow_blank=True)
    tags = TagsField(required=False)
    metadata = ObjectField(required=False)
    visibility = serializers.ChoiceField(Visibility.choices, required=False)


class SourceSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    title = serializers.CharField()
    filename = serializers.CharField(allow_null=True)
    source_type = serializers.ChoiceField(SourceType.choices)
    visibility = serializers.ChoiceField(Visibility.choices)
    tags = serializers.ListField(child=serializers.CharField())
    metadata = serializers.DictField()
    chunks_created = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class ChunkSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    position = serializers.IntegerField()
    content = serializers.CharField()
    token_count = serializers.IntegerField()
    metadata = PlaceSerializer()


class AddedSerializer(SourceSerializer):
    content = serializers.CharField(help_text="Of a text; empty for uploads and documents.")


class SourceWithChunksSerializer(AddedSerializer):
    chunks = ChunkSerializer(many=True)


class AddedTextsSerializer(serializers.Serializer[Any]):
    results = AddedSerializer(many=True)


def show_chunk(chunk: Chunk) -> dict[str, Any]:
    return {
        "id": chunk.public_id,
        "position": chunk.position,
        "content": chunk.content,
        "token_count": chunk.token_count,
        "metadata": show_place(chunk.page, chunk.section),
    }


def show_place(page: int | None, section: str) -> dict[str, Any]:
    return {"page": page, "section": section or None}


def show_found(found: Found) -> dict[str, Any]:
    return {
        "id": found.public_id,
        "content": found.content,
        "score": round(min(1.0, found.score), 4),
        "source": show_origin(found.public_source_id, found),
        "metadata": show_place(found.page, found.section),
    }


def show_origin(public_id: str, source: Found | Source) -> dict[str, Any]:
    """The source of a passage, in few words."""
    return {
        "id": public_id,
        "filename": source.filename or source.title,
        "type": source.source_type,
        "title": source.title,
        "tags": source.tags,
        "metadata": source.metadata,
    }


def check_length(contents: list[str]) -> None:
    """Raises PayloadTooLarge: they are embedded while the caller waits."""
    characters = sum(map(len, contents))
    if characters > LONGEST_CONTENT:
        raise PayloadTooLarge(
            f"A call may add {LONGEST_CONTENT} characters; these are {characters}. "
            "Upload a file, or send several calls.",
            limit_characters=LONGEST_CONTENT,
        )
