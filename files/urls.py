"""Routes under /api."""

from django.urls import path

from chatbot_project.api.views import as_view
from files.views import DownloadViewSet, FileViewSet, UploadViewSet

ONE = {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}

urlpatterns = [
    path("files", as_view(FileViewSet, {"get": "list"})),
    path("files/upload", as_view(UploadViewSet, {"post": "create"})),
    path("files/<str:file_id>", as_view(FileViewSet, ONE)),
    path("files/<str:file_id>/status", as_view(FileViewSet, {"get": "status"})),
    path("files/<str:file_id>/download", as_view(DownloadViewSet, {"get": "retrieve"})),
    path("files/<str:file_id>/reprocess", as_view(FileViewSet, {"post": "reprocess"})),
    path("files/<str:file_id>/cancel", as_view(FileViewSet, {"post": "cancel"})),
]
