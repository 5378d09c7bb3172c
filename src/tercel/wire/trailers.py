"""Fields after a body: which may stand there (RFC 9110 section 6.5.1).

In: names and values of fields. Out: ValueError for those that frame, route or describe a message,
authenticate it, or decide how it is answered: whoever reads them late, or not at all, would take
the message for another.
"""

from collections.abc import Iterable, Mapping

__all__ = ("FORBIDDEN_TRAILERS", "MISPLACED_TRAILERS", "check_trailers")

#: What ends the connection where it is received in a trailer section: it looks like smuggling.
MISPLACED_TRAILERS = frozenset(
    b"content-length transfer-encoding host connection trailer upgrade expect te content-encoding"
    b" content-type content-range authorization proxy-authorization proxy-authenticate"
    b" www-authenticate set-cookie cookie cache-control max-forwards range".split()
)
#: What is never sent in one.
FORBIDDEN_TRAILERS = MISPLACED_TRAILERS | frozenset(
    b"age date expires location retry-after vary warning pragma keep-alive proxy-connection"
    b" if-match if-none-match if-modified-since if-unmodified-since if-range".split()
)


def check_trailers(trailers: Mapping[str, str] | Iterable[str]) -> None:
    """ValueError for a name that is forbidden in a trailer section."""
    for name in trailers:
        if name.lower().encode("utf-8", "surrogateescape") in FORBIDDEN_TRAILERS:
            raise ValueError(f"the field {name} can't be a trailer (RFC 9110 section 6.5.1)")
