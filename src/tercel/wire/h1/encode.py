"""Heads and chunks of HTTP/1.1 as bytes, for both roles.

In: status, method, target, fields as str. Out: bytes ready for the wire. `ValueError` for whatever
would let a caller's data end a line early (RFC 9112 section 11.1); nothing is ever escaped or
repaired.
"""

from collections.abc import Iterable
from http import HTTPStatus

from tercel.wire.octets import KIND, VALUE, is_field_text, is_token

__all__ = (
    "LAST_CHUNK",
    "encode_chunk",
    "encode_common_fields",
    "encode_fields",
    "encode_last_chunk",
    "encode_request_head",
    "encode_response_head",
    "encode_status_line",
)

_KIND = KIND
_VALUE = VALUE

LAST_CHUNK = b"0\r\n\r\n"

_REASONS: dict[int, str] = {status.value: status.phrase for status in HTTPStatus}
_STATUS_LINES: dict[int, bytes] = {
    code: f"HTTP/1.1 {code} {phrase}\r\n".encode() for code, phrase in _REASONS.items()
}
#: Field names checked once, with the colon that follows them.
_NAMES: dict[str, bytes] = {}
_MAX_NAMES = 1024
#: For the same names: 1 for Content-Type, 2 for those that an answer's framing leaves to us.
_ROLES: dict[str, int] = {}
_OWN = frozenset(("connection", "content-length", "date", "server", "transfer-encoding"))


def encode_status_line(status: int, reason: str) -> bytes:
    """The status line with its CRLF; `status` from 100 to 999."""
    if reason == _REASONS.get(status):
        return _STATUS_LINES[status]
    text = reason.encode("utf-8", "surrogateescape")
    if not is_field_text(text):
        raise ValueError(
            f"the reason phrase is {reason!r}, expected text without control characters"
        )
    if status < 100 or status > 999:
        raise ValueError(f"the status is {status}, expected 100 to 999")
    return b"HTTP/1.1 %d %b\r\n" % (status, text)


def _encode_name(name: str) -> bytes:
    text = name.encode("utf-8", "surrogateescape")
    if not is_token(text):
        raise ValueError(f"the field name is {name!r}, expected a token (RFC 9110 section 5.6.2)")
    text += b": "
    if len(_NAMES) < _MAX_NAMES:
        _NAMES[str(name)] = text
        low = name.lower()
        _ROLES[str(name)] = 1 if low == "content-type" else 2 if low in _OWN else 0
    return text


def encode_fields(fields: Iterable[tuple[str, str]]) -> bytes:
    """Field lines, each with its CRLF, in the order given."""
    parts = []
    for name, value in fields:
        text = _NAMES.get(name)
        if text is None:
            text = _encode_name(name)
        parts.append(text)
        if type(value) is str:
            encoded = _encode_text(value)
        elif isinstance(value, str):
            encoded = value.encode("utf-8", "surrogateescape")
        else:
            raise TypeError(f"the value of {name} is {value!r}, expected a str")
        if not _is_clean(encoded):
            raise ValueError(
                f"the value of {name} is {value!r}, expected text without control characters"
            )
        parts.append(encoded)
        parts.append(b"\r\n")
    return b"".join(parts)


def encode_common_fields(fields: Iterable[tuple[str, str]]) -> bytes | None:
    """`encode_fields` for an answer with a Content-Type and no field of `_OWN`; None for others.

    None too for names that are not known yet, whose first use is left to `encode_fields`.
    """
    parts = []
    has_type = False
    for name, value in fields:
        role = _ROLES.get(name)
        if role is None or role == 2 or type(value) is not str:
            return None
        if role == 1:
            has_type = True
        encoded = _encode_text(value)
        if not _is_clean(encoded):
            return None
        parts.append(_NAMES[name])
        parts.append(encoded)
        parts.append(b"\r\n")
    return b"".join(parts) if has_type else None


def _encode_text(text: str) -> bytes:
    return text.encode() if text.isascii() else text.encode("utf-8", "surrogateescape")


def _is_clean(data: bytes) -> bool:
    """True if every octet may stand in a field value."""
    p = data
    kind = _KIND
    end = len(data)
    i = 0
    while i < end and kind[p[i]] & _VALUE:
        i += 1
    return i == end


def encode_response_head(status: int, reason: str, fields: Iterable[tuple[str, str]]) -> bytes:
    """A whole response head, empty line included."""
    return encode_status_line(status, reason) + encode_fields(fields) + b"\r\n"


def encode_request_head(method: str, target: str, fields: Iterable[tuple[str, str]]) -> bytes:
    """A whole request head, empty line included; `target` in the form that the wire needs."""
    verb = method.encode("utf-8", "surrogateescape")
    if not is_token(verb):
        raise ValueError(f"the method is {method!r}, expected a token (RFC 9110 section 9.1)")
    place = target.encode("utf-8", "surrogateescape")
    if not place or not is_field_text(place) or b" " in place or b"\t" in place:
        raise ValueError(f"the target is {target!r}, expected text without white space")
    return b"%b %b HTTP/1.1\r\n%b\r\n" % (verb, place, encode_fields(fields))


def encode_chunk(data: bytes | bytearray | memoryview) -> bytes:
    """One chunk; `data` must not be empty, for that would end the body."""
    size = data.nbytes if isinstance(data, memoryview) else len(data)
    return b"".join((b"%x\r\n" % size, data, b"\r\n"))


def encode_last_chunk(trailers: Iterable[tuple[str, str]] = ()) -> bytes:
    """The chunk that ends a body, with its trailer section."""
    return b"0\r\n%b\r\n" % encode_fields(trailers)
