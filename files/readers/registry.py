"""Which module reads which media type. Nothing is loaded here: a process needs one of them."""

from files.readers.passages import Unreadable

READERS = {
    "application/pdf": "pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "word",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "sheets",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "slides",
    "application/vnd.oasis.opendocument.text": "open_document",
    "application/epub+zip": "book",
    "application/rtf": "rtf",
    "application/json": "structured",
    "application/jsonl": "structured",
    "application/x-ipynb+json": "notebook",
    "message/rfc822": "mail",
    "text/html": "webpage",
    "text/csv": "delimited",
    "text/tab-separated-values": "delimited",
    "application/xml": "plain",
    "application/yaml": "plain",
    "application/toml": "plain",
}


def reader_of(media_type: str) -> str:
    """The dotted name of the module that reads it, by `read(file, media_type, most_pages)`."""
    if media_type not in READERS and not media_type.startswith("text/"):
        raise Unreadable(f"Files of type {media_type} cannot be read.")
    return f"files.readers.{READERS.get(media_type, 'plain')}"
