"""Fields that take JSON of their own type and no other: REST framework's would read 1 as "1"."""

import json
from typing import Any, ClassVar

from rest_framework import serializers

LONGEST_METADATA = 16_384  # bytes of JSON


class TextField(serializers.CharField):
    """A string, kept as it is: spaces too."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("trim_whitespace", False)
        super().__init__(**kwargs)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if data is not serializers.empty and data is not None and not isinstance(data, str):
            self.fail("invalid")
        if isinstance(data, str) and not self.allow_blank and not data.strip():
            self.fail("blank")
        return super().run_validation(data)


class BooleanField(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class IntegerField(serializers.IntegerField):
    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return data


class NumberField(serializers.FloatField):
    def to_internal_value(self, data: Any) -> float:
        if not isinstance(data, int | float) or isinstance(data, bool):
            self.fail("invalid")
        try:
            return float(data)
        except OverflowError:
            self.fail("overflow")


class ObjectField(serializers.DictField):
    """A JSON object of at most 16 kB."""

    default_error_messages: ClassVar = {"too_long": "Must be at most 16 kB of JSON."}

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and len(json.dumps(data)) > LONGEST_METADATA:
            self.fail("too_long")  # before REST framework looks at each member
        return super().to_internal_value(data)


class MomentField(serializers.DateTimeField):
    """RFC 3339, or a date alone: its beginning, UTC."""

    def to_internal_value(self, value: Any) -> Any:
        if not isinstance(value, str):
            self.fail("invalid", format="YYYY-MM-DDThh:mm:ssZ")
        return super().to_internal_value(f"{value}T00:00:00Z" if is_day(value) else value)


def is_day(text: str) -> bool:
    return len(text) == len("2025-01-06")
