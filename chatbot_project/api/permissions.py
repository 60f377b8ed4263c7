"""Which calls a key may make: `scope_area = "chat"` on a view asks for chat:read or chat:write."""

from typing import Any

from django.http import HttpRequest
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from chatbot_project.api.callers import Caller
from chatbot_project.api.errors import InvalidApiKey
from chatbot_project.api.requests import caller_of


def required_scope(view: Any, method: str) -> str | None:
    """`view.required_scope` where a view names one (None: any key will do), else area, method."""
    if hasattr(view, "required_scope"):
        scope: str | None = view.required_scope
        return scope
    return f"{view.scope_area}:{'read' if method in SAFE_METHODS else 'write'}"


def authorize(request: HttpRequest, view: Any) -> Caller:
    """Who may make this call. Raises InvalidApiKey or InsufficientPermissions."""
    caller = caller_of(request)
    if caller is None:
        raise InvalidApiKey
    if scope := required_scope(view, request.method or "GET"):
        caller.require(scope)
    return caller


class HasScope(BasePermission):
    """The default permission of every view."""

    def has_permission(self, request: Request, view: Any) -> bool:
        authorize(request._request, view)
        return True
