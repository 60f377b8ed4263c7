"""What is shown in a spreadsheet's cell: shared strings, dates, percentages, numbers."""

import re
from datetime import datetime, timedelta
from typing import NamedTuple

from files.readers.archive import Archive
from files.readers.xml_events import END, START, TEXT, events

# ECMA-376 part 1, 18.8.30: the formats that have no code in the file.
BUILT_IN_DATES = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
BUILT_IN_PERCENTAGES = {"9": "0%", "10": "0.00%"}
NO_CODE = re.compile(r'"[^"]*"|\[(?!(?:h+|m+|s+)\])[^\]]*\]|\\.|_.|\*.', re.IGNORECASE)
DATE = re.compile(r"[ymdhs]", re.IGNORECASE)
EPOCH, EPOCH_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)  # of no zone
DAY = 86_400  # seconds


class Values(NamedTuple):
    strings: list[str]
    formats: list[str]  # by style: `date`, `percentage` or none
    epoch: datetime

    def shown(self, kind: str, style: str, text: str) -> str:
        if kind == "s":
            return (
                self.strings[int(text)]
                if text.isdecimal() and int(text) < len(self.strings)
                else ""
            )
        if kind == "b":
            return {"1": "TRUE", "0": "FALSE"}.get(text, text)
        return self.number(style, text) if kind == "n" else text

    def number(self, style: str, text: str) -> str:
        format = (
            self.formats[int(style)] if style.isdecimal() and int(style) < len(self.formats) else ""
        )
        try:
            value = float(text)
            if format == "date":
                return moment(self.epoch, value)
            return f"{value * 100:.10g}%" if format == "percentage" else plain(text, value)
        except (ValueError, OverflowError):
            return text


def plain(text: str, value: float) -> str:
    """Without the digits that binary fractions leave behind."""
    return text if len(text) < 16 else f"{value:.15g}"


def moment(epoch: datetime, days: float) -> str:
    at = epoch + timedelta(seconds=round(days * DAY))
    if 0 <= days < 1:
        return f"{at:%H:%M:%S}".removesuffix(":00")
    return f"{at:%Y-%m-%d %H:%M:%S}".removesuffix(":00").removesuffix(" 00:00")


def values_of(archive: Archive, main: str) -> Values:
    is_1904 = any(
        kind == START and name == "workbookPr" and attributes.get("date1904") in ("1", "true")
        for kind, name, attributes in events(archive.pieces(main))
    )
    return Values(
        strings_of(archive, main), formats_of(archive, main), EPOCH_1904 if is_1904 else EPOCH
    )


def strings_of(archive: Archive, main: str) -> list[str]:
    """Shared strings; how they are pronounced (rPh) is left out."""
    found: list[str] = []
    parts: list[str] = []
    in_text = in_phonetic = False
    for part in archive.related_of_kind(main, "sharedStrings"):
        for kind, name, _ in events(archive.pieces(part)):
            if kind == TEXT:
                if in_text and not in_phonetic:
                    parts.append(name)
            elif name == "t":
                in_text = kind == START
            elif name == "rPh":
                in_phonetic = kind == START
            elif name == "si" and kind == END:
                found.append("".join(parts))
                parts = []
    return found


def formats_of(archive: Archive, main: str) -> list[str]:
    codes: dict[str, str] = dict(BUILT_IN_PERCENTAGES)
    found: list[str] = []
    in_cells = False
    for part in archive.related_of_kind(main, "styles"):
        for kind, name, attributes in events(archive.pieces(part)):
            if name == "cellXfs":
                in_cells = kind == START
            elif kind == START and name == "numFmt":
                codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
            elif kind == START and name == "xf" and in_cells:
                id = attributes.get("numFmtId", "")
                found.append(format_of(id, codes.get(id, "")))
    return found


def format_of(id: str, code: str) -> str:
    code = NO_CODE.sub("", code).partition(";")[0]
    if (id.isdecimal() and int(id) in BUILT_IN_DATES) or DATE.search(code):
        return "date"
    return "percentage" if code.endswith("%") else ""
