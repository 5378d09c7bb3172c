"""The HTTP version of a message, as the documentation spells it.

In: nothing. Out: `HttpVersion` and the versions that the wire speaks. Never parses anything.
"""

from typing import NamedTuple

__all__ = ("HttpVersion", "HttpVersion10", "HttpVersion11")


class HttpVersion(NamedTuple):
    """Major and minor number of an HTTP version (RFC 9110 section 2.5)."""

    major: int
    minor: int


HttpVersion10 = HttpVersion(1, 0)
HttpVersion11 = HttpVersion(1, 1)
