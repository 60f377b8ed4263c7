"""Which of a document's styles are headings, and which are lists."""

import re
from typing import NamedTuple

from files.readers.archive import Archive
from files.readers.xml_events import START, events

HEADING = re.compile(r"heading (\d)$", re.IGNORECASE)


class Style(NamedTuple):
    name: str = ""
    based_on: str = ""
    outline: int | None = None


class Styles(dict[str, Style]):
    def level(self, id: str) -> int:
        """1 to 9 for a heading, 0 for other text."""
        for style in self.line(id):
            if style.outline is not None:
                return style.outline if style.outline < 10 else 0
            if match := HEADING.match(style.name):
                return int(match[1])
            if style.name.lower() == "title":
                return 1
        return 0

    def is_list(self, id: str) -> bool:
        return any(style.name.lower().startswith("list ") for style in self.line(id))

    def line(self, id: str) -> list[Style]:
        """The style and those it is based on."""
        found: dict[str, Style] = {}
        while id in self and id not in found:
            found[id] = self[id]
            id = self[id].based_on
        return list(found.values())


def styles_of(archive: Archive, main: str) -> Styles:
    styles, id = Styles(), ""
    for part in archive.related_of_kind(main, "styles"):
        for kind, name, attributes in events(archive.pieces(part)):
            value = attributes.get("val", "")
            if kind != START:
                continue
            if name == "style":
                id = attributes.get("styleId", "")
                styles[id] = Style()
            elif id and name == "name":
                styles[id] = styles[id]._replace(name=value)
            elif id and name == "basedOn":
                styles[id] = styles[id]._replace(based_on=value)
            elif id and name == "outlineLvl" and value.isdecimal():
                styles[id] = styles[id]._replace(outline=int(value) + 1)
    return styles
