"""The project: settings, URLs, servers, and what every app builds on."""

import os

# Here, so that it comes before anything that reads a setting when it is imported.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbot_project.settings")
