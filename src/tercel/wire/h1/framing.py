"""Where a message ends: Content-Length, Transfer-Encoding and the target forms, read strictly.

In: field values as bytes, targets as str. Out: facts, or `BadMessage` with one sentence. A value
that two readers could read differently is refused (RFC 9112 sections 3 and 6). Never touches a
buffer.
"""

from tercel.wire.errors import BadMessage

__all__ = (
    "list_tokens",
    "read_coding",
    "read_host",
    "read_length",
    "split_target",
)

_DIGITS = b"0123456789"
_HOST_OCTETS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%!$&'()*+,;="
_ADDRESS_OCTETS = b"0123456789abcdefABCDEF:."
_HIGHEST_LENGTH = 2**63 - 1


def list_tokens(value: bytes) -> list[bytes]:
    """The elements of a comma-separated list, lower case, without empty ones (RFC 9110 section
    5.6.1).
    """
    return [item for part in value.lower().split(b",") if (item := part.strip(b" \t"))]


def read_length(value: bytes, max_digits: int) -> int:
    """The number of octets that a Content-Length value states (RFC 9110 section 8.6)."""
    if not value or not value.isdigit():
        raise BadMessage(f"Content-Length is {value[:40]!r}, expected digits only")
    if len(value) > max_digits:
        raise BadMessage(f"Content-Length has {len(value)} digits, expected {max_digits} at most")
    length = int(value)
    if length > _HIGHEST_LENGTH:
        raise BadMessage(f"Content-Length is {length}, expected less than 2**63")
    return length


def read_coding(value: bytes, is_http10: bool) -> None:
    """Check that a Transfer-Encoding value is exactly `chunked` (RFC 9112 sections 6.1 and 7)."""
    codings = list_tokens(value)
    if is_http10:
        raise BadMessage("Transfer-Encoding came with HTTP/1.0, which does not know it")
    if codings == [b"chunked"]:
        return
    shown = value[:60]
    if not codings or codings[-1] != b"chunked" or codings.count(b"chunked") > 1:
        raise BadMessage(f"Transfer-Encoding is {shown!r}, expected 'chunked' once and last")
    raise BadMessage(f"Transfer-Encoding is {shown!r}, only 'chunked' is understood", 501)


def read_host(value: bytes) -> None:
    """Check a Host value: a name, IPv4 or bracketed IPv6 address, and maybe a port (RFC 9110
    section 7.2).
    """
    if not value:
        return
    if value.startswith(b"["):
        address, bracket, rest = value[1:].partition(b"]")
        well_formed = bool(bracket and b":" in address) and not address.translate(
            None, _ADDRESS_OCTETS
        )
        if rest and not rest.startswith(b":"):
            well_formed = False
        port = rest[1:]
    else:
        name, _, port = value.partition(b":")
        well_formed = bool(name) and not name.translate(None, _HOST_OCTETS)
    if not well_formed or port.translate(None, _DIGITS) or len(port) > 5 or int(port or 0) > 65535:
        raise BadMessage(f"Host is {value[:80]!r}, expected a host name and maybe a port")


def split_target(method: str, target: str) -> tuple[str, str, str, str]:
    """Scheme, authority, path and query of a request target that is not plain origin form.

    The forms of RFC 9112 section 3.2: absolute, authority with CONNECT only, `*` with OPTIONS only.
    """
    if method == "CONNECT":
        read_host(target.encode("utf-8", "surrogateescape"))
        host, _, port = target.rpartition(":")
        if not host or not port:
            raise BadMessage(f"the target of CONNECT is {target[:80]!r}, expected host:port")
        return "", target, "", ""
    if target == "*" and method == "OPTIONS":
        return "", "", "*", ""
    scheme, colon, rest = target.partition("://")
    if not colon or scheme.lower() not in ("http", "https"):
        raise BadMessage(
            f"the request target is {target[:80]!r}, expected a path or an http or https URL"
        )
    cut = len(rest)
    for mark in "/?":
        found = rest.find(mark)
        if 0 <= found < cut:
            cut = found
    authority = rest[:cut]
    if not authority or "@" in authority:
        raise BadMessage(
            f"the request target is {target[:80]!r}, expected a host without user name"
        )
    read_host(authority.encode("utf-8", "surrogateescape"))
    path, _, query = rest[cut:].partition("?")
    return scheme.lower(), authority, path or "/", query
