"""Lists: `{"results": [...], "total": n, "limit": 20, "offset": 0}`."""

from collections.abc import Iterable
from typing import Any

from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.response import Response

from chatbot_project.api.errors import InvalidRequest

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
MAX_OFFSET = 2**31 - 1


def bounded(text: str | None, default: int, low: int, high: int, name: str) -> int:
    """A whole number of a query parameter. Raises InvalidRequest outside low..high."""
    if text is None:
        return default
    if text.isascii() and text.isdigit() and len(text) < 20 and low <= int(text) <= high:
        return int(text)
    reason = f"Must be a whole number from {low} to {high}."
    raise InvalidRequest(invalid_fields={name: [reason]})


def require_known(request: Request, names: Iterable[str]) -> None:
    """A misspelt filter must not list everything. Raises InvalidRequest."""
    known = sorted(names)
    if unknown := sorted(request.query_params.keys() - set(known)):
        reason = f"There is no such parameter. There are: {', '.join(known)}."
        raise InvalidRequest(invalid_fields={name: [reason] for name in unknown})


class Pagination(LimitOffsetPagination):
    """Of a view's `list` with the query parameters that its `list_filters` names, too."""

    default_limit = DEFAULT_LIMIT
    max_limit = MAX_LIMIT
    limit: int
    offset: int
    count: int

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        filters = view.list_filters if view.action == "list" else ()
        require_known(request, ("limit", "offset", *filters))
        return super().paginate_queryset(queryset, request, view)

    def get_limit(self, request: Request) -> int:
        return bounded(request.query_params.get("limit"), DEFAULT_LIMIT, 1, MAX_LIMIT, "limit")

    def get_offset(self, request: Request) -> int:
        return bounded(request.query_params.get("offset"), 0, 0, MAX_OFFSET, "offset")

    def get_paginated_response(self, data: Any) -> Response:
        page = {"total": self.count, "limit": self.limit, "offset": self.offset}
        return Response({"results": data, **page})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        number = {"type": "integer", "minimum": 0}
        limit = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT}
        return {
            "type": "object",
            "required": ["results", "total", "limit", "offset"],
            "properties": {
                "results": schema,
                "total": {**number, "example": 123},
                "limit": {**limit, "example": DEFAULT_LIMIT},
                "offset": {**number, "example": 0},
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        limit = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
        offset = {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET, "default": 0}
        return [
            query_parameter("limit", "Number of results to return.", limit),
            query_parameter("offset", "Number of results to skip.", offset),
        ]


def query_parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": schema,
    }
