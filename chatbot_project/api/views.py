"""Viewsets as Django views: `async def` actions on the event loop, others in a database thread."""

import functools
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from rest_framework.response import Response
from rest_framework.viewsets import ViewSetMixin

from chatbot_project.api import etags
from chatbot_project.api.errors import InvalidApiKey, MethodNotAllowed
from chatbot_project.api.errors_handler import render
from chatbot_project.api.permissions import authorize
from chatbot_project.api.requests import caller_of
from chatbot_project.api.threads import answering, in_view_thread, view_turns

View = Callable[..., Coroutine[Any, Any, HttpResponseBase]]


def as_view(viewset: type[ViewSetMixin], actions: Mapping[str, str], **initkwargs: Any) -> View:
    """`as_view(ChatViewSet, {"get": "list", "post": "create"})` for a URL pattern.

    A sync action is called by REST framework as ever. An async one is called as
    `action(request: HttpRequest, **kwargs)` behind the same caller, scope and error code.
    GETs named in the viewset's `etag_actions` (default: `retrieve`) carry an ETag.
    """
    drf_view = viewset.as_view(dict(actions), **initkwargs)
    names = {"head": actions["get"], **actions} if "get" in actions else dict(actions)

    @functools.wraps(drf_view)
    async def view(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        try:
            name = action_name(request, names)
            if iscoroutinefunction(getattr(viewset, name)):
                response = await call_async(viewset, name, initkwargs, request, kwargs)
            else:
                response = await call_sync(drf_view, request, kwargs)
        except Exception as error:  # noqa: BLE001 - the border: whatever happened is answered
            return render(error, request)
        if isinstance(response, HttpResponse) and wants_etag(viewset, name, request):
            return etags.conditional(request, response)
        return response

    return view


def action_name(request: HttpRequest, names: Mapping[str, str]) -> str:
    """Raises MethodNotAllowed, but to nobody unknown."""
    name = names.get((request.method or "").lower())
    if name is not None:
        return name
    if caller_of(request) is None:
        raise InvalidApiKey
    raise MethodNotAllowed(headers={"Allow": ", ".join(sorted(names)).upper()})


async def call_async(
    viewset: Any, name: str, initkwargs: Any, request: HttpRequest, kwargs: Any
) -> HttpResponseBase:
    view = viewset(**initkwargs)
    view.action, view.request, view.kwargs = name, request, kwargs
    if hasattr(view, "authorize"):  # it knows other ways than a key
        view.authorize(request, **kwargs)
    else:
        authorize(request, view)
    response: HttpResponseBase = await getattr(view, name)(request, **kwargs)
    return response


async def call_sync(view: Any, request: HttpRequest, kwargs: Any) -> HttpResponseBase:
    async def answered() -> HttpResponseBase:
        return await answering(request, in_view_thread, finished, view, request, kwargs)

    caller = caller_of(request)
    return await (view_turns.turn(caller.account_id, answered) if caller else answered())


def finished(view: Any, request: HttpRequest, kwargs: Any) -> HttpResponseBase:
    """The view's answer, rendered here and now: Django would take another thread for it."""
    response: HttpResponseBase = view(request, **kwargs)
    if not isinstance(response, Response):
        return response
    response.render()
    del response.headers["Allow"]  # REST framework's: it names OPTIONS, and is asked for by nobody
    plain = HttpResponse(response.content, status=response.status_code, headers=response.headers)
    plain.cookies = response.cookies
    return plain


def wants_etag(viewset: Any, name: str, request: HttpRequest) -> bool:
    actions = getattr(viewset, "etag_actions", ("retrieve",))
    return name in actions and request.method in ("GET", "HEAD")
