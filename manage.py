#!/usr/bin/env python
"""Django's commands. Embedded servers that a command needs run while it does."""

import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbot_project.settings")

from chatbot_project.embedded.commandline import execute

if __name__ == "__main__":
    execute(sys.argv)
