"""RTF: its text, by the rules of the format's specification, version 1.9.1."""

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO

from files.readers.passages import Passage, damaged

TOKEN = re.compile(
    rb"\\(?:([a-zA-Z]{1,32})(-?\d{1,10})? ?|'([0-9a-fA-F]{2})|([^a-zA-Z]))"
    rb"|([{}])|[\r\n]+|([^\\{}\r\n]+)"
)
# Groups that hold no text of the document's.
DESTINATIONS = {
    b"fonttbl",
    b"colortbl",
    b"stylesheet",
    b"info",
    b"pict",
    b"object",
    b"header",
    b"headerl",
    b"headerr",
    b"headerf",
    b"footer",
    b"footerl",
    b"footerr",
    b"footerf",
    b"generator",
    b"listtable",
    b"listoverridetable",
    b"rsidtbl",
    b"themedata",
    b"datastore",
    b"xmlnstbl",
    b"latentstyles",
    b"fldinst",
    b"filetbl",
    b"revtbl",
}
WRITTEN = {
    b"par": "\n\n",
    b"sect": "\n\n",
    b"page": "\n\n",
    b"line": "\n",
    b"row": "\n",
    b"cell": " | ",
    b"tab": "\t",
    b"emdash": "—",
    b"endash": "–",
    b"lquote": "‘",
    b"rquote": "’",
    b"ldblquote": "“",
    b"rdblquote": "”",
    b"bullet": "•",
}
SYMBOLS = {b"~": " ", b"_": "-", b"\\": "\\", b"{": "{", b"}": "}", b"\n": "\n\n", b"\r": "\n\n"}


def read(file: BinaryIO, media_type: str, most_pages: int) -> Iterator[Passage]:
    data = file.read()
    if not data.rstrip(b"\0\r\n\t ").endswith(b"}"):
        raise damaged("its end is missing")
    yield Passage(Rtf().text(data), is_markdown=False)


class Rtf:
    def __init__(self) -> None:
        self.parts: list[str] = []
        self.bytes = bytearray()  # of characters that are not decoded yet
        self.encoding = "cp1252"
        self.groups: list[tuple[bool, int]] = []
        self.hidden = False
        self.fallbacks = 1  # characters after \u for readers that do not know it
        self.passing = 0
        self.first = False  # whether nothing has come in this group yet

    def text(self, data: bytes) -> str:
        for match in TOKEN.finditer(data):
            word, number, code, symbol, brace, plain = match.groups()
            if brace:
                self.group(brace)
            elif word:
                self.word(word, int(number) if number else None)
            elif symbol:
                self.symbol(symbol)
            elif code:
                self.put(bytes.fromhex(code.decode()))
            elif plain:
                self.put(plain)
        self.flush()
        return whole("".join(self.parts))

    def group(self, brace: bytes) -> None:
        self.flush()
        if brace == b"{":
            self.groups.append((self.hidden, self.fallbacks))
        elif self.groups:
            self.hidden, self.fallbacks = self.groups.pop()
        self.first = brace == b"{"
        self.passing = 0

    def word(self, word: bytes, number: int | None) -> None:
        if self.first and word in DESTINATIONS:
            self.hidden = True
        self.first = False
        if word == b"u" and number is not None:
            self.write(chr(number % 0x10000))
            self.passing = self.fallbacks
        elif word == b"uc":
            self.fallbacks = number or 0
        elif word == b"ansicpg":
            self.encoding = known(f"cp{number}")
        elif word in WRITTEN:
            self.write(WRITTEN[word])

    def symbol(self, symbol: bytes) -> None:
        if symbol == b"*":
            self.hidden = True
        elif symbol in SYMBOLS:
            self.write(SYMBOLS[symbol])

    def put(self, data: bytes) -> None:
        passed = min(self.passing, len(data))
        self.passing -= passed
        self.first = False
        if not self.hidden:
            self.bytes += data[passed:]

    def write(self, text: str) -> None:
        self.flush()
        if not self.hidden:
            self.parts.append(text)

    def flush(self) -> None:
        if self.bytes:
            self.parts.append(self.bytes.decode(self.encoding, "replace"))
            self.bytes.clear()


def whole(text: str) -> str:
    """Each \\u is half a character where that is beyond U+FFFF: a surrogate of UTF-16."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def known(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        return "cp1252"
