"""The errors of the API. Each knows its status, code and details; one handler renders them."""

from typing import Any

from rest_framework.exceptions import APIException


class ApiError(APIException):
    """Rendered as `{"error": {"code", "message", "details"}}` with `status_code` and `headers`."""

    status_code = 500
    default_code = "INTERNAL_ERROR"
    default_detail = "Something went wrong on our side."

    def __init__(
        self,
        message: str | None = None,
        *,
        headers: dict[str, str] | None = None,
        **details: Any,
    ) -> None:
        super().__init__(message or self.default_detail)
        self.message = message or self.default_detail
        self.details = details
        self.headers = headers or {}


class InvalidRequest(ApiError):
    """`invalid_fields={"limit": ["..."]}` and `missing_fields=["message"]` name what is wrong."""

    status_code = 400
    default_code = "INVALID_REQUEST"
    default_detail = "The request is not valid."


class InvalidApiKey(ApiError):
    status_code = 401
    default_code = "INVALID_API_KEY"
    default_detail = "The API key is missing or invalid."

    def __init__(self, message: str | None = None, **details: Any) -> None:
        super().__init__(message, headers={"WWW-Authenticate": "Bearer"}, **details)


class InsufficientPermissions(ApiError):
    status_code = 403
    default_code = "INSUFFICIENT_PERMISSIONS"
    default_detail = "This key may not do that."


class QuotaExceeded(ApiError):
    """`details`: `quota`, `limit`, `used`, `resets_at`."""

    status_code = 403
    default_code = "QUOTA_EXCEEDED"
    default_detail = "A quota of your tier is used up."


class ResourceNotFound(ApiError):
    status_code = 404
    default_code = "RESOURCE_NOT_FOUND"
    default_detail = "There is no such resource."


class MethodNotAllowed(ApiError):
    status_code = 405
    default_code = "METHOD_NOT_ALLOWED"
    default_detail = "This method is not allowed here."


class RequestTimeout(ApiError):
    """For the schema: the server itself answers it, before there is a request."""

    status_code = 408
    default_code = "INVALID_REQUEST"
    default_detail = "The request did not come in time."


class Conflict(ApiError):
    status_code = 409
    default_code = "CONFLICT"
    default_detail = "The request conflicts with the state of the resource."


class PreconditionFailed(ApiError):
    status_code = 412
    default_code = "PRECONDITION_FAILED"
    default_detail = "The resource has changed since you read it."


class PayloadTooLarge(ApiError):
    status_code = 413
    default_code = "PAYLOAD_TOO_LARGE"
    default_detail = "The request body is too large."


class UnsupportedMediaType(ApiError):
    status_code = 415
    default_code = "UNSUPPORTED_MEDIA_TYPE"
    default_detail = "Send JSON, with Content-Type: application/json."


class IdempotencyMismatch(ApiError):
    status_code = 422
    default_code = "IDEMPOTENCY_MISMATCH"
    default_detail = "This Idempotency-Key was used before with another request."


class RateLimited(ApiError):
    status_code = 429
    default_code = "RATE_LIMITED"
    default_detail = "Too many requests."


class InternalError(ApiError):
    pass


class Unavailable(ApiError):
    """The database cannot be reached."""

    status_code = 503
    default_detail = "The service is not available at the moment. Try again."

    def __init__(self, message: str | None = None, **details: Any) -> None:
        super().__init__(message, headers={"Retry-After": "2"}, **details)


class ShuttingDown(ApiError):
    """The process is ending. Another one behind the same address may serve the next try."""

    status_code = 503
    default_detail = "The server is shutting down. Try again."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "2", "Connection": "close"})


class ModelUnavailable(ApiError):
    status_code = 503
    default_code = "MODEL_UNAVAILABLE"
    default_detail = "The language model cannot be reached. Try again."

    def __init__(
        self, message: str | None = None, *, headers: dict[str, str] | None = None, **details: Any
    ) -> None:
        """`headers` stand in the place of Retry-After: to send a replay again is of no use."""
        super().__init__(message, headers=headers or {"Retry-After": "5"}, **details)
