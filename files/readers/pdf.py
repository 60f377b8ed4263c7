"""PDF: the text of each page, with the section of the outline that it belongs to."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from pypdf import PageObject, PdfReader
from pypdf.errors import (
    DependencyError,
    EmptyFileError,
    FileNotDecryptedError,
    LimitReachedError,
    PdfReadError,
    PyPdfError,
)

from files.readers.page_sections import Heading, by_section
from files.readers.page_text import joined, lines_of, without_running_titles
from files.readers.passages import Passage, Unreadable, damaged

KEPT_OBJECTS = 2_000  # parsed ones that may stay in memory from page to page
DEEPEST = 100  # fields within fields
# What pypdf raises where the outline or a form is not as it should be: the text is worth having.
BROKEN = (PyPdfError, LookupError, AttributeError, TypeError, ValueError, RecursionError)
PASSWORD = "The PDF is password-protected."  # noqa: S105 - a sentence


def read(file: BinaryIO, media_type: str, most_pages: int) -> Iterator[Passage]:
    try:
        reader = opened(file)
        count = len(reader.pages)
        if count > most_pages:
            raise Unreadable(f"It has more than {most_pages:,} pages.")
        yield from passages(reader, headings_of(reader))
    except FileNotDecryptedError:
        raise Unreadable(PASSWORD) from None
    except DependencyError:
        raise Unreadable("The PDF is encrypted in a way that cannot be read.") from None
    except EmptyFileError:
        raise Unreadable("The file is empty.") from None
    except LimitReachedError:
        raise damaged("parts of it are endless, or far larger than in any document") from None
    except PdfReadError:
        raise damaged("it is not a whole PDF") from None


def opened(file: BinaryIO) -> PdfReader:
    reader = PdfReader(file)
    if reader.is_encrypted and not reader.decrypt(""):  # many are, to forbid printing
        raise Unreadable(PASSWORD)
    return reader


def passages(reader: PdfReader, headings: list[Heading]) -> Iterator[Passage]:
    pages = [lines_of(text) for text in texts(reader)]
    forms = form_values(reader)
    if not any(pages) and not forms:
        raise Unreadable(without_text(reader))
    words = {word for lines in pages for line in lines for word in line.casefold().split()}
    sections = by_section(without_running_titles(pages), headings)
    for page, section, lines in sections:
        yield Passage(joined(lines, words), page, section, is_markdown=False)
    for number, values in forms.items():
        yield Passage("\n".join(values), number, "", is_markdown=False)


def texts(reader: PdfReader) -> Iterator[str]:
    for page in reader.pages:
        yield text_of(page)
        forget(reader)


def text_of(page: PageObject) -> str:
    """One broken page does not cost the others."""
    try:
        return page.extract_text()
    except (MemoryError, LimitReachedError, DependencyError, FileNotDecryptedError):
        raise
    except Exception:  # noqa: BLE001 - pypdf meets what no reader expects
        return ""


def forget(reader: PdfReader) -> None:
    """Fonts are used again and again, but a thousand pages of drawings must not stay."""
    if len(reader.resolved_objects) > KEPT_OBJECTS:
        reader.resolved_objects.clear()


def without_text(reader: PdfReader) -> str:
    if not len(reader.pages):
        return "The file is damaged: it has no pages."
    if any(has_image(page) for page in reader.pages[:20]):
        return "No text found: it looks scanned."
    return "No text found: its pages are empty."


def has_image(page: PageObject) -> bool:
    resources: Any = page.get("/Resources")
    objects = resources and resources.get_object().get("/XObject")
    return bool(objects)


def form_values(reader: PdfReader) -> dict[int | None, list[str]]:
    """What was filled into a form, which no page's text has, by the page, from 1, that shows it.
    None: no page does."""
    try:
        fields = reader.get_fields() or {}
    except BROKEN:
        return {}
    values = {str(name): shown(field.get("/V")) for name, field in fields.items()}
    pages = pages_of_fields(reader) if any(values.values()) else {}
    found: dict[int | None, list[str]] = {}
    for name, value in values.items():
        if value:
            found.setdefault(pages.get(name), []).append(f"{name}: {value}")
    return found


def pages_of_fields(reader: PdfReader) -> dict[str, int]:
    """The first page that shows the field of this name, or one within it."""
    found: dict[str, int] = {}
    for number, page in enumerate(reader.pages, 1):
        for name in fields_on(page):
            found.setdefault(name, number)
        forget(reader)
    return found


def fields_on(page: PageObject) -> list[str]:
    try:
        annotations = [each.get_object() for each in page.annotations or ()]
        widgets = [each for each in annotations if each.get("/Subtype") == "/Widget"]
        return [name for widget in widgets for name in names_of(widget)]
    except BROKEN:
        return []


def names_of(widget: Any) -> Iterator[str]:
    """Those of the fields that it is in, the outermost first (ISO 32000-2, section 12.7.4.2)."""
    fields = [widget]
    while "/Parent" in fields[-1] and len(fields) < DEEPEST:
        fields.append(fields[-1]["/Parent"])
    name = ""
    for field in reversed(fields):
        partial = str(field.get("/T", ""))
        name = str(field.get("/TM", f"{name}.{partial}" if "/Parent" in field else partial))
        yield name


def shown(value: object) -> str:
    text = str(value).strip() if isinstance(value, str) else ""
    return "" if text in ("/Off", "/") else text.removeprefix("/")


def headings_of(reader: PdfReader) -> list[Heading]:
    """The outline, in the order of its pages. One that is broken is as none."""
    try:
        return sorted(flat(reader, reader.outline, ()), key=lambda heading: heading.page)
    except BROKEN:
        return []


def flat(reader: PdfReader, outline: list[Any], above: tuple[str, ...]) -> Iterator[Heading]:
    path = above
    for entry in outline:
        if isinstance(entry, list):
            yield from flat(reader, entry, path)
            continue
        title = " ".join(str(entry.title or "").split())
        path = (*above, title) if title else above
        number = reader.get_destination_page_number(entry)
        if title and number is not None:
            yield Heading(number + 1, path)
