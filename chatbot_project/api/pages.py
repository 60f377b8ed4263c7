"""Django's middleware for pages. API calls pass it by: each would cost a change of thread."""

import re
from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.common import CommonMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.middleware.security import SecurityMiddleware

from chatbot_project.api.requests import is_page

SESSION_KEY = re.compile(r"[0-9a-z]+")


class PagesOnly:
    get_response: Callable[[HttpRequest], Any]

    def __call__(self, request: HttpRequest) -> Any:
        if is_page(request.path_info):
            return super().__call__(request)  # type: ignore[misc]
        return self.get_response(request)


class Security(PagesOnly, SecurityMiddleware):
    pass


class Session(PagesOnly, SessionMiddleware):
    def process_request(self, request: HttpRequest) -> None:
        """A cookie that is none of ours is no session: what it holds never gets into a query."""
        if not SESSION_KEY.fullmatch(request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")):
            request.COOKIES.pop(settings.SESSION_COOKIE_NAME, None)
        super().process_request(request)


class Common(PagesOnly, CommonMiddleware):
    pass


class Csrf(PagesOnly, CsrfViewMiddleware):
    async def process_view(  # type: ignore[override]
        self, request: HttpRequest, callback: Any, callback_args: Any, callback_kwargs: Any
    ) -> Any:
        """Async, so that Django calls it from the event loop and not from another thread."""
        if not is_page(request.path_info):
            return None
        check = sync_to_async(super().process_view)
        return await check(request, callback, callback_args, callback_kwargs)


class Authentication(PagesOnly, AuthenticationMiddleware):
    pass


class Messages(PagesOnly, MessageMiddleware):
    pass


class Clickjacking(PagesOnly, XFrameOptionsMiddleware):
    pass
