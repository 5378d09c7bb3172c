"""The cookies that a response sets: from arguments to morsels, from morsels to Set-Cookie lines.

In: names, values and attributes, or what a handler put into a `SimpleCookie`. Out: one field value
per cookie. Refuses what would end an attribute or a line early: semicolons and control characters.
Imported on first use only, because `http.cookies` is not cheap.
"""

import re
from collections.abc import Mapping
from http.cookies import CookieError, Morsel, SimpleCookie
from typing import Any

__all__ = ("ResponseCookies", "cookie_lines", "make_morsel")

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ENDS_ATTRIBUTE = re.compile(r"[\x00-\x1f\x7f;]")


class _Morsel(Morsel[str]):
    """A morsel that knows `Partitioned` on every Python (http.cookies has it from 3.14 on)."""

    _reserved = {**Morsel._reserved, "partitioned": "Partitioned"}  # type: ignore[attr-defined]
    _flags = {*Morsel._flags, "partitioned"}  # type: ignore[attr-defined]


class ResponseCookies(SimpleCookie):
    """A `SimpleCookie` whose own morsels take every attribute that `set_cookie` documents."""

    def __setitem__(self, key: str, value: "str | Morsel[str]") -> None:
        if isinstance(value, Morsel):
            super().__setitem__(key, value)
            return
        text, coded = self.value_encode(value)
        morsel = self.get(key)
        if morsel is None:
            morsel = _Morsel()
        morsel.set(key, text, coded)
        dict.__setitem__(self, key, morsel)


def make_morsel(name: str, value: Any, attributes: Mapping[str, Any]) -> "Morsel[str]":
    """Build the morsel of one cookie.

    `attributes` maps lower-case attribute names to values; None and False leave one out. Raises
    CookieError for a name that is no token, ValueError for an attribute that can't be sent.
    """
    text, coded = SimpleCookie().value_encode(value)
    morsel = _Morsel()
    morsel.set(name, text, coded)
    if not name:
        raise CookieError("Illegal key ''")
    for key, given in attributes.items():
        if given is None or given is False:
            continue
        if given is not True:
            given = str(given)
            _check_attribute(name, key, given)
        morsel[key] = given
    return morsel


def cookie_lines(cookies: "SimpleCookie") -> tuple[str, ...]:
    """The Set-Cookie values of `cookies`; ValueError where one can't be sent."""
    lines = []
    for name, morsel in cookies.items():
        for key, given in morsel.items():
            if isinstance(given, str) and given:
                _check_attribute(name, key, given)
        line = morsel.OutputString()
        if _CONTROL.search(line):
            raise ValueError(f"Cookie {name!r} holds a control character: {line!r}")
        lines.append(line)
    return tuple(lines)


def _check_attribute(name: str, key: str, given: str) -> None:
    if _ENDS_ATTRIBUTE.search(given):
        raise ValueError(
            f"Attribute {key} of cookie {name!r} can't hold a semicolon or a control character, "
            f"got {given!r}"
        )
