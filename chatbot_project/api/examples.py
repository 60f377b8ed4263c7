"""Examples of bodies for the OpenAPI schema. That of a list is one of its items."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

JSON = "application/json"


def answer(name: str, value: Any, status: str = "200", media_type: str = JSON) -> OpenApiExample:
    return OpenApiExample(
        name, value, response_only=True, status_codes=[status], media_type=media_type
    )


def body(name: str, value: Any, media_type: str = JSON) -> OpenApiExample:
    return OpenApiExample(name, value, request_only=True, media_type=media_type)
