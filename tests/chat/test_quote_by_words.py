"""With the embedder gone, `extractive` goes by words and waits for nobody."""

from typing import Any

import pytest

from accounts.models import User
from chat.extractive import Extract, choose
from knowledge.filters import Filters
from knowledge.models import audiences
from knowledge.search import SearchType, look_up, understand
from knowledge.services import add_texts

PLANS = "The premium plan allows 500 requests per minute. The office closes at six."


@pytest.fixture
def known(owner: User, settings: Any) -> None:
    add_texts(owner, [{"title": "Plans", "content": PLANS}])
    settings.EMBEDDED_EMBEDDINGS = False
    settings.EMBEDDINGS_BASE_URL = "http://127.0.0.1:9/v1"  # nobody is there


def chosen(owner: User, question: str) -> Extract | None:
    query = understand(question, SearchType.TEXT)
    return choose(query, look_up(audiences(owner), query, Filters(), 6))


def test_shared_words_decide(owner: User, known: None) -> None:
    extract = chosen(owner, "How many requests per minute does the premium tier allow?")
    assert extract
    assert extract.text == "The premium plan allows 500 requests per minute. [1]"


def test_few_shared_words_are_no_answer(owner: User, known: None) -> None:
    assert chosen(owner, "Which office plants grow tall without any water or light?") is None
