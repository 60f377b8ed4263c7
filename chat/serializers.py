"""What the chat API takes, and what it shows."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from chat.models import TITLE_LENGTH, Chat, Message, Rating, Role, Status
from chat.services import KEPT_OPTIONS
from chat.tools import TOOLS
from chatbot_project.api.fields import (
    BooleanField,
    IntegerField,
    NumberField,
    ObjectField,
    TextField,
)

TOOLS_HELP = (
    "Which functions the model may call: true (the default) for all that are there, false for "
    f"none, or a list of their names: {', '.join(TOOLS)}."
)


class ResponseFormatSerializer(ObjectField):
    def to_internal_value(self, data: Any) -> Any:
        value = super().to_internal_value(data)
        if value.get("type") not in ("text", "json_object", "json_schema"):
            raise serializers.ValidationError(
                "`type` must be text, json_object or json_schema.", code="invalid"
            )
        return value


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
    knowledge = serializers.JSONField(
        required=False, help_text="Accepted; it has no effect yet.", default=None
    )

    tools = serializers.JSONField(required=False, help_text=TOOLS_HELP)

    def validate_tools(self, value: Any) -> Any:
        if isinstance(value, bool):
            return value
        known = isinstance(value, list) and all(isinstance(n, str) and n in TOOLS for n in value)
        if not known:
            raise serializers.ValidationError(TOOLS_HELP)
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """`options`: what is kept with the answer, for another one to the same question."""
        return {
            "model": attrs.get("model"),
            "stream": attrs["stream"],
            "options": {name: attrs[name] for name in KEPT_OPTIONS if name in attrs},
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


class UsageSerializer(serializers.Serializer[Any]):
    prompt_tokens = serializers.IntegerField()
    completion_tokens = serializers.IntegerField()
    total_tokens = serializers.IntegerField()


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
    tool_calls = ToolCallSerializer(many=True, required=False)
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
