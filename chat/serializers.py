"""What the chat API takes, and what it shows."""

from typing import Any, ClassVar

from django.conf import settings
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from chat.models import TITLE_LENGTH, Chat, Message, Rating, Role, Status
from chat.services import KEPT
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


class EmptyListField(serializers.ListField):
    """Looks at none of the items: that there are any is enough."""

    default_error_messages = {  # noqa: RUF012 - as REST framework declares it
        "not_empty": "Attachments are not supported yet: leave it empty."
    }

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            self.fail("not_a_list", input_type=type(data).__name__)
        if data:
            self.fail("not_empty")
        return data


class OptionsSerializer(serializers.Serializer[Any]):
    """Everything about an answer but the question."""

    model = TextField(max_length=200, required=False, allow_null=True)
    stream = BooleanField(required=False, default=False)
    temperature = NumberField(required=False, min_value=0, max_value=2)
    max_tokens = IntegerField(required=False, min_value=1, max_value=1_000_000)
    response_format = ResponseFormatSerializer(required=False)
    knowledge = KnowledgeField(required=False, allow_null=True)

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
    attachments = EmptyListField(required=False, help_text="Must be empty for now.")
    own_fields: tuple[str, ...] = ("message",)


class NewChatSerializer(QuestionSerializer):
    system = TextField(
        max_length=settings.CHAT_MAX_MESSAGE_CHARACTERS, required=False, allow_blank=True
    )
    metadata = ObjectField(required=False)
    own_fields = ("message", "system", "metadata")


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
    model = serializers.CharField(required=False)
    provider_model = serializers.CharField(required=False)
    finish_reason = serializers.CharField(required=False, allow_null=True)
    usage = UsageSerializer(required=False, allow_null=True)
    sources = CitedSerializer(many=True, required=False)
    error = MessageErrorSerializer(required=False, allow_null=True)
    feedback = FeedbackSerializer(required=False, allow_null=True)


class HistorySerializer(serializers.Serializer[Any]):
    chat_id = serializers.CharField()
    messages = MessageSerializer(many=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


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
    updated_at = serializers.DateTimeField(source="changed_at")

    class Meta:
        model = Chat
        fields = ("id", "title", "model", "system", "metadata", "created_at", "updated_at")
