"""`manage.py release`: what each deployment needs before its processes start."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from chatbot_project.embedded.release import complete, prepare, sign_in


class Command(BaseCommand):
    help = "Migrates the database. The first time, makes an admin and shows the password and a key."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        admin = prepare()
        if admin:
            self.stdout.write("\n".join([f"  Admin {settings.PUBLIC_URL}/admin/", *sign_in(admin)]))
            self.stdout.flush()  # before what may be interrupted
        complete()
        self.stdout.write("The database is up to date.")
