"""What stops a start. The message is one line that a person can act on."""


class StartFailed(Exception):
    """An embedded server, or the whole stack, cannot start; str() says why in one line."""
