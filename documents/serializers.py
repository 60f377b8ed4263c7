"""What the document API takes, and what it shows."""

from typing import Any, ClassVar

from rest_framework import serializers

from chatbot_project.api.fields import BooleanField, IntegerField, TextField
from documents.models import (
    LANGUAGE_LENGTH,
    MAX_CONTENT_BYTES,
    MAX_VERSION,
    TITLE_LENGTH,
    Type,
)

TYPE_HELP = "What the content is. Default: markdown."
LANGUAGE_HELP = "Of a document of type code: python, sql, ..."
KNOWLEDGE_HELP = "Whether it is part of your knowledge base, which is kept in step with it."


class ContentField(TextField):
    """Up to 1 MB, counted in bytes of UTF-8."""

    default_error_messages: ClassVar = {"too_large": "Must be at most 1 MB (1,000,000 bytes)."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_blank=True, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        text: str = super().to_internal_value(data)
        if len(text) * 4 > MAX_CONTENT_BYTES and len(text.encode()) > MAX_CONTENT_BYTES:
            self.fail("too_large")
        return text


def title_field(**kwargs: Any) -> TextField:
    return TextField(max_length=TITLE_LENGTH, trim_whitespace=True, **kwargs)


class DocumentChangeSerializer(serializers.Serializer[Any]):
    """What is absent stays as it is."""

    title = title_field(required=False)
    content = ContentField(required=False, help_text="Up to 1 MB.")
    type = serializers.ChoiceField(Type.choices, required=False, help_text=TYPE_HELP)
    language = TextField(
        max_length=LANGUAGE_LENGTH, required=False, allow_null=True, help_text=LANGUAGE_HELP
    )
    knowledge = BooleanField(required=False, help_text=KNOWLEDGE_HELP)


class NewDocumentSerializer(DocumentChangeSerializer):
    title = title_field()
    content = ContentField(help_text="Up to 1 MB.")


class RestoreSerializer(serializers.Serializer[Any]):
    version = IntegerField(min_value=1, max_value=MAX_VERSION, help_text="The one to go back to.")


class DocumentSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    title = serializers.CharField()
    content = serializers.CharField()
    type = serializers.ChoiceField(Type.choices)
    language = serializers.CharField(allow_null=True, help_text=LANGUAGE_HELP)
    knowledge = serializers.BooleanField(help_text=KNOWLEDGE_HELP)
    version = serializers.IntegerField(help_text="Counts from 1.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField(help_text="When this version was made.")


class ListedDocumentSerializer(DocumentSerializer):
    truncated = serializers.BooleanField(
        required=False, help_text="true: `content` is cut at 16 kB. Get the document for all of it."
    )


class ListedVersionSerializer(serializers.Serializer[Any]):
    document_id = serializers.CharField()
    version = serializers.IntegerField()
    title = serializers.CharField()
    type = serializers.ChoiceField(Type.choices)
    language = serializers.CharField(allow_null=True)
    size = serializers.IntegerField(help_text="Of the content, in bytes.")
    restored_from = serializers.IntegerField(
        allow_null=True, help_text="The version that this one went back to."
    )
    created_at = serializers.DateTimeField()


class VersionSerializer(ListedVersionSerializer):
    content = serializers.CharField()


class PieceSerializer(serializers.Serializer[Any]):
    op = serializers.ChoiceField(["equal", "delete", "insert"])
    lines = serializers.ListField(child=serializers.CharField(), help_text="With their ends.")


class HunkSerializer(serializers.Serializer[Any]):
    old_start = serializers.IntegerField(help_text="The first line, from 1.")
    old_lines = serializers.IntegerField()
    new_start = serializers.IntegerField()
    new_lines = serializers.IntegerField()
    pieces = PieceSerializer(many=True)


class FieldChangeSerializer(serializers.Serializer[Any]):
    def get_fields(self) -> dict[str, Any]:
        """`from` is a word of Python's own, so it cannot be written as the others are."""
        return {name: serializers.CharField(allow_null=True) for name in ("from", "to")}


class ChangesSerializer(serializers.Serializer[Any]):
    title = FieldChangeSerializer(required=False)
    type = FieldChangeSerializer(required=False)
    language = FieldChangeSerializer(required=False)


class DiffSerializer(serializers.Serializer[Any]):
    changes = ChangesSerializer(help_text="What else has changed than the content.")
    additions = serializers.IntegerField(help_text="Lines added.")
    deletions = serializers.IntegerField(help_text="Lines taken out.")
    unified = serializers.CharField(help_text="As `diff -u` writes it; empty: nothing changed.")
    hunks = HunkSerializer(many=True)

    def get_fields(self) -> dict[str, Any]:
        numbers = {name: serializers.IntegerField() for name in ("from", "to")}
        return {**numbers, **super().get_fields()}
