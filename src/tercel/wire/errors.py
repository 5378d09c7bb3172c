"""What the wire refuses: whose fault it is, which status answers it, and one sentence.

A `WireError` is raised by the sans-I/O layers only; the layers above turn it into an answer
(server) or into an exception of the documented hierarchy (client).
"""

__all__ = ("BadMessage", "TruncatedMessage", "WireError")


class WireError(Exception):
    """A message cannot be read on.

    `status` is the HTTP status that a server answers with, `message` one sentence that says what
    came and what was expected.
    """

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class BadMessage(WireError):
    """The peer's bytes break the grammar or a limit (RFC 9112)."""


class TruncatedMessage(WireError):
    """The peer closed its side before the message was whole (RFC 9112 section 8)."""
