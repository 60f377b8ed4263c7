"""The `webhooks` section of the OpenAPI schema: what endpoints receive, with an example of each."""

from typing import Any

from webhooks.catalogue import CATALOGUE, example_of
from webhooks.events import WHOLE

Json = dict[str, Any]

TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array"}
HEADERS = {
    "webhook-id": "The event's id, the same at every attempt: use it to do nothing twice.",
    "webhook-timestamp": "The time of this attempt, in seconds since 1970.",
    "webhook-signature": "`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`; after "
    "a rotation one for each secret of the last 24 hours, with a space between.",
}
TRUNCATED = {"type": "boolean", "description": "True where `content` is cut at 16 kB, else absent."}


def add_webhooks(result: Json, **_: Any) -> Json:
    """A drf-spectacular postprocessing hook."""
    result["webhooks"] = {type: {"post": received(type)} for type in CATALOGUE}
    return result


def received(type: str) -> Json:
    """What an endpoint gets for an event, as an operation of its own."""
    example = example_of(type)
    return {
        "tags": ["Webhooks"],
        "summary": CATALOGUE[type].summary,
        "description": "As Standard Webhooks are. Sent at least once; order is not promised.",
        "parameters": [
            {
                "name": name,
                "in": "header",
                "required": True,
                "description": text,
                "schema": {"type": "string"},
            }
            for name, text in HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": body_schema(type), "example": example}},
        },
        "responses": {
            "2XX": {"description": "Received. After any other answer it is sent again."},
            "410": {"description": "Nothing is sent to this endpoint any more."},
        },
    }


def body_schema(type: str) -> Json:
    """What looks like its example, and may say that its content is cut."""
    schema = schema_of(example_of(type))
    data = schema["properties"]["data"]["properties"]
    if "content" in data and type not in WHOLE:
        data["truncated"] = TRUNCATED
    return schema


def schema_of(value: Any) -> Json:
    """A JSON schema of what looks like `value`. Of null it says nothing."""
    if isinstance(value, dict):
        properties = {name: schema_of(item) for name, item in value.items()}
        return {"type": "object", "required": list(value), "properties": properties}
    return {"type": TYPES[type(value)]} if type(value) in TYPES else {}
