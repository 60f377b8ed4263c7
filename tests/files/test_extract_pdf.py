"""PDF: text by page and section, fit for search."""

import io
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, TextStringObject
from reportlab.lib.pagesizes import A5
from reportlab.pdfgen.canvas import Canvas

from files.extraction import ExtractionFailed, detect, extract
from knowledge.chunking import Block
from tests.files.conftest import Read

PROSE = (
    "The valve is opened by hand, which takes a min-",
    "ute. It must not be forced, as a well-known tri-",
    "al of the year 1998 showed to those who watched.",
    "Then it is closed.",
)


def pdf(*pages: tuple[str, ...], outline: dict[str, tuple[int, int]] | None = None) -> bytes:
    """A PDF of these lines; `outline` is title: (level, page from 0)."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A5)
    for number, lines in enumerate(pages):
        for title, (level, page) in (outline or {}).items():
            if page == number:
                canvas.bookmarkPage(title)
                canvas.addOutlineEntry(title, title, level)
        for place, line in enumerate(lines):
            canvas.drawString(40, 550 - 16 * place, line)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def read_file(path: Path) -> list[Block]:
    with path.open("rb") as file:
        return extract(file, media_type=detect(file, path.name), filename=path.name)


def test_a_page_is_a_block(read: Read) -> None:
    blocks = read("a.pdf", pdf(("First page",), ("Second page",)))
    assert blocks == [
        Block("First page", 1, "", False),
        Block("Second page", 2, "", False),
    ]


def test_lines_become_paragraphs_and_divided_words_whole(read: Read) -> None:
    (block,) = read("a.pdf", pdf((*PROSE, "Another paragraph about the well-known cook.")))
    first, second = block.text.split("\n")
    assert "takes a minute. It must" in first
    assert "well-known trial of" in first
    assert first.endswith("Then it is closed.")
    assert second.startswith("Another paragraph")


def test_a_page_is_parted_where_sections_begin(read: Read) -> None:
    pages = (("Preface",), ("1 Valves", "Of valves.", "1.1 Opening", "By hand."), ("More of it.",))
    outline = {"Valves": (0, 1), "Opening": (1, 1)}
    assert [(b.page, b.section, b.text) for b in read("a.pdf", pdf(*pages, outline=outline))] == [
        (1, "", "Preface"),
        (2, "Valves", "1 Valves\nOf valves."),
        (2, "Valves > Opening", "1.1 Opening\nBy hand."),
        (3, "Valves > Opening", "More of it."),
    ]


def test_a_title_that_is_nowhere_in_the_text_begins_with_its_page(read: Read) -> None:
    pages = (("Nothing",), ("of the",), ("kind",))
    blocks = read("a.pdf", pdf(*pages, outline={"Valves": (0, 1)}))
    assert [block.section for block in blocks] == ["", "Valves", "Valves"]


def test_running_titles_and_page_numbers_go(read: Read) -> None:
    pages = [("The handbook", f"Text of chapter {n}", f"Page {n} of 5") for n in range(1, 6)]
    blocks = read("a.pdf", pdf(*pages))
    assert [block.text for block in blocks] == [f"Text of chapter {n}" for n in range(1, 6)]


def test_what_repeats_on_two_pages_stays(read: Read) -> None:
    blocks = read("a.pdf", pdf(("The handbook", "One"), ("The handbook", "Two")))
    assert [block.text for block in blocks] == ["The handbook\nOne", "The handbook\nTwo"]


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-256"])
def test_a_password_is_asked_for(read: Read, algorithm: str) -> None:
    writer = PdfWriter(clone_from=io.BytesIO(pdf(("Secret",))))
    writer.encrypt("open sesame", algorithm=algorithm)
    with pytest.raises(ExtractionFailed, match=r"^The PDF is password-protected\.$"):
        read("a.pdf", saved(writer))


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-256"])
def test_one_that_only_forbids_printing_is_read(read: Read, algorithm: str) -> None:
    writer = PdfWriter(clone_from=io.BytesIO(pdf(("Not secret",))))
    writer.encrypt("", "owner", algorithm=algorithm)
    assert [block.text for block in read("a.pdf", saved(writer))] == ["Not secret"]


def test_pages_without_text(read: Read) -> None:
    with pytest.raises(ExtractionFailed, match="No text found: its pages are empty"):
        read("a.pdf", pdf((), ()))


def saved(writer: PdfWriter) -> bytes:
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def test_a_scan(pdf_folder: Path) -> None:
    with pytest.raises(ExtractionFailed, match="No text found: it looks scanned"):
        read_file(pdf_folder / "grayscale-image.pdf")


def test_a_real_password(pdf_folder: Path) -> None:
    with pytest.raises(ExtractionFailed, match="password-protected"):
        read_file(pdf_folder / "libreoffice-writer-password.pdf")


def test_what_was_filled_into_a_form(pdf_folder: Path) -> None:
    text = "\n".join(block.text for block in read_file(pdf_folder / "libreoffice-form.pdf"))
    assert "First Name: Alice" in text and "Agree to privacy policy" in text


def test_values_are_on_the_page_that_shows_them(read: Read) -> None:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A5)
    for number, name in enumerate(["Name", "Town", ""], 1):
        canvas.drawString(40, 550, f"This is page {number}")
        if name:
            canvas.acroForm.textfield(name=name, value=f"a {name}", x=40, y=400)
        canvas.showPage()
    canvas.save()
    writer = PdfWriter(clone_from=buffer)
    add_fields(writer)
    blocks = read("a.pdf", saved(writer))
    assert [(block.page, block.text) for block in blocks[3:]] == [
        (1, "Name: a Name"),
        (2, "Town: a Town"),
        (3, "Trip.Kind: train"),
        (None, "Hidden: yes"),
    ]


def add_fields(writer: PdfWriter) -> None:
    """One that no page shows, and one within another, of two buttons without names."""
    trip, hidden = field(writer, T="Trip"), field(writer, T="Hidden", V="yes")
    kind = field(writer, trip, T="Kind", V="train")
    buttons = [field(writer, kind, Subtype="/Widget") for _ in range(2)]
    root: Any = writer.root_object
    root["/AcroForm"]["/Fields"].extend([trip.indirect_reference, hidden.indirect_reference])
    annotations = ArrayObject([each.indirect_reference for each in buttons])
    writer.pages[2][NameObject("/Annots")] = annotations


def field(writer: PdfWriter, parent: Any = None, **entries: str) -> DictionaryObject:
    made = DictionaryObject({NameObject("/FT"): NameObject("/Tx")})
    for name, value in entries.items():
        shown = NameObject(value) if value.startswith("/") else TextStringObject(value)
        made[NameObject(f"/{name}")] = shown
    writer._add_object(made)
    if parent is not None:
        made[NameObject("/Parent")] = parent.indirect_reference
        parent.setdefault(NameObject("/Kids"), ArrayObject()).append(made.indirect_reference)
    return made


def test_arabic(pdf_folder: Path) -> None:
    assert "حَبيبي habibi" in read_file(pdf_folder / "habibi.pdf")[0].text


def test_columns_are_read_one_after_the_other(pdf_folder: Path) -> None:
    text = read_file(pdf_folder / "multicolumn.pdf")[0].text
    assert "filled with Lorem Ipsum text" in text
    assert "consectetuer adipiscing elit" in text


def test_sections_of_a_real_outline(pdf_folder: Path) -> None:
    blocks = read_file(pdf_folder / "pdflatex-outline.pdf")
    assert [(block.page, block.section) for block in blocks][:4] == [
        (1, ""),
        (2, "Foo"),
        (2, "Bar"),
        (2, "Baz"),
    ]


def test_an_outline_whose_titles_are_wrong(pdf_folder: Path) -> None:
    blocks = read_file(pdf_folder / "mistitled_outlines_example.pdf")
    assert [block.page for block in blocks] == [1, 2, 3, 4]
    assert blocks[1].section == "First"


def test_every_page_is_there(pdf_folder: Path) -> None:
    path = pdf_folder / "pdflatex-4-pages.pdf"
    blocks = read_file(path)
    assert {block.page for block in blocks} == set(range(1, len(PdfReader(path).pages) + 1))
