"""The API: each app's routes, its description, and an answer in its format for everything else."""

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path, re_path

from chatbot_project.api import description
from chatbot_project.api.errors import ResourceNotFound
from chatbot_project.api.errors_handler import render


async def unknown(request: HttpRequest) -> HttpResponse:
    return render(ResourceNotFound("There is nothing at this path. See /api/docs."), request)


urlpatterns: list[URLPattern | URLResolver] = [
    path("api/schema", description.schema, name="schema"),
    path("api/docs", description.docs, name="docs"),
    re_path(r"^api(?:/.*)?$", unknown),
]
