"""The lease of work that waits for a model is renewed, though the database fails for a moment."""

from threading import Event, Thread

import pytest
from django.db import InterfaceError

from knowledge import leases


def test_a_lost_connection_does_not_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    over, tries = Event(), []

    def renew() -> None:
        tries.append(1)
        if len(tries) == 2:
            over.set()
        raise InterfaceError

    monkeypatch.setattr(leases, "LOOK", 0.01)
    monkeypatch.setattr(leases, "RENEWAL", 0.01)
    renewing = Thread(target=leases.renew_until, args=[over, renew, over.set])
    renewing.start()
    renewing.join()
    assert len(tries) == 2
