"""Which model answers: the public names, and the provider's name behind each."""

import asyncio
from typing import NamedTuple

from django.conf import settings
from django.core.cache import cache

from chat import providers
from chatbot_project.api.errors import InvalidRequest, ModelUnavailable

LISTING_SECONDS = 60


class Model(NamedTuple):
    name: str  # what the caller says
    provider_name: str  # what the provider is asked for


def known_names() -> list[str]:
    """The public names, the default first. With CHAT_MODELS unset: what the provider lists."""
    if settings.CHAT_MODELS:
        names = list(settings.CHAT_MODELS)
    elif settings.EMBEDDED_MODEL:
        names = [settings.EMBEDDED_MODEL_NAME]
    else:
        names = _provider_names()
    default = settings.CHAT_DEFAULT_MODEL
    return [default, *(name for name in names if name != default)] if default else names


def resolve(name: str | None) -> Model:
    """The model for a name, or the default one. Raises InvalidRequest, ModelUnavailable."""
    name = name or _default_name()
    if settings.CHAT_MODELS:
        if name not in settings.CHAT_MODELS:
            known = ", ".join(settings.CHAT_MODELS)
            raise InvalidRequest(
                "The model is not known.",
                invalid_fields={"model": [f"Unknown model. Known are: {known}."]},
            )
        return Model(name, settings.CHAT_MODELS[name])
    return Model(name, settings.EMBEDDED_MODEL_NAME if settings.EMBEDDED_MODEL else name)


def _default_name() -> str:
    if settings.CHAT_DEFAULT_MODEL:
        return settings.CHAT_DEFAULT_MODEL
    names = known_names()
    if not names:
        raise ModelUnavailable("The provider lists no model. Name one in the request.")
    return names[0]


def _provider_names() -> list[str]:
    names = cache.get("chat:models")
    if names is None:
        try:
            names = asyncio.run(providers.list_models())
        except providers.ProviderFailed as failure:
            raise ModelUnavailable(failure.message) from failure
        cache.set("chat:models", names, LISTING_SECONDS)
    return names
