from django.urls import path

from accounts.views import UsageViewSet
from chatbot_project.api.views import as_view

urlpatterns = [path("usage", as_view(UsageViewSet, {"get": "show"}), name="usage")]
