"""Character classes of RFC 9110 as tables, and the checks that encoding relies on.

In: bytes or str. Out: positions, claims. Never raises for what comes from a peer: the callers know
which sentence fits. `KIND[octet]` is a set of the flags below.
"""

__all__ = (
    "DIGIT",
    "HEX",
    "HOST",
    "KIND",
    "TARGET",
    "TCHAR",
    "TELLING",
    "VALUE",
    "is_field_text",
    "is_token",
)

TCHAR = 1  # RFC 9110 section 5.6.2
VALUE = 2  # field-vchar, SP and HTAB: RFC 9110 section 5.5
TARGET = 4  # what may stand in a request target, and the octets over 127 that browsers send raw
DIGIT = 8
HEX = 16
HOST = 32  # what a host name or IPv4 address consists of (RFC 3986 section 3.2.2, without escapes)
TELLING = 64  # what the names of fields begin with that decide about framing or the connection


def _kind(octet: int) -> int:
    kind = 0
    if chr(octet) in "!#$%&'*+-.^_`|~" or (octet < 128 and chr(octet).isalnum()):
        kind |= TCHAR
    if octet in (0x09, 0x20) or 0x21 <= octet <= 0x7E or octet >= 0x80:
        kind |= VALUE
    if 0x21 <= octet <= 0x7E and octet != 0x23 or octet >= 0x80:
        kind |= TARGET
    if 0x30 <= octet <= 0x39:
        kind |= DIGIT
    if chr(octet) in "0123456789abcdefABCDEF":
        kind |= HEX
    if chr(octet) in "-._~" or (octet < 128 and chr(octet).isalnum()):
        kind |= HOST
    if chr(octet) in "hHcCtTuUeE":
        kind |= TELLING
    return kind


KIND = bytes(map(_kind, range(256)))

_TOKEN = bytes(octet for octet in range(256) if KIND[octet] & TCHAR)
_TEXT = bytes(octet for octet in range(256) if KIND[octet] & VALUE)


def is_token(data: bytes) -> bool:
    """True if `data` is a token: at least one octet, all of them tchar."""
    return bool(data) and not data.translate(None, _TOKEN)


def is_field_text(data: bytes) -> bool:
    """True if `data` holds no control characters but HTAB: safe as a field value or a reason."""
    return not data.translate(None, _TEXT)
