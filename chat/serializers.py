"""What the chat API takes, and what it shows."""

from typing import Any, ClassVar

from django.conf import settings
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from chat.attaching import MOST_ATTACHMENTS
from chat.models import TITLE_LENGTH, Chat, Message, Rating, Role, Status
from chat.services import KEPT
from chat.tools import TOOLS
from chatbot_project.api.fields import (
    BooleanField,
    IntegerField,
    NumberField,
    ObjectField,
    TextField,
)
from knowledge.models import SourceType
from knowledge.serializers import FiltersSerializer, PlaceSerializer

FILTERS = tuple(FiltersSerializer().fields)

TOOLS_HELP = (
    "Which functions the model may call: true (the default) for all that are there, false for "
    f"none, or a list of their names: {', '.join(TOOLS)}."
)
LONGEST_ID = 100
ATTACHMENTS_HELP = (
    "What the model is to read with the message: ids of your documents and files, up to "
    f"{MOST_ATTACHMENTS}, each as text or as `document_id` or `file_id` of an object."
)


class ResponseFormatSerializer(ObjectField):
    def to_internal_value(self, data: Any) -> Any:
        value = super().to_internal_value(data)
        if value.get("type") not in ("text", "json_object", "json_schema"):
            raise serializers.ValidationError(
                "`type` must be text, json_object or json_schema.", code="invalid"
            )
        return value


@extend_schema_field(
    {
        "oneOf": [
            {"type": "boolean"},
            {"$ref": "#/components/schemas/FiltersRequest"},
            {"type": "null"},
        ],
        "description": "Whether the answer may draw on the knowledge base, or on what of it. "
        "Absent: true, for keys with the scope knowledge:read.",
    }
)
class KnowledgeField(ObjectField):
    """True, false, or the filters of a search; unknown ones are ignored."""

    default_error_messages: ClassVar = {"not_a_dict": "Must be true, false or filters."}

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, bool):
            return data
        filters = super().to_internal_value(data)
        FiltersSerializer().run_validation(filters)
        return {name: filters[name] for name in FILTERS if name in filters}


class AttachmentsField(serializers.ListField):
    """Ids of documents and files, or objects that hold one; as a list of different ids."""

    default_error_messages: ClassVar = {
        "bad_item": "Each must be an id, or an object with a `document_id` or a `file_id`."
    }
    child = serializers.JSONField()

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MOST_ATTACHMENTS, **kwargs)

    def to_internal_value(self, data: Any) -> list[str]:
        if not isinstance(data, list):
            self.fail("not_a_list", input_type=type(data).__name__)
        return list(dict.fromkeys(map(self._id_of, data)))

    def _id_of(self, item: Any) -> str:
        if isinstance(item, dict):
            item = item.get("document_id") or item.get("file_id")
        if not isinstance(item, str) or not 0 < len(item) <= LONGEST_ID:
            self.fail("bad_item")
        return item


class OptionsSerializer(serializers.Serializer[Any]):
    """Everything about an answer but the question."""

    model = TextField(max_length=200, required=False, allow_null=True)
    stream = BooleanField(required=False, default=False)
    temperature = NumberField(required=False, min_value=0, max_value=2)
    max_tokens = IntegerField(required=False, min_value=1, max_value=1_000_000)
    response_format = ResponseFormatSerializer(required=False)
    knowledge = KnowledgeField(required=False, allow_null=True)

    tools = serializers.JSONField(required=False, help_text=TOOLS_HELP)

    def validate_tools(self, value: Any) -> Any:
        if isinstance(value, bool):
            return value
        known = isinstance(value, list) and all(isinstance(n, str) and n in TOOLS for n in value)
        if not known:
            raise serializers.ValidationError(TOOLS_HELP)
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """`options`: what is stored with the answer."""
        return {
            "model": attrs.get("model"),
            "stream": attrs["stream"],
            "options": {n: attrs[n] for n in KEPT if attrs.get(n) is not None},
            **{name: attrs[name] for name in self.own_fields if name in attrs},
        }

    own_fields: tuple[str, ...] = ()


class QuestionSerializer(OptionsSerializer):
    message = TextField(max_length=settings.CHAT_MAX_MESSAGE_CHARACTERS)
    attachments = AttachmentsField(required=False, help_text=ATTACHMENTS_HELP)
    own_fields: tuple[str, ...] = ("message", "attachments")


class NewChatSerializer(QuestionSerializer):
    system = TextField(
        max_length=settings.CHAT_MAX_MESSAGE_CHARACTERS, required=False, allow_blank=True
    )
    metadata = ObjectField(required=False)
    own_fields = ("message", "attachments", "system", "metadata")


class ToolCallErrorSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()


class ToolCallSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="Of the call, by the model.")
    name = serializers.CharField()
    arguments = serializers.DictField(help_text="Long texts are cut.")
    status = serializers.ChoiceField(["completed", "failed"])
    result = serializers.DictField(allow_null=True, help_text="What was found or made.")
    error = ToolCallErrorSerializer(allow_null=True)


class AttachmentSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    type = serializers.ChoiceField(["document", "file"])
    title = serializers.CharField(help_text="Of a file its name.")
    version = serializers.IntegerField(
        allow_null=True, help_text="Of a document: the one that the model reads."
    )


class UsageSerializer(serializers.Serializer[Any]):
    prompt_tokens = serializers.IntegerField()
    completion_tokens = serializers.IntegerField()
    total_tokens = serializers.IntegerField()


class OriginSerializer(serializers.Serializer[Any]):
    """`filename`, `title`: null once it was deleted or is no longer shared with you."""

    id = serializers.CharField(help_text="`file_...`, `doc_...` or `src_...`.")
    filename = serializers.CharField(allow_null=True)
    type = serializers.ChoiceField(SourceType.choices)
    title = serializers.CharField(allow_null=True)
    tags = serializers.ListField(child=serializers.CharField())
    metadata = serializers.DictField()


class CitedSerializer(serializers.Serializer[Any]):
    """A passage. The first is cited as `[1]`."""

    id = serializers.CharField(help_text="`chunk_...`")
    content = serializers.CharField(
        allow_null=True,
        help_text="Null once its source was deleted, changed or is no longer shared with you.",
    )
    score = serializers.FloatField(min_value=0, max_value=1)
    source = OriginSerializer()  # type: ignore[assignment]  # a field of that name
    metadata = PlaceSerializer()


class AnswerSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="The chat's id.")
    message_id = serializers.CharField()
    message = serializers.CharField()
    model = serializers.CharField(help_text="The name asked for.")
    provider_model = serializers.CharField(help_text="What really ran.")
    status = serializers.ChoiceField([Status.COMPLETED, Status.STOPPED])
    finish_reason = serializers.CharField(allow_null=True)
    usage = UsageSerializer()
    tool_calls = ToolCallSerializer(many=True)
    sources = CitedSerializer(many=True)
    created_at = serializers.DateTimeField()


class FeedbackSerializer(serializers.Serializer[Any]):
    rating = serializers.ChoiceField(Rating.choices, allow_null=True)
    comment = TextField(max_length=2_000, required=False, allow_blank=True, default="")


class MessageErrorSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()


class MessageSerializer(serializers.Serializer[Message]):
    id = serializers.CharField()
    role = serializers.ChoiceField(Role.choices)
    content = serializers.CharField()
    timestamp = serializers.DateTimeField()
    status = serializers.ChoiceField(Status.choices)
    parent_id = serializers.CharField(allow_null=True)
    attachments = AttachmentSerializer(many=True, required=False, help_text="Of the user's.")
    model = serializers.CharField(required=False)
    provider_model = serializers.CharField(required=False)
    finish_reason = serializers.CharField(required=False, allow_null=True)
    usage = UsageSerializer(required=False, allow_null=True)
    tool_calls = ToolCallSerializer(many=True, required=False)
    sources = CitedSerializer(many=True, required=False)
    error = MessageErrorSerializer(required=False, allow_null=True)
    feedback = FeedbackSerializer(required=False, allow_null=True)


class HistorySerializer(serializers.Serializer[Any]):
    chat_id = serializers.CharField()
    messages = MessageSerializer(many=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField(
        help_text="When it was last asked, answered or changed: the latest of the chat's own "
        "`updated_at` and the `timestamp` of the messages shown."
    )


class StopSerializer(serializers.Serializer[Any]):
    stopped = serializers.BooleanField(help_text="False: no answer was being written.")
    message = MessageSerializer(allow_null=True)


class ModelSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    default = serializers.BooleanField()


@extend_schema_serializer(many=False)  # its action is named `list`, but it answers with one object
class ModelListSerializer(serializers.Serializer[Any]):
    results = ModelSerializer(many=True)


class ChatChangeSerializer(serializers.Serializer[Any]):
    title = TextField(max_length=TITLE_LENGTH, required=False, trim_whitespace=True)
    metadata = ObjectField(required=False)


class ChatSerializer(serializers.ModelSerializer[Chat]):
    id = serializers.CharField(source="public_id")
    metadata = ObjectField()
    updated_at = serializers.DateTimeField(
        help_text="When it was last asked or changed: what lists are ordered by. In its history "
        "the end of an answer counts, too."
    )

    class Meta:
        model = Chat
        fields = ("id", "title", "model", "system", "metadata", "created_at", "updated_at")
