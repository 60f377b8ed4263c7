"""Logs through structlog: JSON by the line, readable on a terminal, and no secret in either."""

import re
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError
from redis.exceptions import RedisError
from structlog.types import EventDict, Processor

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
FORMATS = ("json", "text", "auto")
PLAIN = (str, int, float, type(None))
SECRETS = re.compile(r"(cb_live_|whsec_|sk-|Bearer )[\w+/=.-]{8,}")
TYPE = re.compile(r"\w+(?=\()")
# Whose texts name hosts and files, never what a user sent. Of all others only the type is told.
QUOTABLE = (OSError, OperationalError, RedisError, ImproperlyConfigured)


def configuration(level: str, output: str) -> dict[str, Any]:
    """Django's LOGGING. `output`: json, text, or auto (text on a terminal)."""
    as_text = is_text(output)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": formatter, "as_text": as_text}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": level, "propagate": True},
            # Our own access line says it already.
            "django.request": {"level": "ERROR"},
            "daphne": {"level": "WARNING"},
            "uvicorn.access": {"level": "WARNING"},
            "httpx": {"level": "WARNING"},
            "httpx2": {"level": "WARNING"},
            "openai": {"level": "WARNING"},
            # It tells of every task four times.
            "celery": {"level": "WARNING"},
        },
    }


def is_text(output: str) -> bool:
    return output == "text" or (output == "auto" and sys.stderr.isatty())


def access_logger(level: str, output: str) -> Any:
    """Straight to stderr: the way through `logging` costs as much as a query, on every request."""
    return structlog.wrap_logger(
        structlog.WriteLogger(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            hide_secrets,
            *renderers(is_text(output)),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )


def shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def renderers(as_text: bool) -> list[Processor]:
    if as_text:
        return [escape_controls, structlog.dev.ConsoleRenderer()]
    return [structlog.processors.JSONRenderer()]


def formatter(as_text: bool) -> structlog.stdlib.ProcessorFormatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            hide_exception_texts,
            *shared(),
            structlog.stdlib.ExtraAdder(),
            plain_extras,
        ],
        pass_foreign_args=True,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            explain_exception,
            hide_secrets,
            *renderers(as_text),
        ],
    )


def hide_exception_texts(logger: Any, name: str, event: EventDict) -> EventDict:
    """Where a message quotes an exception, only its type: Celery's do, as an argument `exc`."""
    given = event.pop("positional_args", ())
    if isinstance(given, dict) and "exc" in given:
        hidden = {"exc": type_named(given["exc"]), "traceback": "", "args": "", "kwargs": ""}
        event["event"] = event["_record"].msg % {**given, **hidden}
    elif isinstance(given, tuple) and any(isinstance(each, BaseException) for each in given):
        event["event"] = event["_record"].msg % tuple(map(quotable, given))
    return event


def type_named(text: str) -> str:
    """The type in an exception's repr."""
    found = TYPE.match(text)
    return found[0] if found else "an exception"


def quotable(value: Any) -> Any:
    hidden = isinstance(value, BaseException) and not isinstance(value, QUOTABLE)
    return type(value).__qualname__ if hidden else value


def plain_extras(logger: Any, name: str, event: EventDict) -> EventDict:
    """Of `extra={...}` the plain values: Django puts requests there, whose texts hold queries."""
    return {
        field: value
        for field, value in event.items()
        if field.startswith("_") or field == "exc_info" or isinstance(value, PLAIN)
    }


def explain_exception(logger: Any, name: str, event: EventDict) -> EventDict:
    """`exc_info` as a list of frames: where, and of which type, but not what a user's data said."""
    error = event.pop("exc_info", None)
    if isinstance(error, tuple):
        error = error[1]
    elif error is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        event["exception"] = "\n".join(described(error))
    return event


def described(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
    quoted = f": {error}" if isinstance(error, QUOTABLE) else ""
    lines.append(f"{type(error).__module__}.{type(error).__qualname__}{quoted}")
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return [*described(cause), "-- then", *lines] if cause else lines


def escape_controls(logger: Any, name: str, event: EventDict) -> EventDict:
    """For terminals: what a request holds must not write lines of its own, nor move the cursor."""
    for field, value in event.items():
        if isinstance(value, str) and not value.isprintable() and field != "exception":
            event[field] = "".join(c if c.isprintable() else repr(c)[1:-1] for c in value)
    return event


def hide_secrets(logger: Any, name: str, event: EventDict) -> MutableMapping[str, Any]:
    """A second net: what looks like a key is cut, wherever it came from."""
    for field, value in event.items():
        if isinstance(value, str) and SECRETS.search(value):
            event[field] = SECRETS.sub(r"\1...", value)
    return event
