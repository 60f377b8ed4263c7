"""What the file API takes, and what it shows."""

from typing import Any

from rest_framework import serializers

from chatbot_project.api.fields import TextField
from files.models import DESCRIPTION_LENGTH, Stage, Status
from knowledge.models import Visibility
from knowledge.serializers import TagsField

SHARED_HELP = "shared: everyone finds it. Takes staff, or a key with the scope knowledge:share."


class FileChangeSerializer(serializers.Serializer[Any]):
    """What is absent stays as it is."""

    description = TextField(max_length=DESCRIPTION_LENGTH, required=False, allow_blank=True)
    tags = TagsField(required=False)
    visibility = serializers.ChoiceField(Visibility.choices, required=False, help_text=SHARED_HELP)


class UploadSerializer(FileChangeSerializer):
    """The fields beside the file."""

    description = TextField(
        max_length=DESCRIPTION_LENGTH, required=False, allow_blank=True, default=""
    )
    tags = TagsField(
        required=False,
        default=list,
        help_text="The field repeated, a JSON list, or a list with commas.",
    )
    visibility = serializers.ChoiceField(
        Visibility.choices,
        required=False,
        default=Visibility.PRIVATE.value,
        help_text=SHARED_HELP,
    )


class UploadBodySerializer(UploadSerializer):
    """For the description alone: `files.uploads` reads the body."""

    file = serializers.FileField(help_text="Typed by its content, not by its name.")


class ProcessedSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    status = serializers.ChoiceField(Status.choices)
    processed_at = serializers.DateTimeField(allow_null=True)
    chunks_created = serializers.IntegerField()
    error = serializers.CharField(allow_null=True, help_text="Why processing failed.")
    stage = serializers.ChoiceField(Stage.choices, help_text="Where it is, or where it ended.")
    progress = serializers.IntegerField(min_value=0, max_value=100, help_text="Percent.")


class FileSerializer(ProcessedSerializer):
    filename = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes.")
    type = serializers.CharField(help_text="The media type, found in the content.")
    upload_url = serializers.CharField(
        help_text="Where the file can be downloaded, for a day without a key."
    )
    created_at = serializers.DateTimeField()
    description = serializers.CharField()
    tags = serializers.ListField(child=serializers.CharField())
    visibility = serializers.ChoiceField(Visibility.choices)
    sha256 = serializers.CharField()
    duplicate_of = serializers.CharField(
        allow_null=True, help_text="An earlier file of yours with the same bytes."
    )
