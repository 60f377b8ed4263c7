"""drf-spectacular's settings: how the API is described to machines."""

from typing import Any

# Names for what several models call by one name, or by none.
ENUMS = {
    "MessageStatus": "chat.models.Status",
    "DeliveryStatus": "webhooks.models.Status",
    "FileStatus": "files.models.Status",
    "DocumentType": "documents.models.Type",
    "SourceType": "knowledge.models.SourceType",
    "EventType": "webhooks.serializers.TYPES",
}
HOOKS = [
    "drf_spectacular.hooks.postprocess_schema_enums",
    "chatbot_project.api.schema.complete",
    "webhooks.received.add_webhooks",
]


def description(site_name: str, support_email: str) -> dict[str, Any]:
    return {
        "TITLE": f"{site_name} API",
        "VERSION": "1.0.0",
        "OAS_VERSION": "3.1.0",  # the first that knows webhooks
        "DESCRIPTION": "Authenticate with `Authorization: Bearer YOUR_API_KEY`. Every error has "
        'the form `{"error": {"code", "message", "details"}}`; `details.request_id` names the '
        "call.",
        "CONTACT": {"email": support_email},
        "SERVERS": [{"url": "/"}],
        "SERVE_INCLUDE_SCHEMA": False,
        "SCHEMA_PATH_PREFIX": "/api",
        "COMPONENT_SPLIT_REQUEST": True,
        "ENFORCE_NON_BLANK_FIELDS": True,
        "ENUM_NAME_OVERRIDES": ENUMS,
        "POSTPROCESSING_HOOKS": HOOKS,
    }
