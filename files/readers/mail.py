"""E-mail: who, when, about what, and the body. Attachments are named only."""

from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import BinaryIO

from files.readers import webpage
from files.readers.encodings import decode
from files.readers.passages import Passage, damaged

SHOWN = ("Subject", "From", "To", "Cc", "Date")


def read(file: BinaryIO, media_type: str, most_pages: int) -> Iterator[Passage]:
    message = BytesParser(policy=policy.default).parse(file)
    head = [f"{name}: {message[name]}" for name in SHOWN if message[name]]
    if not head:
        raise damaged("it is not a whole e-mail")
    names = [part.get_filename() for part in message.iter_attachments()]
    if any(names):
        head.append("Attachments: " + ", ".join(name for name in names if name))
    body = body_of(message)
    yield body._replace(
        text="\n".join(head) + "\n\n" + body.text, section=str(message["Subject"] or "")
    )


def body_of(message: EmailMessage) -> Passage:
    part = message.get_body(("plain", "html"))
    content = part.get_payload(decode=True) if part else b""
    data = content if isinstance(content, bytes) else b""
    text = decode(data, part.get_content_charset("") if part else "")
    if part and part.get_content_subtype() == "html":
        return webpage.passage(text)
    return Passage(text, is_markdown=False)
