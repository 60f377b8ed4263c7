from django.apps import AppConfig

from chatbot_project.celery import app as celery_app


class ApiConfig(AppConfig):
    name = "chatbot_project.api"
    label = "api"

    def ready(self) -> None:
        celery_app.set_default()  # so that `shared_task` finds its queue in the web process too
