"""Word, Excel, PowerPoint and OpenDocument: structure is kept."""

import datetime
import io
import zipfile

import docx
import openpyxl
import pptx
import pytest

from files.extraction import ExtractionFailed
from knowledge.chunking import Block
from tests.files.conftest import Read

TABLE = [("Name", "Size", "Price"), ("Big", "10", "5 €"), ("Small", "2", "1 €")]
TABLE_TEXT = (
    "Name | Size | Price\nName: Big; Size: 10; Price: 5 €\nName: Small; Size: 2; Price: 1 €"
)


def test_docx(read: Read) -> None:
    document = docx.Document()
    document.add_heading("Valves", 0)
    document.add_heading("Opening", 2)
    document.add_paragraph("By hand.")
    for item in ("one", "two"):
        document.add_paragraph(item, style="List Bullet")
    table = document.add_table(3, 3)
    for row, values in zip(table.rows, TABLE, strict=True):
        for cell, value in zip(row.cells, values, strict=True):
            cell.text = value
    document.add_paragraph("The end.")
    (block,) = read("a.docx", saved(document))
    assert block == Block(
        f"# Valves\n\n## Opening\n\nBy hand.\n\n- one\n- two\n\n{TABLE_TEXT}\n\nThe end."
    )


def test_pptx(read: Read) -> None:
    presentation = pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[1])
    slide.shapes.title.text = "Valves"
    slide.placeholders[1].text = "By hand\nAlways"
    slide.notes_slide.notes_text_frame.text = "Say it loud"
    slide = presentation.slides.add_slide(presentation.slide_layouts[5])
    slide.shapes.title.text = "Prices"
    table = slide.shapes.add_table(3, 3, 0, 0, 100_000, 100_000).table
    for row, values in zip(table.rows, TABLE, strict=True):
        for cell, value in zip(row.cells, values, strict=True):
            cell.text = value
    assert read("a.pptx", saved(presentation)) == [
        Block("Valves\n\nBy hand\n\nAlways\n\nNotes: Say it loud", 1, "Valves", False),
        Block(f"Prices\n\n{TABLE_TEXT}", 2, "Prices", False),
    ]


def test_xlsx(read: Read) -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.title = "Plans"
    sheet["A1"] = "As of January"
    sheet.append(["Plan", "Requests", "Since", "Share", "On"])
    sheet.append(["premium", 500, datetime.date(2025, 1, 6), 0.25, True])
    sheet.append(["standard", 100, datetime.datetime(2025, 1, 6, 12, 30), None, False])
    sheet["D3"].number_format = "0%"
    workbook.create_sheet("Notes")["C7"] = "alone"
    plans, notes = read("a.xlsx", saved(workbook))
    assert plans.section == "Plans" and not plans.is_markdown
    assert plans.text.splitlines() == [
        "As of January",
        "Plan | Requests | Since | Share | On",
        "Plan: premium; Requests: 500; Since: 2025-01-06; Share: 25%; On: TRUE",
        "Plan: standard; Requests: 100; Since: 2025-01-06 12:30; On: FALSE",
    ]
    assert (notes.section, notes.text) == ("Notes", "alone")


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("[Magenta]0.00", "0.5"),
        ("[Red]0.00%", "50%"),
        ("[$-409]h:mm AM/PM", "12:00"),
        ("[h]:mm", "12:00"),
        ("[MM]:SS", "12:00"),
    ],
)
def test_a_colour_makes_no_date_of_a_number(read: Read, code: str, shown: str) -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet["A1"] = 0.5
    sheet["A1"].number_format = code
    assert read("a.xlsx", saved(workbook))[0].text == shown


def test_odt(read: Read) -> None:
    content = (
        '<o:d xmlns:o="o" xmlns:t="t"><t:h t:outline-level="2">Head</t:h><t:p>Text<t:s/>here'
        "<t:note><t:note-citation>1</t:note-citation><t:note-body><t:p>the note</t:p></t:note-body>"
        "</t:note></t:p><t:list><t:list-item><t:p>item</t:p></t:list-item></t:list></o:d>"
    )
    mimetype = "application/vnd.oasis.opendocument.text"
    (block,) = read("a.odt", zipped({"mimetype": mimetype, "content.xml": content}))
    assert block == Block("## Head\n\nText here [the note]\n\n- item")


def test_an_empty_document(read: Read) -> None:
    with pytest.raises(ExtractionFailed, match="No text found"):
        read("a.docx", saved(docx.Document()))


def saved(document: object) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)  # type: ignore[attr-defined]
    return buffer.getvalue()


def zipped(members: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()
