"""The admin's part for accounts: users, tiers, keys, usage, and its own sign-in."""

from django.conf import settings
from django.contrib import admin

from accounts.admin import keys, tiers, usage, users
from accounts.sign_in import SignInForm

__all__ = ["keys", "tiers", "usage", "users"]

admin.site.site_header = settings.SITE_NAME
admin.site.site_title = settings.SITE_NAME
admin.site.login_form = SignInForm
