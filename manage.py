#!/usr/bin/env python
"""Django's commands. Embedded servers that a command needs run while it does."""

import sys

from chatbot_project.embedded.commandline import execute

if __name__ == "__main__":
    execute(sys.argv)
