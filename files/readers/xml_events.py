"""XML as a stream of events: no tree, so neither size nor depth costs memory. No entities."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from xml.parsers import expat

from files.readers.passages import Unreadable, damaged

START, END, TEXT = "start", "end", "text"
Event = tuple[str, str, dict[str, str]]  # kind, name or text, attributes


def events(pieces: Iterable[bytes]) -> Iterator[Event]:
    """Names are without their namespace; an attribute of `r:` keeps it, for it may meet another."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    found: list[Event] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if " " in "".join(attributes):
            attributes = {local(key): value for key, value in attributes.items()}
        found.append((START, local(name), attributes))

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda name: found.append((END, local(name), {}))
    parser.CharacterDataHandler = lambda text: found.append((TEXT, text, {}))
    parser.EntityDeclHandler = refuse_entity
    try:
        for piece in pieces:
            parser.Parse(piece)
            yield from found
            found.clear()
        parser.Parse(b"", True)
    except expat.ExpatError:
        raise damaged("its XML is broken") from None
    yield from found


@lru_cache(1_000)
def local(name: str) -> str:
    namespace, _, last = name.rpartition(" ")
    return f"r:{last}" if namespace.endswith("/relationships") and last == "id" else last


def refuse_entity(*declaration: object) -> None:
    raise Unreadable("The file is damaged: it defines XML entities, as no document does.")
