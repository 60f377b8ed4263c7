"""What is true of every operation, added to the OpenAPI schema: errors, headers, idempotency."""

from typing import Any

from chatbot_project.api import errors

Json = dict[str, Any]

# Operations that need a model, beside those that stream what one says.
ASKING = {
    *("list_models", "search_knowledge"),
    *("add_knowledge", "add_knowledge_batch", "change_knowledge"),
}
METHODS = {"get", "post", "put", "patch", "delete"}
ERRORS: dict[str, type[errors.ApiError]] = {
    "400": errors.InvalidRequest,
    "401": errors.InvalidApiKey,
    "403": errors.InsufficientPermissions,
    "404": errors.ResourceNotFound,
    "408": errors.RequestTimeout,
    "409": errors.Conflict,
    "412": errors.PreconditionFailed,
    "413": errors.PayloadTooLarge,
    "415": errors.UnsupportedMediaType,
    "422": errors.IdempotencyMismatch,
    "429": errors.RateLimited,
    "500": errors.InternalError,
    "503": errors.Unavailable,
}
MODEL_UNAVAILABLE = "ModelUnavailable"  # the 503 of what asks a model: it has two reasons
DETAILS: dict[str, Json] = {
    "400": {"missing_fields": ["message"]},
    "403": {"required_scope": "chat:write"},
    "413": {"limit_bytes": 10_000_000},
    "429": {"limit": 100, "retry_after": 12},
}
REQUEST_ID = "0f3a9c5be1d24b7f8a6c2d4e5f60718a"
HEADERS: dict[str, tuple[str, Json]] = {
    "X-Request-Id": ("Names this call in our logs.", {"type": "string", "example": REQUEST_ID}),
    "X-RateLimit-Limit": ("Requests a minute.", {"type": "integer", "example": 100}),
    "X-RateLimit-Remaining": ("Requests left.", {"type": "integer", "example": 95}),
    "X-RateLimit-Reset": (
        "When the minute ends, in seconds since 1970.",
        {"type": "integer", "example": 1640995200},
    ),
    "Retry-After": ("Seconds to wait.", {"type": "integer", "example": 12}),
    "ETag": ("Stands for this state of the resource.", {"type": "string", "example": '"9f86d0"'}),
    "Idempotency-Replayed": (
        "`true`: this is the answer to an earlier request with the same Idempotency-Key.",
        {"type": "string", "enum": ["true"]},
    ),
}
ALWAYS = ("X-Request-Id", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Makes it safe to send this request again: for 24 hours the same key gives the "
    "same answer, and nothing is done twice.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": 255,
        "pattern": "^[!-~]([ -~]*[!-~])?$",
    },
}
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "An ETag: 304 is answered while the resource has not changed.",
    "schema": {"type": "string"},
}
ERROR_SCHEMA: Json = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "details"],
            "properties": {
                "code": {"type": "string", "example": "INVALID_REQUEST"},
                "message": {"type": "string"},
                "details": {
                    "type": "object",
                    "required": ["request_id"],
                    "properties": {
                        "request_id": {"type": "string"},
                        "missing_fields": {"type": "array", "items": {"type": "string"}},
                        "invalid_fields": {
                            "type": "object",
                            "additionalProperties": {"type": "array", "items": {"type": "string"}},
                        },
                    },
                    "additionalProperties": True,
                },
            },
        }
    },
}


def complete(result: Json, **_: Any) -> Json:
    """A drf-spectacular postprocessing hook."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Error"] = ERROR_SCHEMA
    components["headers"] = {
        name: {"description": text, "schema": schema} for name, (text, schema) in HEADERS.items()
    }
    components["responses"] = {
        error.__name__: response_of(status, error) for status, error in ERRORS.items()
    }
    components["responses"][MODEL_UNAVAILABLE] = response_of("503", errors.ModelUnavailable)
    for path, item in result["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                complete_operation(path, method, operation)
    return result


def complete_operation(path: str, method: str, operation: Json) -> None:
    responses = operation["responses"]
    single = method == "get" and path.endswith("}")
    if method == "post":
        operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
    if single:
        operation.setdefault("parameters", []).append(IF_NONE_MATCH)
        responses["304"] = {"description": "Not changed since the ETag in If-None-Match."}
    for status, response in responses.items():
        names = (*ALWAYS, *extra_headers(method, status, single))
        response.setdefault("headers", {}).update(header_references(names))
    model = asks_model(operation)
    for status in possible_errors(path, method, operation):
        error = MODEL_UNAVAILABLE if status == "503" and model else ERRORS[status].__name__
        responses.setdefault(status, {"$ref": f"#/components/responses/{error}"})
    operation["responses"] = dict(sorted(responses.items()))


def extra_headers(method: str, status: str, single: bool) -> tuple[str, ...]:
    if single and status in ("200", "304"):
        return ("ETag",)
    return ("Idempotency-Replayed",) if method == "post" and status.startswith("2") else ()


def possible_errors(path: str, method: str, operation: Json) -> list[str]:
    """Which of ERRORS the operation can answer with. Its own 405 it cannot: it exists."""
    found = {"400", "401", "403", "429", "500", "503"}
    if "{" in path:
        found.add("404")
    if "requestBody" in operation:
        found |= {"408", "413", "415"}
    if method != "get":
        found.add("409")
    if method == "post":
        found |= {"413", "422"}
    if any(given["name"] == "If-Match" for given in operation.get("parameters", ())):
        found.add("412")
    return sorted(found)


def asks_model(operation: Json) -> bool:
    answer = operation["responses"].get("200", {}).get("content", {})
    return "text/event-stream" in answer or operation["operationId"] in ASKING


def header_references(names: tuple[str, ...]) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def response_of(status: str, error: type[errors.ApiError]) -> Json:
    names: tuple[str, ...] = ALWAYS
    if status in ("409", "429", "503"):
        names = (*ALWAYS, "Retry-After")
    elif status == "408":  # nobody has been counted yet
        names = ("X-Request-Id",)
    shown = {
        "code": error.default_code,
        "message": error.default_detail,
        "details": {**DETAILS.get(status, {}), "request_id": REQUEST_ID},
    }
    description = error.default_detail
    if error is errors.ModelUnavailable:
        description += " `INTERNAL_ERROR`: it is the service itself that is not available."
    return {
        "description": description,
        "headers": header_references(names),
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/Error"},
                "examples": {error.default_code: {"value": {"error": shown}}},
            }
        },
    }
