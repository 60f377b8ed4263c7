"""Text from files: what a file is, by its content, and what it says, read by a process of its own.

`detect` and `extract` are the doors. files.readers is what runs in the other process.
"""

from files.extraction.detection import PACKED, UnsupportedType, detect
from files.extraction.running import ExtractionFailed, extract

__all__ = ["PACKED", "ExtractionFailed", "UnsupportedType", "detect", "extract"]
