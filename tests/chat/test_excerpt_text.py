"""Of a long text the model reads the beginning and the parts that suit the question, in order."""

from chat import attached, excerpts, tokens
from chat.excerpts import Passage

WORDS = " ".join(f"word{number}" for number in range(2_000))


def test_it_fits() -> None:
    for room in (1, 50, 500, 2_000):
        excerpt = excerpts.of_text(WORDS, "word1999", room)
        assert 0 < tokens.count(excerpt) <= room + 20  # and the marks of what is left out
    assert "word1999" in excerpts.of_text(WORDS, "word1999", 500)


def test_without_a_word_of_the_question_it_is_the_beginning() -> None:
    excerpt = excerpts.of_text(WORDS, "Sum it up, please!", 1_000)
    assert excerpt.endswith("[...]")
    assert excerpt.count("[...]") == 1
    assert WORDS.startswith(excerpt.removesuffix("[...]").strip().split("\n\n")[0])


def test_gaps_are_marked() -> None:
    passages = [Passage(5, "five"), Passage(0, "zero"), Passage(1, "one")]
    assert excerpts.joined(passages) == "zero\n\none\n\n[...]\n\nfive\n\n[...]"


def test_the_room_is_shared() -> None:
    assert attached.shares([10, 1_000, 500], 900) == [10, 445, 445]
    assert attached.shares([10, 20], 900) == [10, 20]
    assert attached.shares([10, 20], 0) == [0, 0]
    assert attached.shares([], 9) == []


def test_no_room_at_all() -> None:
    assert excerpts.of_text(WORDS, "word", 0) == "[...]"
    assert excerpts.of_text("", "word", 0) == "[...]"
