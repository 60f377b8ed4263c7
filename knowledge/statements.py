"""A statement of a search: what it may see, what it gives, and how the planner goes about it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

Row = tuple[Any, ...]
Parameters = tuple[Any, ...]


class Statement(NamedTuple):
    """SQL, or a part of it, and what stands for its `%s`."""

    sql: str
    parameters: Parameters = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """Where to look: `sources` is a subquery of source ids, empty for all."""

    audiences: Sequence[UUID]
    chunks: int = 0  # with the filters; 0 is not counted yet
    sources: str = ""
    parameters: Parameters = ()

    def condition(self, table: str) -> Statement:
        sql = f"{table}.audience = ANY (%s::uuid[])"
        if self.sources:
            sql += f" AND {table}.source_id IN ({self.sources})"
        return Statement(sql, (array(self.audiences), *self.parameters))


@dataclass(frozen=True, slots=True)
class Dense:
    """A query as a vector, as PostgreSQL reads it, of one model."""

    model: str
    dimensions: int
    vector: str


@dataclass(frozen=True, slots=True)
class Way:
    """Settings of the planner and of indexes for one statement. With `prepare`, it is planned once
    a connection and not for its parameters."""

    settings: Mapping[str, str]
    prepare: bool = False

    @property
    def there(self) -> str:
        return setting(self.settings)

    @property
    def back(self) -> str:
        return setting(dict.fromkeys(self.settings))


def setting(settings: Mapping[str, str | None]) -> str:
    """Until the end of the transaction; None is the default."""
    calls = [
        f"set_config('{name}', {'NULL' if value is None else repr(value)}, true)"
        for name, value in settings.items()
    ]
    return "SELECT " + ", ".join(calls)


PLANNED_ANEW = Way({})
SHOWN = """
    chunk.id, found.score, chunk.content, chunk.position, chunk.page, chunk.section,
    source.id, source.source_type, source.title, source.filename, source.tags, source.metadata
"""
FOUND = """
    ({ranked}) AS found
    JOIN knowledge_chunk chunk ON chunk.id = found.id
    JOIN knowledge_source source ON source.id = chunk.source_id
"""
IN_ORDER = "ORDER BY found.score DESC, chunk.id"


def run(sql: str, parameters: Parameters = (), way: Way = PLANNED_ANEW) -> list[Row]:
    """The rows. One round trip, and one transaction where there is none yet."""
    with connection.cursor() as wrapper:
        given = wrapper.connection  # psycopg's own
        with connection.wrap_database_errors, given.pipeline():
            if way.settings:
                given.execute(way.there)
            cursor = given.execute(sql, parameters, prepare=way.prepare)
            if way.settings and connection.in_atomic_block:
                given.execute(way.back)
        rows: list[Row] = cursor.fetchall()
        return rows


def array(values: Iterable[object]) -> str:
    """As PostgreSQL reads it: psycopg takes its time over lists."""
    return "{" + ",".join(map(str, values)) + "}"
