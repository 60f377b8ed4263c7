"""The API described to machines, /api/schema, and to people, /api/docs. Neither needs a key."""

import json
from functools import cache
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.generators import SchemaGenerator

from chatbot_project.api import errors, etags

PUBLIC = {"Cache-Control": "public, max-age=300"}
# A page in which people type keys: in nobody's frame, and with no script but ours.
GUARDS = {
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; "
    "style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
}


def require_safe(request: HttpRequest) -> None:
    """Raises MethodNotAllowed: Django's own answer to that is none in our format."""
    if request.method not in ("GET", "HEAD"):
        raise errors.MethodNotAllowed(headers={"Allow": "GET, HEAD"})


@cache
def description() -> bytes:
    """OpenAPI in JSON. The same for everyone and for as long as this process runs."""
    generated: Any = SchemaGenerator()  # type: ignore[no-untyped-call]
    return json.dumps(generated.get_schema(request=None, public=True), indent=1).encode()


async def schema(request: HttpRequest) -> HttpResponse:
    require_safe(request)
    content = await sync_to_async(description)()
    response = HttpResponse(content, content_type="application/json", headers=PUBLIC)
    return etags.conditional(request, response)


async def docs(request: HttpRequest) -> HttpResponse:
    require_safe(request)
    response = render(request, "api/docs.html", {"site_name": settings.SITE_NAME})
    for name, value in GUARDS.items():
        response.headers[name] = value
    return response
