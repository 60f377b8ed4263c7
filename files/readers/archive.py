"""Documents that are ZIP archives, read within bounds whatever their headers say."""

import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from lzma import LZMAError
from typing import BinaryIO
from urllib.parse import unquote

from files.readers.passages import Unreadable, damaged
from files.readers.xml_events import START, events

PIECE = 2**16  # bytes
MOST_MEMBERS = 20_000
LARGEST = 2**30  # bytes, unpacked: as the headers say, and as really read
SUSPICIOUS = 100 * 2**20  # from here on the ratio counts
LARGEST_RATIO = 200  # XML packs to a tenth, sheets of one value to a hundredth
LARGEST_PART = 256 * 2**20  # of what is read as a whole
BOMB = "It unpacks to far more than a document holds: it looks like a zip bomb."
BROKEN = (zipfile.BadZipFile, zlib.error, LZMAError, EOFError, OSError, ValueError)


class Archive:
    def __init__(self, file: BinaryIO) -> None:
        try:
            self.zip = zipfile.ZipFile(file)
        except (*BROKEN, NotImplementedError):
            raise damaged("it is not a whole document") from None
        self.names = set(self.zip.namelist())
        self.left = LARGEST
        self.refuse_bombs()

    def refuse_bombs(self) -> None:
        members = self.zip.infolist()
        unpacked = sum(member.file_size for member in members)
        packed = sum(member.compress_size for member in members) or 1
        is_suspicious = unpacked > SUSPICIOUS and unpacked / packed > LARGEST_RATIO
        if len(members) > MOST_MEMBERS or unpacked > LARGEST or is_suspicious:
            raise Unreadable(BOMB)

    def pieces(self, name: str) -> Iterator[bytes]:
        """A member's bytes, unpacked. All reading of the archive together has one bound."""
        try:
            with self.zip.open(name) as member:
                while data := member.read(PIECE):
                    self.left -= len(data)
                    if self.left < 0:
                        raise Unreadable(BOMB)
                    yield data
        except KeyError:
            raise damaged("parts of it are missing") from None
        except (*BROKEN, NotImplementedError):
            raise damaged("parts of it cannot be unpacked") from None
        except RuntimeError:  # zipfile's word for encrypted
            raise Unreadable("The document is password-protected.") from None

    def read(self, name: str) -> bytes:
        found = bytearray()
        for data in self.pieces(name):
            found += data
            if len(found) > LARGEST_PART:
                raise Unreadable(BOMB)
        return bytes(found)

    def related(self, part: str) -> dict[str, tuple[str, str]]:
        """What an Office part refers to within the archive: {id: (kind, name)}."""
        folder, name = posixpath.split(part)
        path = posixpath.join(folder, "_rels", f"{name}.rels")
        if path not in self.names:
            return {}
        return {
            attributes.get("Id", ""): (
                attributes.get("Type", "").rpartition("/")[2],
                resolved(folder, attributes.get("Target", "")),
            )
            for kind, name, attributes in events(self.pieces(path))
            if kind == START and name == "Relationship"
        }

    def related_of_kind(self, part: str, wanted: str) -> list[str]:
        found = [name for kind, name in self.related(part).values() if kind == wanted]
        return [name for name in found if name in self.names]

    def main_part(self, usual: str) -> str:
        """The part an Office document begins with."""
        found = self.related_of_kind("", "officeDocument")
        name = found[0] if found else usual
        if name not in self.names:
            raise damaged("its main part is missing")
        return name


def resolved(folder: str, target: str) -> str:
    """A name in the archive from a relative reference in it."""
    path = posixpath.join("/", folder, unquote(target.partition("#")[0]))
    return posixpath.normpath(path).lstrip("/")
