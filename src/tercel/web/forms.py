"""Forms and structured fields of a request: urlencoded pairs and Forwarded elements.

In: a request, or field values. Out: mappings. Limits hold while reading: octets over the whole
body, fields over the whole form. Multipart forms are read by `uploads`.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from multidict import MultiDict, MultiDictProxy

from tercel.web.errors import HTTPRequestEntityTooLarge, HTTPUnsupportedMediaType

__all__ = ("parse_forwarded", "parse_urlencoded", "read_form")

_FORMS = ("", "application/x-www-form-urlencoded", "multipart/form-data")
_DIGITS = "0123456789abcdefABCDEF"
_ESCAPES = {(a + b).encode(): bytes.fromhex(a + b) for a in _DIGITS for b in _DIGITS}
_FORWARDED_PAIR = re.compile(
    r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)="
    r"(?:\"((?:[^\"\\]|\\.)*)\"|([!#$%&'*+.^_`|~0-9A-Za-z:\[\]-]+))[ \t]*"
)


async def read_form(request: Any) -> MultiDictProxy[Any]:
    """The fields of a `BaseRequest`'s form; empty for a body of another type."""
    content_type = request.content_type if "Content-Type" in request.headers else ""
    if content_type not in _FORMS:
        return MultiDictProxy(MultiDict())
    if content_type == "multipart/form-data":
        from tercel.web.uploads import read_multipart_form

        fields = await read_multipart_form(request)
        return MultiDictProxy(fields)
    body = await request.read()
    if not body:
        return MultiDictProxy(MultiDict())
    limit = request.client_max_fields
    count = body.count(b"&") + 1
    if limit and count > limit:
        raise HTTPRequestEntityTooLarge(
            max_size=limit,
            actual_size=count,
            text=f"the form has {count} fields, {limit} are accepted",
        )
    charset = request.charset or "utf-8"
    try:
        pairs = parse_urlencoded(body.rstrip(), charset)
    except LookupError:
        raise HTTPUnsupportedMediaType(
            text=f"the charset is {charset!r}, which is not known here"
        ) from None
    return MultiDictProxy(MultiDict(pairs))


def parse_urlencoded(data: bytes, charset: str = "utf-8") -> list[tuple[str, str]]:
    """Pairs of an `application/x-www-form-urlencoded` body; fields without `=` have an empty value.

    Octets that are no text in `charset` become replacement characters; LookupError for a charset
    that Python doesn't know.
    """
    text = data.decode(charset, "replace")
    pairs = []
    has_escapes = "%" in text
    for field in text.replace("+", " ").split("&"):
        name, _, value = field.partition("=")
        if has_escapes and "%" in field:
            name = _unescape(name, charset)
            value = _unescape(value, charset)
        if field:
            pairs.append((name, value))
    return pairs


def _unescape(text: str, charset: str) -> str:
    """`text` with its percent escapes replaced; what is no escape stays."""
    first, *rest = text.encode(charset, "replace").split(b"%")
    if not rest:
        return text
    pieces = [first]
    for piece in rest:
        octet = _ESCAPES.get(piece[:2])
        if octet is None:
            pieces.append(b"%" + piece)
        else:
            pieces.append(octet)
            pieces.append(piece[2:])
    return b"".join(pieces).decode(charset, "replace")


def parse_forwarded(lines: Iterable[str]) -> tuple[Mapping[str, str], ...]:
    """The elements of Forwarded fields (RFC 7239 section 4); a malformed element ends its line."""
    elements: list[Mapping[str, str]] = []
    for line in lines:
        position, end = 0, len(line)
        element: dict[str, str] = {}
        elements.append(MappingProxyType(element))
        while position < end:
            found = _FORWARDED_PAIR.match(line, position)
            if found is not None:
                name, quoted, token = found.groups()
                value = token if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
                element[name.lower()] = value
                position = found.end()
            elif line[position] in " \t":
                position += 1
                continue
            if position >= end:
                break
            if line[position] == ",":
                element = {}
                elements.append(MappingProxyType(element))
            elif line[position] != ";":
                comma = line.find(",", position)
                if comma < 0:
                    break
                position = comma
                continue
            position += 1
    return tuple(elements)
