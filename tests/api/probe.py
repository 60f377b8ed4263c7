"""The product's routes and a few more, for what no route of the product does on purpose.

`@pytest.mark.urls("tests.api.probe")`.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from django.http import HttpRequest, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.test import Client
from django.urls import path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from chatbot_project import urls
from chatbot_project.api import etags, idempotency
from chatbot_project.api.bodies import read_json, validate
from chatbot_project.api.errors import Conflict
from chatbot_project.api.requests import ApiRequest
from chatbot_project.api.threads import in_database
from chatbot_project.api.views import as_view

SECRET = "whsec_only-shown-once"
done: list[str] = []  # the names of what has been made
entered = asyncio.Event()
go_on = asyncio.Event()


class ThingSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=50)
    size = serializers.IntegerField(default=1, max_value=100)


class ThingViewSet(ViewSet):
    scope_area = "chat"

    def create(self, request: Request) -> Response:
        thing = validate(ThingSerializer, request.data)
        if thing["name"] == "taken":
            raise Conflict
        done.append(thing["name"])
        return Response({**thing, "secret": SECRET, "number": len(done)}, status=201)

    def retrieve(self, request: Request, name: str) -> Response:
        etags.require_match(request._request, etags.tag(name))
        return Response({"name": name})

    def fail(self, request: Request) -> Response:
        done.append("failed")
        raise RuntimeError("this text is nobody's business")

    def nest(self, request: Request) -> Response:
        """Sends itself the same request, as a client does that has lost patience."""
        again = Client(headers=dict(request.headers))
        inner = again.post(request.path, request.body, content_type="application/json")
        return Response({"status": inner.status_code, "retry_after": inner.get("Retry-After")})

    def make(self, request: Request) -> Response:
        """Makes something that outlives the request, which then fails to tell."""
        idempotency.attach(request._request, {"thing": "a"})
        done.append("made")
        raise SystemExit

    def draw(self, request: Request) -> Response:
        """Makes something that outlives the request, and tells of it."""
        idempotency.attach(request._request, {"thing": "a"})
        done.append("ready")
        return Response({"thing": "a"})

    def upload(self, request: Request) -> Response:
        given: Any = request._request
        idempotency.claim_with(given, request._request.headers["X-Fingerprint"].encode() * 32)
        done.append("uploaded")
        return Response({"number": len(done)}, status=201)

    async def slow(self, request: ApiRequest) -> HttpResponseBase:
        entered.set()
        await go_on.wait()
        await in_database(done.append, read_json(request)["name"])
        return JsonResponse({"number": len(done)})


async def stream(request: HttpRequest) -> StreamingHttpResponse:
    async def events() -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        yield b"data: 2\n\n"

    return StreamingHttpResponse(events(), content_type="text/event-stream")


def plain_failure(request: HttpRequest) -> HttpResponseBase:
    raise ValueError("this text is nobody's business")


async def replay(request: HttpRequest, reference: dict[str, str]) -> HttpResponseBase | None:
    """settings.API_REPLAY: `made` says whether the thing is ready."""
    return JsonResponse(reference) if "ready" in done else None


things = ThingViewSet
urlpatterns = [
    path("api/probe/things", as_view(things, {"post": "create"})),
    path("api/probe/things/<str:name>", as_view(things, {"get": "retrieve"})),
    path("api/probe/fail", as_view(things, {"post": "fail"})),
    path("api/probe/nest", as_view(things, {"post": "nest"})),
    path("api/probe/make", as_view(things, {"post": "make"})),
    path("api/probe/draw", as_view(things, {"post": "draw"})),
    path("api/probe/upload", as_view(things, {"post": "upload"})),
    path("api/probe/slow", as_view(things, {"post": "slow"})),
    path("api/probe/stream", stream),
    path("api/probe/plain-failure", plain_failure),
    path("probe/failing-page", plain_failure),
    *urls.urlpatterns,
]
handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500
