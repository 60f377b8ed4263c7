from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "chatbot_project.site"
    label = "site"
