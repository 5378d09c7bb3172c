"""Ranges, entity tags and weighted lists (RFC 9110 sections 8.8.3, 12.4.2, 13.1 and 14).

In: field values. Out: slices, spans of octets, `ETag`s, weights. Work is linear in the value, and
what a value may ask for is bounded. Knows neither files nor answers.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from tercel.wire.dates import parse_http_date

__all__ = (
    "MAX_RANGES",
    "ETag",
    "matches_etag",
    "parse_etags",
    "parse_if_range",
    "parse_range_slice",
    "parse_ranges",
    "parse_weighted",
    "satisfiable_spans",
)

#: Ranges that one request may ask for; more are no use to an honest client (RFC 9110 section 14.2).
MAX_RANGES = 32

_RANGES = re.compile(r"bytes=(.*)", re.IGNORECASE | re.DOTALL)
_RANGE = re.compile(r"(\d{0,19})-(\d{0,19})", re.ASCII)
_ETAG = re.compile(r'(W/)?"([!#-~\x80-\U0010ffff]*)"')
_BETWEEN = re.compile(r"[ \t]*(?:,|$)")
_WEIGHT = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)", re.ASCII)


class ETag(NamedTuple):
    """An entity tag: the opaque text without its quotes, and whether it is weak.

    The value "*" stands for the field value `*`, which matches any tag.
    """

    value: str
    is_weak: bool = False


def parse_range_slice(value: str | None) -> slice:
    """A Range of one span as a slice of octets; None is the whole.

    Raises ValueError for several spans, units other than bytes, and what is no range.
    """
    if value is None:
        return slice(None, None, 1)
    first, last = _parse_span(_strip_unit(value))
    if first is None:
        return slice(-last if last else 0, None, 1)
    return slice(first, None if last is None else last + 1, 1)


def parse_ranges(value: str) -> tuple[tuple[int | None, int | None], ...]:
    """The spans of a Range value as (first, last), both inclusive.

    `(None, n)` is the last n octets, `(n, None)` all from n on. Raises ValueError for other units,
    a malformed span, or more than `MAX_RANGES` of them.
    """
    text = _strip_unit(value)
    if text.count(",") > MAX_RANGES:
        raise ValueError(f"Range holds more than {MAX_RANGES} spans")
    spans = [piece.strip(" \t") for piece in text.split(",")]
    found = tuple(_parse_span(span) for span in spans if span)
    if not found or len(found) > MAX_RANGES:
        raise ValueError(f"Range holds {len(found)} spans, expected 1 to {MAX_RANGES}")
    return found


def _strip_unit(value: str) -> str:
    found = _RANGES.fullmatch(value.strip(" \t"))
    if found is None:
        raise ValueError(f"Range is {value[:100]!r}, expected bytes=first-last")
    return found[1]


def _parse_span(text: str) -> tuple[int | None, int | None]:
    found = _RANGE.fullmatch(text)
    if found is None or text == "-":
        raise ValueError(f"Range span is {text[:100]!r}, expected first-last, first- or -length")
    first, last = (int(digits) if digits else None for digits in found.groups())
    if first is not None and last is not None and first > last:
        raise ValueError(f"Range span is {text!r}: its start is after its end")
    return first, last


def satisfiable_spans(
    spans: Sequence[tuple[int | None, int | None]], size: int
) -> list[tuple[int, int]]:
    """The spans of `parse_ranges` that `size` octets can serve, as (start, end) with end excluded.

    In the order asked for; spans that overlap or touch become one (RFC 9110 section 14.2), so what
    is served is never more than `size`. An empty list means 416.
    """
    merged: list[tuple[int, int]] = []
    for first, last in spans:
        if first is None:
            start, end = size - min(last or 0, size), size
        else:
            start, end = first, size if last is None else min(last + 1, size)
        if start >= end:
            continue
        apart = []
        for other in merged:
            if start <= other[1] and other[0] <= end:
                start, end = min(start, other[0]), max(end, other[1])
            else:
                apart.append(other)
        apart.append((start, end))
        merged = apart
    return merged


def parse_etags(value: str) -> tuple[ETag, ...]:
    """The entity tags of If-Match or If-None-Match; `*` gives `ETag("*")`.

    A value that is no list of tags gives none, so that If-Match fails and If-None-Match holds.
    """
    if value.strip(" \t") == "*":
        return (ETag("*"),)
    tags = []
    position, end = 0, len(value)
    while position < end:
        if value[position] in " \t,":
            position += 1
            continue
        found = _ETAG.match(value, position)
        between = found and _BETWEEN.match(value, found.end())
        if not found or not between or not found[2]:
            return ()
        tags.append(ETag(found[2], found[1] is not None))
        position = between.end()
    return tuple(tags)


def matches_etag(tags: Sequence[ETag], current: ETag, *, strong: bool) -> bool:
    """True if one of `tags` matches `current` by the comparison of RFC 9110 section 8.8.3.2."""
    for tag in tags:
        if tag.value == "*":
            return True
        if tag.value == current.value and not (strong and (tag.is_weak or current.is_weak)):
            return True
    return False


def parse_if_range(value: str | None) -> ETag | datetime | None:
    """The one entity tag or date of If-Range; None where it is absent or neither."""
    if value is None:
        return None
    value = value.strip(" \t")
    found = _ETAG.fullmatch(value)
    if found is not None and found[2]:
        return ETag(found[2], found[1] is not None)
    return parse_http_date(value)


def parse_weighted(value: str) -> list[tuple[str, float]]:
    """The elements of an Accept, Accept-Encoding or Accept-Language value with their weights.

    The heaviest come first, equal ones in the order given; a weight of 0 means "not this". Names
    are in lower case; parameters other than `q` stay with them. An element whose weight is
    malformed is left out.
    """
    found: list[tuple[str, float]] = []
    for element in _split_list(value):
        name, *parameters = (piece.strip(" \t") for piece in element.split(";"))
        weight = 1.0
        kept = [name.lower()]
        for parameter in parameters:
            if parameter[:2] in ("q=", "Q="):
                weight = float(parameter[2:]) if _WEIGHT.fullmatch(parameter[2:]) else -1.0
                break
            kept.append(parameter)
        if name and weight >= 0:
            found.append((";".join(kept), weight))
    found.sort(key=lambda pair: -pair[1])
    return found


def _split_list(value: str) -> list[str]:
    """The elements between commas, but for commas in quoted strings."""
    if '"' not in value:
        return value.split(",")
    elements = []
    start = 0
    quoted = escaped = False
    for position, character in enumerate(value):
        if escaped:
            escaped = False
        elif quoted:
            escaped = character == "\\"
            quoted = character != '"'
        elif character == '"':
            quoted = True
        elif character == ",":
            elements.append(value[start:position])
            start = position + 1
    elements.append(value[start:])
    return elements
