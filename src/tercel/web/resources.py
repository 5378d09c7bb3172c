"""Resources: a path, its name, and the routes that answer there.

In: a path or a prefix. Out: what the router needs to place it in its tree, URLs built back from
values, and the documented coroutine `resolve()`. Whoever changes a resource tells `_changed`.
(web_reference, Resource)
"""

import abc
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Any

from yarl import URL

from tercel.web.matchinfo import UrlMappingMatchInfo
from tercel.web.pattern import (
    GOOD,
    Pattern,
    normal_path,
    parse_pattern,
    quote_path,
)
from tercel.web.routes import AbstractRoute, ResourceRoute

__all__ = ("AbstractResource", "DynamicResource", "PlainResource", "PrefixResource", "Resource")

Resolution = tuple[UrlMappingMatchInfo | None, set[str]]


def _nothing_changed() -> None:
    pass


class AbstractResource(Sized, Iterable[AbstractRoute]):
    """Base of all resources; inherit from it for one of your own (web_advanced)."""

    #: The router's, to hear of changes.
    _changed: Callable[[], None] = staticmethod(_nothing_changed)

    def __init__(self, *, name: str | None = None) -> None:
        self._name = name

    @property
    def name(self) -> str | None:
        """The name, None where there is none."""
        return self._name

    @property
    @abc.abstractmethod
    def canonical(self) -> str:
        """The path, with `{name}` for its variables."""

    @abc.abstractmethod
    def url_for(self, **kwargs: str) -> URL:
        """The URL with `kwargs` for the variables."""

    @abc.abstractmethod
    async def resolve(self, request: Any) -> Any:
        """(match or None, set of the methods that are allowed here) for `request`."""

    @abc.abstractmethod
    def add_prefix(self, prefix: str) -> None:
        """Put `prefix` before the path. For sub-applications."""

    @abc.abstractmethod
    def get_info(self) -> dict[str, Any]:
        """A description for people."""

    def freeze(self) -> None:
        """Called when the application starts."""

    @abc.abstractmethod
    def raw_match(self, path: str) -> bool:
        """True where `path` is what the resource was made of."""


class Resource(AbstractResource):
    """A resource whose routes the application adds."""

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self._routes: dict[str, ResourceRoute] = {}

    def add_route(self, method: str, handler: Any, *, expect_handler: Any = None) -> ResourceRoute:
        """Add a handler for `method`, "*" for any (web_reference, Resource.add_route).

        Raises RuntimeError where a route for the method, or for any, is there already.
        """
        for known in (method.upper(), "*"):
            if known in self._routes:
                raise RuntimeError(
                    f"Added route will never be executed, method {known} is already registered"
                )
        route = ResourceRoute(method, handler, self, expect_handler=expect_handler)
        self.register_route(route)
        return route

    def register_route(self, route: ResourceRoute) -> None:
        """Add a route that was made elsewhere."""
        self._routes = {**self._routes, route.method: route}
        self._changed()

    def _remove_route(self, route: AbstractRoute) -> None:
        """Take `route` away, and with GET a HEAD of the same handler."""
        gone = {route.method}
        head = self._routes.get("HEAD")
        if route.method == "GET" and head is not None and head.handler is route.handler:
            gone.add("HEAD")
        self._routes = {name: kept for name, kept in self._routes.items() if name not in gone}
        self._changed()

    @abc.abstractmethod
    def _find_values(self, path: str) -> dict[str, str] | None:
        """The values in `path`, which is in normal form; None where it does not match."""

    async def resolve(self, request: Any) -> Resolution:
        """(match or None, allowed methods)."""
        values = self._find_values(normal_path(request.rel_url.raw_path))
        if values is None:
            return None, set()
        route = self._routes.get(request.method) or self._routes.get("*")
        allowed = set(self._routes)
        return (UrlMappingMatchInfo(values, route) if route is not None else None), allowed

    def __len__(self) -> int:
        return len(self._routes)

    def __iter__(self) -> Iterator[AbstractRoute]:
        return iter(self._routes.values())


class PlainResource(Resource):
    """A path without variables."""

    def __init__(self, path: str, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self._path = path
        self._normal = normal_path(path)

    @property
    def canonical(self) -> str:
        """The path, as it was given."""
        return self._path

    def freeze(self) -> None:
        """Nothing to do."""

    def add_prefix(self, prefix: str) -> None:
        """Put `prefix` before the path."""
        _check_prefix(prefix)
        self._path = prefix + self._path
        self._normal = normal_path(self._path)
        self._changed()

    def _find_values(self, path: str) -> dict[str, str] | None:
        return {} if path == self._normal else None

    def raw_match(self, path: str) -> bool:
        """True where `path` is this path."""
        return self._path == path

    def get_info(self) -> dict[str, Any]:
        """The path."""
        return {"path": self._path}

    def url_for(self) -> URL:  # type: ignore[override]
        """The URL of this path."""
        return URL.build(path=quote_path(self._normal), encoded=True)

    def __repr__(self) -> str:
        name = f"{self.name!r} " if self.name is not None else ""
        return f"<PlainResource {name} {self._path}>"


class DynamicResource(Resource):
    """A path with variables."""

    DYN = r"\{(?P<var>[_a-zA-Z][_a-zA-Z0-9]*)\}"
    DYN_WITH_RE = r"\{(?P<var>[_a-zA-Z][_a-zA-Z0-9]*):(?P<re>.+)\}"
    GOOD = GOOD

    def __init__(self, path: str, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self._given = path
        self._prefix = ""
        self._pattern: Pattern = parse_pattern(path)

    @property
    def canonical(self) -> str:
        """The path with `{name}` for each variable."""
        return self._pattern.formatter

    def add_prefix(self, prefix: str) -> None:
        """Put `prefix` before the path."""
        _check_prefix(prefix)
        self._prefix = prefix + self._prefix
        self._pattern = parse_pattern(self._given, normal_path(self._prefix))
        self._changed()

    def _find_values(self, path: str) -> dict[str, str] | None:
        match = self._pattern.regex.fullmatch(path)
        if match is None:
            return None
        return {
            name: (value or "").replace("%2F", "/").replace("%25", "%")
            for name, value in match.groupdict().items()
        }

    def raw_match(self, path: str) -> bool:
        """True where `path` is what this was made of."""
        return self._prefix + self._given == path

    def get_info(self) -> dict[str, Any]:
        """The path and its regular expression."""
        return {"formatter": self._pattern.formatter, "pattern": self._pattern.regex}

    def url_for(self, **parts: Any) -> URL:
        """The URL with `parts` for the variables; all of them are needed, else KeyError."""
        return URL.build(path=self._pattern.fill(parts), encoded=True)

    def __repr__(self) -> str:
        name = f"{self.name!r} " if self.name is not None else ""
        return f"<DynamicResource {name} {self._pattern.formatter}>"


class PrefixResource(AbstractResource):
    """All paths that begin with a prefix, and the prefix itself.

    Raises ValueError for a prefix that does not begin with a slash.
    """

    def __init__(self, prefix: str, *, name: str | None = None) -> None:
        if prefix and not prefix.startswith("/"):
            raise ValueError(f"prefix should be started with / or be empty, got {prefix!r}")
        super().__init__(name=name)
        self._prefix = normal_path(prefix).rstrip("/")

    @property
    def canonical(self) -> str:
        """The prefix."""
        return self._prefix

    def add_prefix(self, prefix: str) -> None:
        """Put `prefix` before the prefix."""
        _check_prefix(prefix)
        self._prefix = normal_path(prefix) + self._prefix
        self._changed()

    def raw_match(self, path: str) -> bool:
        """False: prefixes are never merged."""
        return False

    def _covers(self, path: str) -> bool:
        """True where `path`, in normal form, is the prefix or lies below it."""
        return path == self._prefix or path.startswith(self._prefix + "/")


def _check_prefix(prefix: str) -> None:
    if not prefix.startswith("/") or prefix.endswith("/") or len(prefix) < 2:
        raise ValueError(f"a prefix begins with a slash and does not end with one, got {prefix!r}")
