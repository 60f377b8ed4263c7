"""Which model answers: the public names, and the provider's name behind each."""

import asyncio
import contextvars
import time
from typing import NamedTuple

from django.conf import settings

from chat import providers
from chatbot_project.api.errors import InvalidRequest, ModelUnavailable

LISTING_SECONDS = 60.0
FAILURE_SECONDS = 5.0
EXTRACTIVE = settings.EXTRACTIVE_MODEL_NAME  # answers in the words of the sources alone


class Model(NamedTuple):
    name: str  # what the caller says
    provider_name: str  # what the provider is asked for


def resolve(name: str) -> Model:
    """The model behind a public name. Raises InvalidRequest."""
    if name == EXTRACTIVE:
        return Model(name, name)
    if settings.CHAT_MODELS:
        if name not in settings.CHAT_MODELS:
            known = ", ".join([*settings.CHAT_MODELS, EXTRACTIVE])
            raise InvalidRequest(
                "The model is not known.",
                invalid_fields={"model": [f"Unknown model. Known are: {known}."]},
            )
        return Model(name, settings.CHAT_MODELS[name])
    return Model(name, settings.EMBEDDED_MODEL_NAME if settings.EMBEDDED_MODEL else name)


async def known_names() -> list[str]:
    """The public names, the default first, EXTRACTIVE last.

    With CHAT_MODELS unset: what the provider lists. Raises ModelUnavailable where the provider must
    be asked and does not answer.
    """
    if settings.CHAT_MODELS:
        names = list(settings.CHAT_MODELS)
    elif settings.EMBEDDED_MODEL:
        names = [settings.EMBEDDED_MODEL_NAME]
    else:
        names = await _listing.names()
    names = [*(name for name in names if name != EXTRACTIVE), EXTRACTIVE]
    default = settings.CHAT_DEFAULT_MODEL
    return [default, *(name for name in names if name != default)] if default else names


async def default_name() -> str:
    """The model of a request that names none. Raises ModelUnavailable."""
    if settings.CHAT_DEFAULT_MODEL:
        return settings.CHAT_DEFAULT_MODEL
    names = await known_names()
    if names == [EXTRACTIVE]:
        raise ModelUnavailable("The provider lists no model. Name one in the request.")
    return names[0]


class _Listing:
    """What the provider lists, asked once for all who wait and kept for a while; failures too."""

    def __init__(self) -> None:
        self._asked: asyncio.Task[list[str]] | None = None
        self._until = 0.0

    async def names(self) -> list[str]:
        if self._asked is None or (self._asked.done() and time.monotonic() >= self._until):
            self._asked = asyncio.create_task(self._ask(), context=contextvars.Context())
        try:
            return await asyncio.shield(self._asked)
        except providers.ProviderFailed as failure:
            raise ModelUnavailable(failure.message) from failure

    async def _ask(self) -> list[str]:
        self._until = time.monotonic() + FAILURE_SECONDS
        names = await providers.list_models()
        self._until = time.monotonic() + LISTING_SECONDS
        return names


_listing = _Listing()
