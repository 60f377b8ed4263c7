"""What the OpenAPI schema says of the webhook API, and of what endpoints receive."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema

from chatbot_project.api.examples import answer, body
from webhooks import serializers
from webhooks.catalogue import CATALOGUE, EVENT_ID, PING, example_of
from webhooks.models import Status

TAGS = ["Webhooks"]
ID = "wh_01jgxm2t3qe0m8v6r4p2n0k8j6"
ENDPOINT = {
    "id": ID,
    "url": "https://your-app.com/webhook",
    "events": ["chat.message", "document.created", "file.uploaded"],
    "description": "",
    "enabled": True,
    "disabled_reason": None,
    "disabled_at": None,
    "failing_since": None,
    "created_at": "2025-01-06T12:00:00Z",
    "updated_at": "2025-01-06T12:00:00Z",
}
DELIVERY = {
    "id": "dlv_01jgxm2v6tf1n9w7s5q3p1m9k7",
    "webhook_id": ID,
    "event_id": EVENT_ID,
    "event": "chat.message",
    "status": "succeeded",
    "next_attempt_at": None,
    "created_at": "2025-01-06T12:00:00Z",
    "completed_at": "2025-01-06T12:00:06Z",
    "attempts": [
        {
            "time": "2025-01-06T12:00:00Z",
            "status": 503,
            "duration": 0.082,
            "error": None,
            "response": "Restarting",
        },
        {
            "time": "2025-01-06T12:00:05Z",
            "status": 200,
            "duration": 0.031,
            "error": None,
            "response": "",
        },
    ],
}
WAITING = DELIVERY | {
    "status": "pending",
    "next_attempt_at": "2025-01-06T12:00:00Z",
    "completed_at": None,
    "attempts": [],
}
CHANGE = {"events": ["*"], "description": "Everything, for the archive"}
MADE_SECRET = "whsec_WyPrVZFj4o4mEbUnr0f7gTNjXbLPB1Hjm2AoXEVOQSo="  # noqa: S105 - an example


def operation(id: str, summary: str, **more: Any) -> Any:
    return extend_schema(tags=TAGS, operation_id=id, summary=summary, **more)


def moment(name: str, description: str) -> OpenApiParameter:
    schema = {"anyOf": [{"type": "string", "format": each} for each in ("date-time", "date")]}
    return OpenApiParameter(name, schema, description=description)


list_webhooks = operation(
    "list_webhooks",
    "List webhook endpoints, the newest first",
    examples=[answer("Endpoints", ENDPOINT)],
)
create_webhook = operation(
    "create_webhook",
    "Configure a webhook endpoint",
    request=serializers.NewEndpointSerializer,
    responses={201: serializers.EndpointWithSecretSerializer},
    examples=[
        body(
            "An endpoint",
            {
                "url": "https://your-app.com/webhook",
                "events": ["chat.message", "document.created", "file.uploaded"],
                "secret": "your_webhook_secret",
            },
        ),
        answer("With a secret of yours", ENDPOINT, "201"),
        answer("With a secret of ours", {**ENDPOINT, "secret": MADE_SECRET}, "201"),
    ],
)
get_webhook = operation(
    "get_webhook", "Get a webhook endpoint", examples=[answer("An endpoint", ENDPOINT)]
)
change_webhook = operation(
    "change_webhook",
    "Change a webhook endpoint",
    request=serializers.EndpointChangeSerializer,
    responses=serializers.EndpointSerializer,
    examples=[body("Other events", CHANGE), answer("An endpoint", ENDPOINT | CHANGE)],
)
delete_webhook = operation(
    "delete_webhook", "Delete a webhook endpoint and its deliveries", responses={204: None}
)
rotate_secret = operation(
    "rotate_webhook_secret",
    "Replace the secret: for 24 hours both sign",
    request=serializers.NewSecretSerializer,
    responses=serializers.EndpointWithSecretSerializer,
    examples=[
        body("A secret of yours", {"secret": "your_webhook_secret"}),
        answer("With a secret of ours", {**ENDPOINT, "secret": MADE_SECRET}),
    ],
)
ping = operation(
    "ping_webhook",
    "Send a test event, `ping`, to this endpoint",
    request=None,
    responses={201: serializers.DeliverySerializer},
    examples=[answer("Its delivery", WAITING | {"event": PING}, "201")],
)
recover = operation(
    "recover_webhook",
    "Send again what has failed, waits to be tried again, or was never sent, since a moment",
    request=serializers.RecoverSerializer,
    responses=serializers.RecoveredSerializer,
    examples=[
        body("Since", {"since": "2025-01-06T12:00:00Z"}),
        answer("Recovered", {"recovered": 12}),
    ],
)
list_deliveries = operation(
    "list_deliveries",
    "List deliveries with their attempts, the newest first",
    parameters=[
        OpenApiParameter("status", str, enum=Status.values),
        OpenApiParameter("event", str, enum=[*CATALOGUE, PING], description="The event's type."),
        moment("from", "Made then or later: RFC 3339, or a day (UTC)."),
        moment("to", "Made then or before: RFC 3339, or a day (UTC) and all of it."),
    ],
    examples=[answer("Deliveries", DELIVERY)],
)
get_delivery = operation(
    "get_delivery",
    "Get a delivery with its attempts and what is sent",
    responses=serializers.DeliveryWithPayloadSerializer,
    examples=[answer("A delivery", {**DELIVERY, "payload": example_of("chat.message")})],
)
redeliver = operation(
    "redeliver",
    "Send a delivery again",
    request=None,
    responses=serializers.DeliverySerializer,
    examples=[answer("It waits for its turn", WAITING)],
)
