"""The accounts' part of the API."""

from datetime import date, timedelta
from typing import cast

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from accounts.models import User
from accounts.serializers import AccountUsageSerializer
from accounts.usage import today
from accounts.usage_report import usage_report
from chatbot_project.api.errors import InvalidRequest
from chatbot_project.api.pagination import require_known
from chatbot_project.api.requests import state_of

MAX_DAYS = 366
EXAMPLE = {
    "from": "2025-01-01",
    "to": "2025-01-06",
    "results": [
        {
            "day": "2025-01-06",
            "api_key": {
                "id": "key_01jgwm3x8se2r9q0v5n7b4c6d1",
                "name": "Website",
                "last_four": "x7Qa",
            },
            "answers": 12,
            "prompt_tokens": 1500,
            "completion_tokens": 2500,
            "total_tokens": 4000,
        }
    ],
    "totals": {
        "answers": 12,
        "prompt_tokens": 1500,
        "completion_tokens": 2500,
        "total_tokens": 4000,
    },
    "tier": "standard",
    "limits": {
        "requests_per_minute": {"limit": 100, "used": 5, "resets_at": "2025-01-06T12:01:00Z"},
        "tokens_per_month": {"limit": 1000000, "used": 4000, "resets_at": "2025-02-01T00:00:00Z"},
        "max_api_keys": {"limit": 10, "used": 1, "resets_at": None},
        "concurrent_answers": {"limit": 3, "used": 0, "resets_at": None},
        "max_file_bytes": {"limit": 25000000, "used": None, "resets_at": None},
        "max_files": {"limit": 200, "used": 12, "resets_at": None},
        "max_stored_bytes": {"limit": 1000000000, "used": 48000000, "resets_at": None},
        "max_endpoints": {"limit": 5, "used": 2, "resets_at": None},
    },
}


class UsageViewSet(ViewSet):
    required_scope = None

    @extend_schema(
        operation_id="usage",
        summary="Get usage",
        description="What your account used, by day (UTC) and key, and where its limits stand. "
        f"At most {MAX_DAYS} days; by default this month.",
        tags=["usage"],
        parameters=[
            OpenApiParameter("from", OpenApiTypes.DATE, description="The first day."),
            OpenApiParameter("to", OpenApiTypes.DATE, description="The last day."),
        ],
        responses=AccountUsageSerializer,
        examples=[OpenApiExample("Usage", value=EXAMPLE, response_only=True)],
    )
    def show(self, request: Request) -> Response:
        first, last = period(request)
        state = state_of(request._request)
        requests = state.usage if state else None
        user = cast(User, request.user)  # HasScope lets nobody else in
        return Response(usage_report(user, first, last, requests))


def period(request: Request) -> tuple[date, date]:
    """The days that `from` and `to` name. Raises InvalidRequest."""
    require_known(request, ("from", "to"))
    last = day_of(request, "to") or today()
    first = day_of(request, "from") or last.replace(day=1)
    if first > last:
        raise InvalidRequest(invalid_fields={"from": ["This is after `to`."]})
    if last - first >= timedelta(days=MAX_DAYS):
        raise InvalidRequest(invalid_fields={"from": [f"At most {MAX_DAYS} days at once."]})
    return first, last


def day_of(request: Request, name: str) -> date | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        day: date = serializers.DateField(input_formats=["%Y-%m-%d"]).run_validation(text)
    except serializers.ValidationError:
        raise InvalidRequest(invalid_fields={name: ["Use YYYY-MM-DD."]}) from None
    return day
