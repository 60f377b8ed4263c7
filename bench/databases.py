"""Databases of a benchmark's data folder, filled once and kept."""

from collections.abc import Callable
from typing import Any

from django.core.management import call_command
from django.db import connection

FIRST = connection.settings_dict["NAME"]


def use(name: str, fill: Callable[[], None]) -> None:
    """From here on, this database; `fill` makes it what it is, the first time."""
    go_to(FIRST)
    if not ask("SELECT FROM pg_database WHERE datname = %s", [name]):
        make(name, fill)
    go_to(name)


def make(name: str, fill: Callable[[], None]) -> None:
    """It has its name from when it is complete."""
    unfinished = f"{name}_unfinished"
    ask(f"DROP DATABASE IF EXISTS {unfinished}")
    ask(f"CREATE DATABASE {unfinished}")
    go_to(unfinished)
    call_command("migrate", verbosity=0)
    fill()
    go_to(FIRST)
    ask(f"ALTER DATABASE {unfinished} RENAME TO {name}")


def go_to(name: str) -> None:
    leave()
    connection.settings_dict["NAME"] = name


def leave() -> None:
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]


def ask(sql: str, parameters: Any = ()) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description is not None else []
