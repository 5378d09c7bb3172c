"""Every limit of the wire: its name, its unit and its reason.

The first three carry the documented names and defaults of the server and client constructors;
the others bound what those three leave open.
"""

from dataclasses import dataclass

__all__ = ("DEFAULT_LIMITS", "FREE_INFLATION", "MAX_INFLATION", "Limits")

#: Octets that a body may always have once it is decoded: bodies of this size fit anywhere.
FREE_INFLATION = 2**26
#: How many times larger than it came a decoded body may grow beyond that: text seldom shrinks to
#: less than a hundredth, and a bomb wants thousands.
MAX_INFLATION = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """Ceilings for one message; going above one is refused, never truncated."""

    #: Octets of a request or status line, and of a chunk-size line, without its CRLF.
    max_line_size: int = 8190
    #: Octets of one field line, name and value, without its CRLF.
    max_field_size: int = 8190
    #: Field lines in a head, and again in a trailer section.
    max_headers: int = 128
    #: Octets of a whole head or trailer section: many fields below their limit still add up.
    max_head_size: int = 262_144
    #: Octets of chunk extensions in one message: each is read and thrown away, so a body may
    #: not consist of them.
    max_chunk_extensions: int = 16_384
    #: Empty lines skipped before a request line (RFC 9112 section 2.2).
    max_leading_lines: int = 8
    #: Digits of a Content-Length: more than 2**63 - 1 has no meaning for anyone.
    max_length_digits: int = 19
    #: Hex digits of a chunk size: 2**60 - 1 octets at most, so that sizes fit a C integer.
    max_chunk_digits: int = 15


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class MultipartLimits:
    """Ceilings for one multipart body; its reader decides how many parts and octets it may have."""

    #: Characters of a boundary (RFC 2046 section 5.1.1): each may be compared at every line.
    max_boundary: int = 70
    #: Octets before the first delimiter, which nobody reads.
    max_preamble: int = 65_536
    #: Spaces between a delimiter and the end of its line; they have no meaning.
    max_padding: int = 256
    #: Octets of one field line of a part's head, without its CRLF.
    max_field_size: int = 8190
    #: Field lines in a part's head.
    max_headers: int = 128
    #: Octets of a part's head: it is held until it is whole.
    max_head_size: int = 65_536
    #: Multipart bodies within parts of multipart bodies: a few of them are known in mail.
    max_depth: int = 16


DEFAULT_MULTIPART_LIMITS = MultipartLimits()
