"""How files begin that hold no text to read, and what to tell their owners."""

import re

IMAGE = "It is an image: there is no text to read in it."
AUDIO = "It is a sound recording: there is no text to read in it."
VIDEO = "It is a video: there is no text to read in it."
PROGRAM = "It is a program: there is no text to read in it."
ARCHIVE = "It is an archive: unpack it, and upload the files that are in it."
FONT = "It is a font: there is no text to read in it."
DATABASE = "It is a database: export what is in it as CSV or JSON."
# What may stand before the root element. Possessive: never a second look at a comment.
PROLOGUE = r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*+)*+"
SVG = re.compile(rf"{PROLOGUE}(<!doctype\s+svg[^>]*>\s*)?<svg[\s>]", re.DOTALL)

# (how it begins, at which byte, media type, reason)
SIGNATURES = [
    (b"\x89PNG\r\n", 0, "image/png", IMAGE),
    (b"\xff\xd8\xff", 0, "image/jpeg", IMAGE),
    (b"GIF87a", 0, "image/gif", IMAGE),
    (b"GIF89a", 0, "image/gif", IMAGE),
    (b"WEBP", 8, "image/webp", IMAGE),
    (b"II*\0", 0, "image/tiff", IMAGE),
    (b"MM\0*", 0, "image/tiff", IMAGE),
    (b"ftypavif", 4, "image/avif", IMAGE),
    (b"ftypheic", 4, "image/heic", IMAGE),
    (b"ftypmif1", 4, "image/heif", IMAGE),
    (b"\0\0\1\0", 0, "image/vnd.microsoft.icon", IMAGE),
    (b"8BPS", 0, "image/vnd.adobe.photoshop", IMAGE),
    (b"ID3", 0, "audio/mpeg", AUDIO),
    (b"\xff\xfb", 0, "audio/mpeg", AUDIO),
    (b"WAVE", 8, "audio/wav", AUDIO),
    (b"fLaC", 0, "audio/flac", AUDIO),
    (b"OggS", 0, "audio/ogg", AUDIO),
    (b"ftypM4A", 4, "audio/mp4", AUDIO),
    (b"ftyp", 4, "video/mp4", VIDEO),
    (b"\x1a\x45\xdf\xa3", 0, "video/webm", VIDEO),
    (b"AVI ", 8, "video/x-msvideo", VIDEO),
    (b"\x7fELF", 0, "application/x-executable", PROGRAM),
    (b"MZ", 0, "application/vnd.microsoft.portable-executable", PROGRAM),
    (b"\xcf\xfa\xed\xfe", 0, "application/x-mach-binary", PROGRAM),
    (b"\xca\xfe\xba\xbe", 0, "application/java-vm", PROGRAM),
    (b"\0asm", 0, "application/wasm", PROGRAM),
    (b"\x1f\x8b", 0, "application/gzip", ARCHIVE),
    (b"BZh", 0, "application/x-bzip2", ARCHIVE),
    (b"\xfd7zXZ\0", 0, "application/x-xz", ARCHIVE),
    (b"7z\xbc\xaf\x27\x1c", 0, "application/x-7z-compressed", ARCHIVE),
    (b"Rar!\x1a\x07", 0, "application/vnd.rar", ARCHIVE),
    (b"\x28\xb5\x2f\xfd", 0, "application/zstd", ARCHIVE),
    (b"ustar", 257, "application/x-tar", ARCHIVE),
    (b"wOFF", 0, "font/woff", FONT),
    (b"wOF2", 0, "font/woff2", FONT),
    (b"OTTO\0", 0, "font/otf", FONT),
    (b"\0\1\0\0\0", 0, "font/ttf", FONT),
    (b"SQLite format 3\0", 0, "application/vnd.sqlite3", DATABASE),
]
