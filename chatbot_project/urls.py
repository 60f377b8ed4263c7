"""All routes. Each app has its own under /api; the API's own come last, with its 404.

Django tries them one after the other: what is called most stands first.
"""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from chatbot_project.api.urls import urlpatterns as api_urls
from chatbot_project.site import views as site

urlpatterns = [
    path("api/", include("chat.urls")),
    path("", site.home, name="home"),
    path("healthz", site.healthz),
    path("readyz", site.readyz),
    path("admin", RedirectView.as_view(url="/admin/")),
    path("admin/", admin.site.urls),
    path("api/", include("accounts.urls")),
    path("api/", include("knowledge.urls")),
    path("api/", include("documents.urls")),
    path("api/", include("files.urls")),
    path("api/", include("webhooks.urls")),
    *api_urls,
]

handler400 = "chatbot_project.api.errors_handler.handler400"
handler403 = "chatbot_project.api.errors_handler.handler403"
handler404 = "chatbot_project.api.errors_handler.handler404"
handler500 = "chatbot_project.api.errors_handler.handler500"
