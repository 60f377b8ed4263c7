"""What Django's admin shows beside an object, where there may be very many."""

from typing import Any

from django.forms import BaseInlineFormSet


class LatestRows(BaseInlineFormSet):
    """For an inline that only shows: the first rows in its `ordering`."""

    shown: int  # so many

    def get_queryset(self) -> Any:
        if not hasattr(self, "_queryset"):
            self._queryset = super().get_queryset()[: self.shown]
        return self._queryset
