"""Long blocks are cut into stretches that lose nothing and know their section."""

import pytest

from files.stretches import LONGEST, stretches
from knowledge.chunking import Block, sections_of

PARAGRAPH = "The moon moves the sea. " * 20


def together(blocks: list[Block]) -> str:
    return "".join(block.text for block in blocks)


@pytest.mark.parametrize("text", ["", "short", "x" * LONGEST])
def test_what_is_short_stays_whole(text: str) -> None:
    block = Block(text, page=3, section="Tides")
    assert list(stretches([block])) == [block]


@pytest.mark.parametrize("joint", ["\n\n", "\n", " ", ""])
def test_nothing_is_lost(joint: str) -> None:
    text = joint.join([PARAGRAPH] * (3 * LONGEST // len(PARAGRAPH)))
    cut = list(stretches([Block(text, page=7)]))
    assert together(cut) == text
    assert len(cut) >= 3
    assert all(len(block.text) <= LONGEST for block in cut)
    assert {block.page for block in cut} == {7}
    if joint.strip(" "):
        assert all(block.text.endswith(joint) for block in cut[:-1])


def test_a_section_goes_on() -> None:
    text = f"# Tides\n\n{PARAGRAPH * (LONGEST // len(PARAGRAPH))}\n\n{PARAGRAPH * 20}"
    first, second = stretches([Block(text)])
    assert (first.section, second.section) == ("", "Tides")


def test_it_is_cut_before_a_heading() -> None:
    text = f"{PARAGRAPH * (LONGEST * 3 // 4 // len(PARAGRAPH))}\n\n# Seas\n\n{PARAGRAPH * 200}"
    _, second = stretches([Block(text)])
    assert second.text.startswith("# Seas")


CODE = "# a comment\nmoon = sea()\n\n"


def of_length(text: str, length: int) -> str:
    return text * (length // len(text))


def sections(text: str) -> set[str]:
    """Those of the text's chunks, long or short."""
    return {section.name for block in stretches([Block(text)]) for section in sections_of(block)}


@pytest.mark.parametrize("before", [20_000, 60_000, 95_000])
@pytest.mark.parametrize("length", [30_000, 150_000, 350_000])
@pytest.mark.parametrize("fence", ["```", "~~~"])
def test_no_comment_becomes_a_section(before: int, length: int, fence: str) -> None:
    prose, code = of_length(PARAGRAPH, before), of_length(CODE, length)
    text = f"# Tides\n\n{prose}\n\n{fence}python\n{code}{fence}\n\n# Seas\n\n{PARAGRAPH}"
    assert sections(text) == {"Tides", "Seas"}


def test_short_code_is_not_cut() -> None:
    code = f"```python\n{of_length(CODE, 2_000)}```"
    text = "\n\n".join([f"{PARAGRAPH}\n\n{code}"] * 100)
    cut = list(stretches([Block(text)]))
    assert together(cut) == text
    assert all(block.text.count("```") % 2 == 0 for block in cut)


def test_code_that_is_cut_is_opened_again() -> None:
    text = f"```python\n{of_length(CODE, 2 * LONGEST)}```\n"
    first, *others = stretches([Block(text)])
    assert others
    assert all(block.text.startswith("```python\n") for block in others)
    assert first.text + "".join(each.text.removeprefix("```python\n") for each in others) == text


@pytest.mark.parametrize("space", ["", " ", "\n"])
def test_code_without_an_end_comes_to_one(space: str) -> None:
    text = f"```{space}{'x' * 3 * LONGEST}"
    assert len(list(stretches([Block(text)]))) == 4


def test_a_comment_in_plain_text_is_a_line() -> None:
    text = of_length(CODE, 3 * LONGEST)
    assert {block.section for block in stretches([Block(text, is_markdown=False)])} == {""}
