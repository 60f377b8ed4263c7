"""The ASGI application. Any ASGI server can serve it; `chatbot_project.server` is ours."""

from chatbot_project.api.asgi import application_for

application = application_for()
