"""INSERTs whose SQL is made once: compiling them anew took longer than running them."""

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import groupby
from typing import Any

from django.db import connection
from django.db.models import Field, Model

Shape = tuple[tuple[type[Model], int], ...]


def insert(*instances: Model) -> None:
    """Inserts new instances, of any models, in one statement. No signals, no expressions.

    Raises IntegrityError. Foreign keys between them hold: they are checked at the commit.
    """
    shape = tuple((model, len([*group])) for model, group in groupby(instances, type))
    with connection.cursor() as cursor:
        cursor.execute(_statement(shape), [*_values(instances)])


@cache
def _statement(shape: Shape) -> str:
    *first, last = (_insert_into(model, rows) for model, rows in shape)
    named = ", ".join(f"i{number} AS ({sql})" for number, sql in enumerate(first))
    return f"WITH {named} {last}" if named else last


def _insert_into(model: type[Model], rows: int) -> str:
    fields = _fields(model)
    columns = ", ".join(f'"{field.column}"' for field in fields)
    row = f"({', '.join(['%s'] * len(fields))})"
    return f'INSERT INTO "{model._meta.db_table}" ({columns}) VALUES {", ".join([row] * rows)}'  # noqa: S608 - names of the model's own


@cache
def _fields(model: type[Model]) -> Sequence["Field[Any, Any]"]:
    return list(model._meta.concrete_fields)


def _values(instances: Iterable[Model]) -> Iterable[Any]:
    for instance in instances:
        for field in _fields(type(instance)):
            yield field.get_db_prep_save(getattr(instance, field.attname), connection)
