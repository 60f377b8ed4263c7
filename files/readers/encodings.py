"""Bytes to text, whatever the encoding."""

import codecs
import re

import chardet

BOMS = [  # UTF-32 first: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
]
SHIFTED = re.compile(rb"\x1b\$[@B].*?\x1b\([BJ]", re.DOTALL)  # as Japanese mail is written
SAMPLE = 65_536  # bytes
MOST, FEWEST = 0.95, 0.05  # shares of zeros at one of four places
FEW = 6  # bytes beyond ASCII that tell no encoding from another
COMMON = chardet.EncodingEra.MODERN_WEB | chardet.EncodingEra.LEGACY_ISO
# Bytes that text does not hold: control characters but tab, line ends and escape (ISO-2022).
CONTROLS = bytes({*range(32)} - {8, 9, 10, 12, 13, 26, 27})
WRONG = {*map(chr, CONTROLS), *map(chr, range(0x86, 0xA0)), "\ufffd"}
MOST_CONTROLS = 0.002


def decode(data: bytes, declared: str = "") -> str:
    """The text; `declared` is what the file says of itself. Bytes that do not fit become U+FFFD."""
    return data.decode(encoding_of(data, declared), "replace")


def encoding_of(data: bytes, declared: str = "") -> str:
    for mark, encoding in BOMS:
        if data.startswith(mark):
            return encoding
    if wide := wide_encoding(data[:SAMPLE]):
        return wide
    if SHIFTED.search(data[:SAMPLE]):
        return "iso2022_jp"
    if is_utf8(data):
        return "utf-8"
    if declared and known(declared):
        return declared
    return legacy_encoding(data)


def wide_encoding(sample: bytes) -> str:
    """UTF-16 or UTF-32 without a mark: known by where its zero bytes are."""
    if b"\0" not in sample or len(sample) < 4:
        return ""
    first, second, third, fourth = (
        sample[place::4].count(0) / (len(sample) / 4) for place in range(4)
    )
    if third > MOST and fourth > MOST and first < FEWEST:
        return "utf-32-le"
    if first > MOST and second > MOST and fourth < FEWEST:
        return "utf-32-be"
    if second + fourth > 1 and first + third < FEWEST:
        return "utf-16-le"
    return "utf-16-be" if first + third > 1 and second + fourth < FEWEST else ""


def is_utf8(data: bytes) -> bool:
    """Whether it is UTF-8, with a slip here and there at most."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        text = data[:SAMPLE].decode("utf-8", "replace")
        wrong = text.count("\ufffd")
        right = sum(character > "\x7f" for character in text) - wrong
        return right > 10 * wrong
    return True


def legacy_encoding(data: bytes) -> str:
    beyond = data[: 4 * SAMPLE].translate(None, bytes(range(128)))
    if len(beyond) < FEW:
        return "cp1252"
    guess = chardet.detect(data[: 4 * SAMPLE], encoding_era=COMMON, prefer_superset=True)
    return known(guess["encoding"] or "") or "cp1252"


def known(encoding: str) -> str:
    """Its name in Python; empty where it is none, or nothing that text is read by, like `hex`."""
    try:
        b"\xff".decode(encoding, "replace")
        return codecs.lookup(encoding).name
    except (LookupError, ValueError):
        return ""


def is_text(sample: bytes) -> bool:
    """Whether the beginning of a file looks like text in any encoding."""
    if any(sample.startswith(mark) for mark, _ in BOMS) or wide_encoding(sample):
        text = sample.decode(encoding_of(sample), "replace")
        wrong = sum(character in WRONG for character in text[:-1])  # the last may be cut in two
        return wrong <= MOST_CONTROLS * len(text)
    if b"\0" in sample:
        return False
    controls = len(sample) - len(sample.translate(None, CONTROLS))
    return controls <= 1 + MOST_CONTROLS * len(sample)
