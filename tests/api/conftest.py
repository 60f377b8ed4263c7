import pytest

from tests.api import probe


@pytest.fixture(autouse=True)
def nothing_done() -> list[str]:
    """What the probe's views have done in this test."""
    probe.done.clear()
    return probe.done
