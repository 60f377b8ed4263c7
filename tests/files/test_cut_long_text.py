"""Long blocks are cut into stretches that lose nothing and know their section."""

import pytest

from files.stretches import LONGEST, stretches
from knowledge.chunking import Block

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
