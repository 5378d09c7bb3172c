"""What reading a request's body raises where the body can't be had.

In: what the wire says of the octets. Out: the documented exceptions. Never a connection that is
gone: that is a ConnectionResetError.
"""

from tercel.wire.errors import WireError

__all__ = ("PayloadAccessError", "RequestPayloadError", "bad_payload")


class PayloadAccessError(Exception):
    """The body of a request can't be reached."""


class RequestPayloadError(Exception):
    """The body of a request breaks the rules of its framing (migration_to_2xx).

    `status` is the answer that such a request gets unless the handler gives its own, 400 by
    default; `message` is the sentence that says what is wrong.
    """

    status = 400

    @property
    def message(self) -> str:
        """One sentence: what came and what was expected."""
        return str(self.args[0]) if self.args else ""


def bad_payload(error: WireError) -> RequestPayloadError:
    """The error for a handler that reads a body in which the wire found `error`."""
    made = RequestPayloadError(error.message)
    made.status = error.status
    made.__cause__ = error
    return made
