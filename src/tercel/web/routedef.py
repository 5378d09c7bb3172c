"""Route definitions: routes that are not registered yet (web_reference, RouteDef).

In: the functions `get`, `post`, ... and the decorators of `RouteTableDef`. Out: definitions, which
`UrlDispatcher.add_routes` registers.
"""

import abc
import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from tercel.web.routes import AbstractRoute

if TYPE_CHECKING:
    from tercel.web.dispatcher import UrlDispatcher

__all__ = (
    "AbstractRouteDef",
    "RouteDef",
    "RouteTableDef",
    "StaticDef",
    "delete",
    "get",
    "head",
    "options",
    "patch",
    "post",
    "put",
    "route",
    "static",
    "view",
)

_H = TypeVar("_H")

#: The methods that the router has a shorthand for.
_SHORTHANDS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class AbstractRouteDef(abc.ABC):
    """A definition that can register itself."""

    @abc.abstractmethod
    def register(self, router: "UrlDispatcher") -> list[AbstractRoute]:
        """Register with `router`; the routes that came of it."""


@dataclasses.dataclass(frozen=True, repr=False, slots=True)
class RouteDef(AbstractRouteDef):
    """A method, a path, a handler, and further arguments of `UrlDispatcher.add_route`."""

    method: str
    path: str
    handler: Any
    kwargs: dict[str, Any]

    def __repr__(self) -> str:
        info = "".join(f", {name}={value!r}" for name, value in sorted(self.kwargs.items()))
        name = getattr(self.handler, "__name__", repr(self.handler))
        return f"<RouteDef {self.method} {self.path} -> {name!r}{info}>"

    def register(self, router: "UrlDispatcher") -> list[AbstractRoute]:
        """Register with `router`; the routes that came of it."""
        if self.method in _SHORTHANDS:
            add = getattr(router, "add_" + self.method.lower())
            return [add(self.path, self.handler, **self.kwargs)]
        return [router.add_route(self.method, self.path, self.handler, **self.kwargs)]


@dataclasses.dataclass(frozen=True, repr=False, slots=True)
class StaticDef(AbstractRouteDef):
    """A prefix, a directory, and further arguments of `UrlDispatcher.add_static`."""

    prefix: str
    path: str | os.PathLike[str]
    kwargs: dict[str, Any]

    def __repr__(self) -> str:
        info = "".join(f", {name}={value!r}" for name, value in sorted(self.kwargs.items()))
        return f"<StaticDef {self.prefix} -> {self.path}{info}>"

    def register(self, router: "UrlDispatcher") -> list[AbstractRoute]:
        """Register with `router`; the routes that came of it."""
        resource = router.add_static(self.prefix, self.path, **self.kwargs)  # type: ignore[arg-type]
        return [route for route in resource if route.method in ("GET", "HEAD")]


def route(method: str, path: str, handler: Any, **kwargs: Any) -> RouteDef:
    """A definition for any method (web_reference, route)."""
    return RouteDef(method, path, handler, kwargs)


def head(path: str, handler: Any, **kwargs: Any) -> RouteDef:
    """A definition for HEAD."""
    return route("HEAD", path, handler, **kwargs)


def options(path: str, handler: Any, **kwargs: Any) -> RouteDef:
    """A definition for OPTIONS."""
    return route("OPTIONS", path, handler, **kwargs)


def get(
    path: str, handler: Any, *, name: str | None = None, allow_head: bool = True, **kwargs: Any
) -> RouteDef:
    """A definition for GET, and unless `allow_head` is False for HEAD."""
    return route("GET", path, handler, name=name, allow_head=allow_head, **kwargs)


def post(path: str, handler: Any, **kwargs: Any) -> RouteDef:
    """A definition for POST."""
    return route("POST", path, handler, **kwargs)


def put(path: str, handler: Any, **kwargs: Any) -> RouteDef:
    """A definition for PUT."""
    return route("PUT", path, handler, **kwargs)


def patch(path: str, handler: Any, **kwargs: Any) -> RouteDef:
    """A definition for PATCH."""
    return route("PATCH", path, handler, **kwargs)


def delete(path: str, handler: Any, **kwargs: Any) -> RouteDef:
    """A definition for DELETE."""
    return route("DELETE", path, handler, **kwargs)


def view(path: str, handler: Any, **kwargs: Any) -> RouteDef:
    """A definition for a class-based view."""
    return route("*", path, handler, **kwargs)


def static(prefix: str, path: str | os.PathLike[str], **kwargs: Any) -> StaticDef:
    """A definition for the files below a directory."""
    return StaticDef(prefix, path, kwargs)


class RouteTableDef(Sequence[AbstractRouteDef]):
    """A list of definitions that decorators fill."""

    def __init__(self) -> None:
        self._items: list[AbstractRouteDef] = []

    def __repr__(self) -> str:
        return f"<RouteTableDef count={len(self._items)}>"

    @overload
    def __getitem__(self, index: int) -> AbstractRouteDef: ...
    @overload
    def __getitem__(self, index: slice) -> list[AbstractRouteDef]: ...
    def __getitem__(self, index: int | slice) -> AbstractRouteDef | list[AbstractRouteDef]:
        return self._items[index]

    def __iter__(self) -> Iterator[AbstractRouteDef]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, item: object) -> bool:
        return item in self._items

    def route(self, method: str, path: str, **kwargs: Any) -> Callable[[_H], _H]:
        """Decorate a handler for any method."""

        def decorate(handler: _H) -> _H:
            self._items.append(RouteDef(method, path, handler, kwargs))
            return handler

        return decorate

    def head(self, path: str, **kwargs: Any) -> Callable[[_H], _H]:
        """Decorate a handler for HEAD."""
        return self.route("HEAD", path, **kwargs)

    def get(self, path: str, **kwargs: Any) -> Callable[[_H], _H]:
        """Decorate a handler for GET; `allow_head=False` keeps HEAD out."""
        return self.route("GET", path, **kwargs)

    def post(self, path: str, **kwargs: Any) -> Callable[[_H], _H]:
        """Decorate a handler for POST."""
        return self.route("POST", path, **kwargs)

    def put(self, path: str, **kwargs: Any) -> Callable[[_H], _H]:
        """Decorate a handler for PUT."""
        return self.route("PUT", path, **kwargs)

    def patch(self, path: str, **kwargs: Any) -> Callable[[_H], _H]:
        """Decorate a handler for PATCH."""
        return self.route("PATCH", path, **kwargs)

    def delete(self, path: str, **kwargs: Any) -> Callable[[_H], _H]:
        """Decorate a handler for DELETE."""
        return self.route("DELETE", path, **kwargs)

    def options(self, path: str, **kwargs: Any) -> Callable[[_H], _H]:
        """Decorate a handler for OPTIONS."""
        return self.route("OPTIONS", path, **kwargs)

    def view(self, path: str, **kwargs: Any) -> Callable[[_H], _H]:
        """Decorate a class-based view."""
        return self.route("*", path, **kwargs)

    def static(self, prefix: str, path: str | os.PathLike[str], **kwargs: Any) -> None:
        """Add the files below a directory."""
        self._items.append(StaticDef(prefix, path, kwargs))
