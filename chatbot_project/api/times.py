"""Times as the API writes them: RFC 3339 in UTC, to the second."""

from datetime import UTC, datetime

FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(FORMAT)
