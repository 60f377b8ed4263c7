"""Every route with an id in its path is asked for by a stranger, in the tests of its app."""

from django.urls import URLPattern, URLResolver, get_resolver

from tests.chat.test_hide_strangers_chats import ROUTES as CHAT
from tests.documents.test_hide_strangers_documents import ROUTES as DOCUMENTS
from tests.files.test_hide_strangers_files import ROUTES as FILES
from tests.knowledge.test_hide_strangers_sources import ROUTES as KNOWLEDGE
from tests.webhooks.test_hide_strangers_endpoints import ROUTES as WEBHOOKS

ASKED = {**CHAT, **DOCUMENTS, **FILES, **KNOWLEDGE, **WEBHOOKS}


def routes(patterns: list[URLPattern | URLResolver], before: str = "") -> dict[str, set[str]]:
    """The methods of every route, by its path."""
    found: dict[str, set[str]] = {}
    for pattern in patterns:
        path = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            found |= routes(pattern.url_patterns, path)
        else:
            actions = getattr(pattern.callback, "actions", None) or {}
            found[path] = {method.upper() for method in actions} - {"HEAD"}
    return found


def test_the_matrix_is_complete() -> None:
    everything = routes(get_resolver().url_patterns)
    with_ids = {path: methods for path, methods in everything.items() if "<" in path}
    of_the_api = {path: methods for path, methods in with_ids.items() if path.startswith("api/")}
    assert of_the_api == {path: set(methods) for path, methods in ASKED.items()}
