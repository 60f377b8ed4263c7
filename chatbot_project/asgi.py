"""The ASGI application. Any ASGI server can serve it; `chatbot_project.server` is ours."""

import os

from chatbot_project.api.asgi import application_for

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbot_project.settings")

application = application_for()
