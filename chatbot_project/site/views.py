"""Pages and checks that belong to no domain: home, liveness, readiness."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from chatbot_project.site.readiness import readiness


async def home(request: HttpRequest) -> HttpResponse:
    return render(request, "site/home.html", {"site_name": settings.SITE_NAME})


async def healthz(request: HttpRequest) -> JsonResponse:
    """This process answers."""
    return JsonResponse({"status": "ok"})


async def readyz(request: HttpRequest) -> JsonResponse:
    """503 only without the database; everything else that fails is reported as degraded."""
    report = await readiness()
    return JsonResponse(report, status=503 if report["status"] == "down" else 200)
