"""`manage.py run`: the whole platform in the foreground, until Ctrl-C or SIGTERM."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from chatbot_project.embedded.stack import run_stack


class Command(BaseCommand):
    help = "Starts whatever is missing, prepares the database, runs the Procfile's processes."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(run_stack())
