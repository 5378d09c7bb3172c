"""Typed keys for what applications, requests and responses carry.

A key compares by identity, so two libraries never collide, and gives a type checker the type of
the value behind it. Documented in web_reference (AppKey, RequestKey, ResponseKey) and web_advanced.
Knows none of the containers it is used with.
"""

import sys
from typing import Generic, TypeVar

__all__ = ("AppKey", "BaseKey", "NotAppKeyWarning", "RequestKey", "ResponseKey")

T = TypeVar("T")


class NotAppKeyWarning(UserWarning):
    """A `str` was used as a key where an `AppKey` is recommended."""


def _calling_module() -> str:
    """The name of the module whose top level is being run, or "<unknown>"."""
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_name == "<module>":
            return str(frame.f_globals.get("__name__", "<unknown>"))
        if frame.f_back is None:
            break
        frame = frame.f_back
    return "<unknown>"


class BaseKey(Generic[T]):
    """A key of its own: equal to itself only, sortable by name.

    `name` helps with debugging and should be the variable's name; the defining module is put
    before it. `t` is the type of the value; leave it out where the variable is annotated.
    """

    __slots__ = ("__orig_class__", "_name", "_t")

    def __init__(self, name: str, t: type[T] | None = None) -> None:
        self._name = f"{_calling_module()}.{name}"
        self._t = t

    def __lt__(self, other: object) -> bool:
        if isinstance(other, BaseKey):
            return self._name < other._name
        return True  # before every plain str, so that mixed keys still sort

    def __repr__(self) -> str:
        kind: object = self._t
        if kind is None:
            # BaseKey[int]("name") sets __orig_class__ once the constructor has returned.
            generic = getattr(self, "__orig_class__", None)
            kind = generic.__args__[0] if generic is not None else None
        if kind is None:
            shown = "<<Unknown>>"
        elif isinstance(kind, type) and not hasattr(kind, "__args__"):
            shown = (
                kind.__qualname__
                if kind.__module__ == "builtins"
                else f"{kind.__module__}.{kind.__qualname__}"
            )
        else:
            shown = repr(kind)
        return f"<{type(self).__name__}({self._name}, type={shown})>"


class AppKey(BaseKey[T]):
    """A key for `web.Application` (web_reference, AppKey)."""

    __slots__ = ()


class RequestKey(BaseKey[T]):
    """A key for `web.Request` (web_reference, RequestKey)."""

    __slots__ = ()


class ResponseKey(BaseKey[T]):
    """A key for `web.StreamResponse` and its kin (web_reference, ResponseKey)."""

    __slots__ = ()
