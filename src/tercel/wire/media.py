"""Media types and their parameters (RFC 9110 sections 5.6.6 and 8.3), read in linear time.

In: a Content-Type value. Out: the type in lower case and its parameters; what is malformed is left
out, for a type that can't be read means unknown octets, not a broken message.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

__all__ = ("parse_content_type", "parse_parameters", "quote_parameter")

_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


@lru_cache(maxsize=256)
def parse_content_type(value: str) -> tuple[str, Mapping[str, str]]:
    """Type and parameters of a Content-Type value, names in lower case.

    What is no type/subtype of two tokens counts as "application/octet-stream".
    """
    kind, _, rest = value.partition(";")
    kind = kind.strip(" \t").lower()
    main, slash, sub = kind.partition("/")
    if not slash or not is_token(main) or not is_token(sub):
        kind = "application/octet-stream"
    return kind, MappingProxyType(parse_parameters(rest))


def is_token(text: str) -> bool:
    """True if `text` is a token (RFC 9110 section 5.6.2)."""
    return bool(text) and _TOKEN.issuperset(text)


def parse_parameters(text: str) -> dict[str, str]:
    """`name=value` pairs separated by semicolons; of two of one name the first counts."""
    found: dict[str, str] = {}
    position, end = 0, len(text)
    while position < end:
        mark = position
        while mark < end and text[mark] not in "=;":
            mark += 1
        name = text[position:mark].strip(" \t").lower()
        if mark >= end or text[mark] == ";":
            position = mark + 1
            continue
        value, position = _take_value(text, mark + 1, end)
        if is_token(name) and value is not None:
            found.setdefault(name, value)
    return found


def _take_value(text: str, position: int, end: int) -> tuple[str | None, int]:
    """The token or quoted string at `position`, and the place after the semicolon that ends it."""
    while position < end and text[position] in " \t":
        position += 1
    if position < end and text[position] == '"':
        pieces = []
        position += 1
        start = position
        while position < end and text[position] != '"':
            if text[position] == "\\" and position + 1 < end:
                pieces.append(text[start:position])
                position += 1
                start = position
            position += 1
        pieces.append(text[start:position])
        following = text.find(";", position)
        closed = position < end
        return ("".join(pieces) if closed else None), (end if following < 0 else following + 1)
    following = text.find(";", position)
    if following < 0:
        following = end
    return text[position:following].strip(" \t"), following + 1


def quote_parameter(value: str) -> str:
    """`value` as it stands after `name=`: a token as it is, anything else as a quoted string."""
    if is_token(value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
