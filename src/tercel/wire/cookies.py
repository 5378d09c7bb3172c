"""Cookie and Set-Cookie field values (RFC 6265bis), read in linear time.

In: a field value. Out: pairs; a `Morsel`; a moment in seconds since 1970. What the grammar of the
RFC leaves out is left out here, without a word in the log. Knows no clock, no jar and no host.
`http.cookies` is imported when the first Set-Cookie is read.
"""

import re
from calendar import timegm
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from http.cookies import Morsel

__all__ = (
    "MAX_ATTRIBUTES",
    "MAX_ATTRIBUTE_VALUE",
    "MAX_PAIR",
    "parse_cookie_date",
    "parse_cookie_header",
    "parse_set_cookie",
    "unquote_value",
)

#: Octets of a cookie's name and value, attributes of one field, octets of an attribute's value:
#: what goes beyond is ignored (RFC 6265bis section 5.6; client_reference, "CookieJar").
MAX_PAIR = 4096
MAX_ATTRIBUTES = 32
MAX_ATTRIBUTE_VALUE = 1024

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_ESCAPE = re.compile(r"\\(?:([0-3][0-7][0-7])|(.))")
_FLAGS = frozenset(("secure", "httponly", "partitioned"))
_TEXTS = frozenset(("expires", "path", "comment", "domain", "max-age", "version", "samesite"))

_DATE_DELIMITERS = re.compile(r"[\t\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")
_TIME = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})(?!\d)", re.ASCII)
_DAY = re.compile(r"(\d{1,2})(?!\d)", re.ASCII)
_YEAR = re.compile(r"(\d{2,4})(?!\d)", re.ASCII)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def parse_cookie_header(value: str) -> list[tuple[str, str]]:
    """The (name, value) pairs of a Cookie field, in the order sent.

    Pairs end at every semicolon, quoted or not, so that no cookie can swallow the next. A value in
    quotes is unquoted. What has no name is left out.
    """
    pairs = []
    for piece in value.split(";"):
        name, equals, text = piece.partition("=")
        name = name.strip(" \t")
        if equals and name:
            text = text.strip(" \t")
            pairs.append((name, unquote_value(text) if text[:1] == '"' else text))
    return pairs


def unquote_value(text: str) -> str:
    r"""`text` without its quotes and escapes (`\"`, `\\`, `\073`), as `http.cookies` writes them.

    A text that is not in quotes stays as it is.
    """
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    text = text[1:-1]
    return _ESCAPE.sub(_unescape, text) if "\\" in text else text


def _unescape(found: re.Match[str]) -> str:
    octal, character = found.groups()
    return character if octal is None else chr(int(octal, 8))


def parse_set_cookie(line: str) -> "Morsel[str] | None":
    """The cookie of a Set-Cookie field as a Morsel; None where there is none to keep.

    `coded_value` is the value as sent, `value` the same unquoted; flags are True, other attributes
    text; unknown ones are left out, and of two of one name the last counts. A cookie without name,
    with control characters, or beyond the limits above is none.
    """
    if _CONTROL.search(line):
        return None
    pair, _, rest = line.partition(";")
    name, equals, coded = pair.partition("=")
    name, coded = name.strip(" \t"), coded.strip(" \t")
    if not equals or not name or _octets(name) + _octets(coded) > MAX_PAIR:
        return None
    attributes: dict[str, Any] = {}
    if rest:
        for piece in rest.split(";", MAX_ATTRIBUTES)[:MAX_ATTRIBUTES]:
            key, _, text = piece.partition("=")
            key = key.strip(" \t").lower()
            if key in _FLAGS:
                attributes[key] = True
            elif key in _TEXTS:
                text = text.strip(" \t")
                if _octets(text) <= MAX_ATTRIBUTE_VALUE:
                    attributes[key] = unquote_value(text)
    from tercel.wire.morsels import make_morsel

    return make_morsel(name, unquote_value(coded), coded, attributes)


def _octets(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogateescape"))


def parse_cookie_date(value: str) -> int | None:
    """The moment an Expires attribute names, in seconds since 1970; None where it names none.

    By the forgiving algorithm of RFC 6265bis section 5.1.1: tokens in any order, the first of a
    kind counts.
    """
    clock: tuple[int, int, int] | None = None
    day = month = year = None
    for token in _DATE_DELIMITERS.split(value[:MAX_ATTRIBUTE_VALUE]):
        if clock is None and (found := _TIME.match(token)) is not None:
            clock = (int(found[1]), int(found[2]), int(found[3]))
        elif day is None and (found := _DAY.match(token)) is not None:
            day = int(found[1])
        elif month is None and token[:3].lower() in _MONTHS:
            month = _MONTHS.index(token[:3].lower()) + 1
        elif year is None and (found := _YEAR.match(token)) is not None:
            year = int(found[1])
    if clock is None or day is None or month is None or year is None:
        return None
    if year < 100:
        year += 1900 if year >= 70 else 2000
    hour, minute, second = clock
    if year < 1601 or not 1 <= day <= _days_of(month, year):
        return None
    if hour > 23 or minute > 59 or second > 59:
        return None
    return timegm((year, month, day, hour, minute, second))


def _days_of(month: int, year: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31
