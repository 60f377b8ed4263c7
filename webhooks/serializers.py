"""What the webhook API takes, and what it shows."""

import json
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from chatbot_project.api import ids
from chatbot_project.api.fields import BooleanField, TextField
from webhooks import signing
from webhooks.catalogue import CATALOGUE
from webhooks.models import (
    EVERYTHING,
    LONGEST_URL,
    SHOWN_ATTEMPTS,
    Attempt,
    Delivery,
    DisabledReason,
    Endpoint,
    Status,
)

TYPES = [*CATALOGUE, EVERYTHING]
LISTED_RESPONSE = 500  # characters of an answer, in lists


class SecretField(TextField):
    """8 to 256 characters. One that begins with `whsec_` stands for 16 bytes or more in base64."""

    def __init__(self, **kwargs: Any) -> None:
        lengths = {"min_length": signing.SHORTEST_SECRET, "max_length": signing.LONGEST_SECRET}
        super().__init__(**{**lengths, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        secret: str = super().to_internal_value(data)
        try:
            signing.key_of(secret)
        except ValueError as error:
            raise serializers.ValidationError(str(error), code="invalid") from None
        return secret


class EventTypeField(TextField):
    def to_internal_value(self, data: Any) -> str:
        type: str = super().to_internal_value(data)
        if type not in TYPES:
            raise serializers.ValidationError(f"Must be one of {', '.join(TYPES)}.", code="invalid")
        return type


@extend_schema_field({"type": "array", "minItems": 1, "items": {"type": "string", "enum": TYPES}})
class EventTypesField(serializers.ListField):
    """Types of events, each once; `*` is all of them, those to come too."""

    child = EventTypeField()

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_empty=False, max_length=100, **kwargs)

    def to_internal_value(self, data: Any) -> list[str]:
        return list(dict.fromkeys(super().to_internal_value(data)))


class EndpointFieldsSerializer(serializers.Serializer[Any]):
    description = TextField(max_length=200, required=False, allow_blank=True)
    enabled = BooleanField(required=False)


class NewEndpointSerializer(EndpointFieldsSerializer):
    url = TextField(max_length=LONGEST_URL, help_text="https://, to a public address.")
    events = EventTypesField()
    secret = SecretField(
        required=False,
        allow_null=True,
        help_text="Signs what is sent; its UTF-8 bytes are the key. One that begins with `whsec_` "
        "stands for a key in base64. Absent: one is made, and shown in this answer alone.",
    )


class EndpointChangeSerializer(EndpointFieldsSerializer):
    url = TextField(max_length=LONGEST_URL, required=False)
    events = EventTypesField(required=False)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and "secret" in data:
            reason = "Use POST /api/webhooks/{webhook_id}/rotate-secret."
            raise serializers.ValidationError({"secret": [reason]}, code="invalid")
        return super().to_internal_value(data)


class NewSecretSerializer(serializers.Serializer[Any]):
    secret = SecretField(
        required=False, allow_null=True, help_text="Absent: one is made, and shown in this answer."
    )


class EndpointSerializer(serializers.ModelSerializer[Endpoint]):
    id = serializers.CharField(source="public_id")
    url = serializers.CharField()
    events = serializers.ListField(child=serializers.ChoiceField(TYPES))
    description = serializers.CharField()
    disabled_reason = serializers.SerializerMethodField(
        help_text="`owner`; `gone`: it answered 410; `failing`: for five days; null: it is enabled."
    )
    failing_since = serializers.DateTimeField(
        allow_null=True, help_text="Its first failure since its last success."
    )

    class Meta:
        model = Endpoint
        fields: Any = (
            "id",
            "url",
            "events",
            "description",
            "enabled",
            "disabled_reason",
            "disabled_at",
            "failing_since",
            "created_at",
            "updated_at",
        )

    @extend_schema_field(serializers.ChoiceField(DisabledReason.choices, allow_null=True))
    def get_disabled_reason(self, endpoint: Endpoint) -> str | None:
        return endpoint.disabled_reason or None


class EndpointWithSecretSerializer(EndpointSerializer):
    """For the schema: `secret` where one was made."""

    secret = serializers.CharField(required=False, help_text="Shown once, where one was made.")

    class Meta(EndpointSerializer.Meta):
        fields: Any = (*EndpointSerializer.Meta.fields, "secret")


class AttemptSerializer(serializers.ModelSerializer[Attempt]):
    time = serializers.DateTimeField(source="started_at")
    status = serializers.IntegerField(allow_null=True, help_text="null: there was no answer.")
    duration = serializers.FloatField(
        help_text="Seconds, from the look-up of the name to the end of the answer."
    )
    error = serializers.SerializerMethodField(help_text="Why there was no answer, in a word.")
    response = serializers.CharField(
        source="answer",
        help_text=f"The answer's body, cut at 16 kB; in lists at {LISTED_RESPONSE} characters.",
    )

    class Meta:
        model = Attempt
        fields = ("time", "status", "duration", "error", "response")

    def get_error(self, attempt: Attempt) -> str | None:
        return attempt.error or None


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    id = serializers.CharField(source="public_id")
    webhook_id = serializers.SerializerMethodField()
    event_id = serializers.CharField(source="event.public_id")
    event = serializers.CharField(source="event.type")
    status = serializers.ChoiceField(Status.choices)
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    attempts = serializers.SerializerMethodField(
        help_text=f"The latest {SHOWN_ATTEMPTS}, the oldest first."
    )

    class Meta:
        model = Delivery
        fields: Any = (
            "id",
            "webhook_id",
            "event_id",
            "event",
            "status",
            "next_attempt_at",
            "created_at",
            "completed_at",
            "attempts",
        )

    @extend_schema_field(AttemptSerializer(many=True))
    def get_attempts(self, delivery: Delivery) -> Any:
        """Of a delivery `with_latest_attempts`; one that has just been made has none."""
        return AttemptSerializer(getattr(delivery, "latest", [])[::-1], many=True).data

    def get_webhook_id(self, delivery: Delivery) -> str:
        return ids.encode("wh", delivery.endpoint_id)


class DeliveryWithPayloadSerializer(DeliverySerializer):
    payload = serializers.SerializerMethodField(help_text="The body that is sent.")

    class Meta(DeliverySerializer.Meta):
        fields: Any = (*DeliverySerializer.Meta.fields, "payload")

    @extend_schema_field({"type": "object", "additionalProperties": True})
    def get_payload(self, delivery: Delivery) -> dict[str, Any]:
        payload: dict[str, Any] = json.loads(delivery.event.body)
        return payload


class RecoverSerializer(serializers.Serializer[Any]):
    since = serializers.DateTimeField(help_text="RFC 3339. At most as long ago as events are kept.")


class RecoveredSerializer(serializers.Serializer[Any]):
    recovered = serializers.IntegerField(help_text="How many deliveries have been queued.")
