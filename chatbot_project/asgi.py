"""The ASGI application. Any ASGI server can serve it; `chatbot_project.server` is ours."""

import os

# Before anything that reads a setting when it is imported.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbot_project.settings")

from chatbot_project.api.asgi import application_for

application = application_for()
