"""Routes under /api."""

from django.urls import path

from chat import views
from chatbot_project.api.views import as_view

urlpatterns = [
    path("chat", as_view(views.ChatViewSet, {"get": "list", "post": "create"})),
    path(
        "chat/<str:chat_id>",
        as_view(
            views.ChatViewSet,
            {"get": "retrieve", "patch": "partial_update", "delete": "destroy"},
        ),
    ),
    path("chat/<str:chat_id>/history", as_view(views.ChatViewSet, {"get": "history"})),
    path("chat/<str:chat_id>/stop", as_view(views.ChatViewSet, {"post": "stop"})),
    path("chat/<str:chat_id>/stream", as_view(views.ChatViewSet, {"get": "stream"})),
    path("chat/<str:chat_id>/messages", as_view(views.MessageViewSet, {"post": "create"})),
    path(
        "chat/<str:chat_id>/messages/<str:message_id>",
        as_view(views.MessageViewSet, {"put": "update"}),
    ),
    path(
        "chat/<str:chat_id>/messages/<str:message_id>/regenerate",
        as_view(views.MessageViewSet, {"post": "regenerate"}),
    ),
    path(
        "chat/<str:chat_id>/messages/<str:message_id>/feedback",
        as_view(views.MessageViewSet, {"post": "feedback"}),
    ),
    path("models", as_view(views.ModelViewSet, {"get": "list"})),
]
