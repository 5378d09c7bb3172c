"""The Link field (RFC 8288 section 3), read in linear time.

In: a field value, or several joined by commas. Out: targets as sent, unresolved, and their
parameters with names in lower case. What is malformed ends with the link it is in.
"""

import re

from tercel.wire.media import parse_parameters

__all__ = ("parse_links",)

_TARGET = re.compile(r"<([^<>]*)>")


def parse_links(value: str) -> list[tuple[str, dict[str, str]]]:
    """The links of `value`: target and parameters; of two parameters of one name the first counts.

    Only what begins with a target in angle brackets is a link.
    """
    links = []
    position, end = 0, len(value)
    while position < end:
        if value[position] in " \t,":
            position += 1
            continue
        found = _TARGET.match(value, position)
        stop = _find_end(value, position if found is None else found.end(), end)
        if found is not None:
            rest = value[found.end() : stop].lstrip(" \t")
            if not rest or rest[0] == ";":
                links.append((found[1].strip(), parse_parameters(rest[1:])))
        position = stop + 1
    return links


def _find_end(value: str, position: int, end: int) -> int:
    """The place of the comma that ends a link, or `end`; commas in quoted strings don't count."""
    quoted = False
    while position < end:
        character = value[position]
        if quoted:
            if character == "\\":
                position += 1
            elif character == '"':
                quoted = False
        elif character == '"':
            quoted = True
        elif character == ",":
            return position
        position += 1
    return end
