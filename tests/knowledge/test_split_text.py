"""Text is split where its structure does, into pieces that the embedder reads to their end."""

import pytest

from knowledge import tokens
from knowledge.chunking import Block, headings_of, split

WINDOW = 256
PROSE = "The valve opens at twelve bar, and closes again when the pressure has fallen below nine. "
MANUAL = f"""Before any heading.

# Installation

{PROSE * 12}

## Wiring

{PROSE * 12}

```python
# not a heading
print("wired")
```

# Safety

{PROSE}
"""


def pieces(*blocks: Block, title: str = "") -> list:
    return list(split(blocks, title=title, window=WINDOW))


@pytest.mark.parametrize(
    "text",
    [
        PROSE * 200,
        MANUAL,
        "word" * 5_000,
        "这是一个没有空格的句子。" * 300,
        "x = [1, 2, 3]\n" * 500,
        "🙂" * 3_000,
        "# " + "#" * 20_000 + "x",
        "https://example.com/" + "a/b-c_d?e=f&" * 2_000,
        "Valves " + "\ue000" * 20_000 + " and pumps " + "\u200b" * 20_000,
        f"Valves{' ' * 20_000}and{' ' * 20_000}pumps",
    ],
    ids=[
        *("prose", "markdown", "one word", "chinese", "code", "emoji", "hashes", "address"),
        *("private characters", "spaces"),
    ],
)
def test_no_piece_is_longer_than_the_window(text: str) -> None:
    title = "A title of some length, about valves and what opens them"
    found = pieces(Block(text), title=title)
    assert found
    for piece in found:
        assert tokens.count(piece.embedded_text) + 2 <= WINDOW
        assert piece.token_count == tokens.count(piece.content)
        assert len(piece.content) <= 8 * WINDOW


@pytest.mark.parametrize("letter", ["\ue000", "\u200b", " ", "x"])
def test_what_has_no_tokens_counts_by_its_length(letter: str) -> None:
    text = f"a{letter * 800}b"
    assert 100 <= tokens.count(text) <= 102
    assert 380 <= len(tokens.cut(text, 50)) <= 400
    assert tokens.cut(text, 200) == text


def test_nothing_gets_lost() -> None:
    said = " ".join(piece.content for piece in pieces(Block(MANUAL)))
    assert "".join(said.split()) == "".join(MANUAL.split())


def test_sections_are_named_by_the_headings_above() -> None:
    found = pieces(Block(MANUAL))
    sections = [piece.section for piece in found]
    assert list(dict.fromkeys(sections)) == ["", "Installation", "Wiring", "Safety"]


def test_many_headings_among_many_blocks_of_code() -> None:
    """At once, whatever their number."""
    text = "# One\n```\n# not a heading\n```\n ~~~ sh\n# nor this\n~~~\n## Two #\n" * 5_000
    assert [name for _, _, name in headings_of(text)] == ["One", "Two"] * 5_000


def test_a_heading_is_not_left_alone() -> None:
    found = pieces(Block("# Handbook\n\n## Valves\n\n" + PROSE * 40))
    assert found[0].content.startswith("# Handbook\n\n## Valves\n\nThe valve")
    assert {piece.section for piece in found} == {"Valves"}


def test_what_is_no_markdown_has_no_sections() -> None:
    code = Block("# a comment\nx = 1\n" * 100, section="main.py", is_markdown=False)
    assert {piece.section for piece in pieces(code)} == {"main.py"}


def test_a_page_is_never_left() -> None:
    found = pieces(Block("First page.", page=1), Block(PROSE * 30, page=2, section="Valves"))
    assert [piece.page for piece in found][:2] == [1, 2]
    assert {piece.page for piece in found[1:]} == {2}
    assert {piece.section for piece in found[1:]} == {"Valves"}


def test_title_and_section_stand_before_a_piece_that_does_not_say_them() -> None:
    first, *_, last = pieces(Block("# Valves\n\n" + PROSE * 40), title="Handbook")
    assert first.header == "Handbook"
    assert last.header == "Handbook - Valves"


def test_a_text_without_content_has_no_pieces() -> None:
    assert pieces(Block(""), Block(" \n\t ")) == []


def test_the_last_piece_is_no_scrap() -> None:
    counts = [piece.token_count for piece in pieces(Block(PROSE * 15))]
    assert len(counts) == 2
    assert min(counts) > max(counts) / 2


def test_sentences_stay_whole() -> None:
    for piece in pieces(Block(PROSE * 100)):
        assert piece.content.startswith("The valve")
        assert piece.content.endswith("below nine.")
