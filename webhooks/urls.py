"""Routes under /api."""

from django.urls import path

from chatbot_project.api.views import as_view
from webhooks.views import DeliveryViewSet, EndpointViewSet

ONE = "webhooks/<str:webhook_id>"

urlpatterns = [
    path("webhooks", as_view(EndpointViewSet, {"get": "list", "post": "create"})),
    path(
        ONE,
        as_view(
            EndpointViewSet, {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
        ),
    ),
    path(f"{ONE}/rotate-secret", as_view(EndpointViewSet, {"post": "rotate_secret"})),
    path(f"{ONE}/ping", as_view(EndpointViewSet, {"post": "ping"})),
    path(f"{ONE}/recover", as_view(EndpointViewSet, {"post": "recover"})),
    path(f"{ONE}/deliveries", as_view(DeliveryViewSet, {"get": "list"})),
    path(f"{ONE}/deliveries/<str:delivery_id>", as_view(DeliveryViewSet, {"get": "retrieve"})),
    path(
        f"{ONE}/deliveries/<str:delivery_id>/redeliver",
        as_view(DeliveryViewSet, {"post": "redeliver"}),
    ),
]
