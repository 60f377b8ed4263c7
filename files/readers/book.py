"""EPUB: a passage for each part of the book, in reading order, named as in its contents."""

import posixpath
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from files.readers import webpage
from files.readers.archive import Archive, resolved
from files.readers.passages import Passage, Unreadable, damaged
from files.readers.xml_events import END, START, TEXT, events

CONTAINER = "META-INF/container.xml"
ENCRYPTION = "META-INF/encryption.xml"
PAGES = {"application/xhtml+xml", "text/html", "application/xml"}
CONTENTS = "application/x-dtbncx+xml"


class Item(NamedTuple):
    path: str
    media_type: str
    properties: str


def read(file: BinaryIO, media_type: str, most_pages: int) -> Iterator[Passage]:
    archive = Archive(file)
    items, spine = package_of(archive)
    refuse_encrypted(archive, {items[id].path for id in spine})
    titles = titles_of(archive, items)
    for id in spine:
        item = items[id]
        if item.media_type in PAGES and item.path in archive.names and "nav" not in item.properties:
            html = webpage.text_of(archive.read(item.path))
            yield webpage.passage(html, titles.get(item.path, ""))


def package_of(archive: Archive) -> tuple[dict[str, Item], list[str]]:
    """The book's files by id, and the ids of those that are read, in order."""
    package = package_path(archive)
    folder = posixpath.dirname(package)
    items: dict[str, Item] = {}
    spine: list[str] = []
    for kind, name, attributes in events(archive.pieces(package)):
        if kind == START and name == "item":
            path = resolved(folder, attributes.get("href", ""))
            items[attributes.get("id", "")] = Item(
                path, attributes.get("media-type", ""), attributes.get("properties", "")
            )
        elif kind == START and name == "itemref":
            spine.append(attributes.get("idref", ""))
    return items, [id for id in spine if id in items]


def package_path(archive: Archive) -> str:
    for kind, name, attributes in events(archive.pieces(CONTAINER)):
        if kind == START and name == "rootfile":
            return resolved("", attributes.get("full-path", ""))
    raise damaged("it does not say what is in it")


def refuse_encrypted(archive: Archive, needed: set[str]) -> None:
    """Fonts may be encrypted; a text that is can only be read with the seller's programs."""
    if ENCRYPTION not in archive.names:
        return
    for kind, name, attributes in events(archive.pieces(ENCRYPTION)):
        is_named = kind == START and name == "CipherReference"
        if is_named and resolved("", attributes.get("URI", "")) in needed:
            raise Unreadable("The book is protected against copying (DRM).")


def titles_of(archive: Archive, items: dict[str, Item]) -> dict[str, str]:
    """Titles of the table of contents, by file; the first of a file counts."""
    found: dict[str, str] = {}
    for item in items.values():
        is_contents = item.media_type == CONTENTS or "nav" in item.properties.split()
        if is_contents and item.path in archive.names:
            for target, title in entries(archive, item.path):
                found.setdefault(resolved(posixpath.dirname(item.path), target), title)
    return found


def entries(archive: Archive, path: str) -> Iterator[tuple[str, str]]:
    """(reference, title), of EPUB 2's toc.ncx or EPUB 3's navigation document."""
    title, target, taking = "", "", False
    try:
        for kind, name, attributes in events(archive.pieces(path)):
            if kind == TEXT:
                title += name if taking else ""
            elif name in ("a", "text"):
                taking = kind == START
                title = "" if taking else title
                target = attributes.get("href", "") if taking and name == "a" else target
            elif kind == START and name == "content":
                yield attributes.get("src", ""), title
            if kind == END and name == "a" and target:
                yield target, title
    except Unreadable:  # XHTML with entities, or broken: a book without titles is a book still
        return
