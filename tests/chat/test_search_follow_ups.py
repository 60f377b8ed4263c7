"""A follow-up is searched with the question that it leans on, and no other message is."""

import pytest

from chat.questions import LONGEST, searched

FIRST = "How many requests per minute does the standard tier allow?"


@pytest.mark.parametrize(
    "question",
    ["and for premium?", "For premium?", "Does it cost more?", "What about enterprise accounts?",
     "Premium?", "And enterprise", "How do I change that?", "why not?", "Und für Premium?"],
)  # fmt: skip
def test_follow_ups(question: str) -> None:
    assert searched([FIRST, question]) == f"{FIRST}\n{question}\n{question}"
    assert searched([question]) == question


@pytest.mark.parametrize(
    "question",
    ["Thanks!", "How do I upload a file?", "What is your name?", "Where are my keys?",
     "Explain the errors of the API in detail, please.", "Hello, how are you?", "ok"],
)  # fmt: skip
def test_questions_of_their_own(question: str) -> None:
    assert searched([FIRST, question]) == question


def test_the_last_question_of_its_own_is_meant() -> None:
    second = "How do I make an API key?"
    asked = [FIRST, "and for premium?", second, "Thanks!", "Does it expire?", "And how long?"]
    assert searched(asked) == f"{second}\nAnd how long?\nAnd how long?"


def test_long_messages_are_searched_by_their_ends() -> None:
    text = searched([f"Begin {'x' * 50_000} end?"])
    assert len(text) == LONGEST + 1
    assert text.startswith("Begin") and text.endswith("end?")
