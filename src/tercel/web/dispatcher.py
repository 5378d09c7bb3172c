"""UrlDispatcher: the router of an application, by path (web_reference, UrlDispatcher).

In: resources and routes, at any time, also while the server runs. Out: a `RouteTable`, built anew
at the first look-up after a change and put in place as a whole: a request that has found its
handler keeps it. Also names, and URLs from names.
"""

import keyword
import re
from collections.abc import Container as ContainerABC
from collections.abc import Iterable, Iterator, KeysView, Mapping, Sized
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tercel.abc import AbstractMatchInfo, AbstractRouter
from tercel.web.matchinfo import UrlMappingMatchInfo
from tercel.web.pattern import normal_path
from tercel.web.resources import AbstractResource, DynamicResource, PlainResource, Resource
from tercel.web.router import Match, RouteTable
from tercel.web.routes import AbstractRoute
from tercel.web.routetable import build_table
from tercel.web.staticfiles import StaticResource

__all__ = ("ResourcesView", "RoutesView", "UrlDispatcher")


class ResourcesView(Sized, Iterable[AbstractResource], ContainerABC[AbstractResource]):
    """The resources of a router, as they are now."""

    def __init__(self, resources: list[AbstractResource]) -> None:
        self._resources = resources

    def __len__(self) -> int:
        return len(self._resources)

    def __iter__(self) -> Iterator[AbstractResource]:
        yield from list(self._resources)

    def __contains__(self, resource: object) -> bool:
        return resource in self._resources


class RoutesView(Sized, Iterable[AbstractRoute], ContainerABC[AbstractRoute]):
    """The routes of a router, as they were when it was asked."""

    def __init__(self, resources: list[AbstractResource]) -> None:
        self._routes = [route for resource in resources for route in resource]

    def __len__(self) -> int:
        return len(self._routes)

    def __iter__(self) -> Iterator[AbstractRoute]:
        yield from self._routes

    def __contains__(self, route: object) -> bool:
        return route in self._routes


class UrlDispatcher(AbstractRouter, Mapping[str, AbstractResource]):
    """Routes by path and method; as a mapping, the named resources.

    Routes may be added and removed at any time, `freeze()` notwithstanding: a look-up sees a
    change whole or not at all.
    """

    NAME_SPLIT_RE = re.compile(r"[.:-]")

    def __init__(self) -> None:
        super().__init__()
        self._resources: list[AbstractResource] = []
        self._named: dict[str, AbstractResource] = {}
        self._prefix = ""
        self._served_app: Any = None
        self._table: RouteTable | None = None
        self._above: list[UrlDispatcher] = []

    # Looking up

    def post_init(self, app: Any) -> None:
        """Remember the application, which every match leads through."""
        self._served_app = app

    @property
    def table(self) -> RouteTable:
        """The table for the routes as they are now."""
        table = self._table
        if table is None:
            apps = () if self._served_app is None else (self._served_app,)
            self._table = table = build_table(self._resources, apps)
            for resource in self._resources:
                below = getattr(getattr(resource, "_app", None), "router", None)
                if isinstance(below, UrlDispatcher) and self not in below._above:
                    below._above.append(self)
        return table

    def _table_source(self) -> list[AbstractResource] | None:
        """The resources for the table of a router above; None for one that resolves otherwise."""
        if type(self).resolve is not UrlDispatcher.resolve:
            return None
        for resource in self._resources:
            below = getattr(getattr(resource, "_app", None), "router", None)
            if isinstance(below, UrlDispatcher) and self not in below._above:
                below._above.append(self)
        return self._resources

    def _changed(self) -> None:
        self._table = None
        for router in self._above:
            router._changed()

    async def resolve(self, request: Any) -> AbstractMatchInfo:
        """The match for `request`: by its method, path and, for domains, host. Never raises.

        The match has no application of its own yet: `add_app()` is the caller's.
        """
        table = self.table
        path = request.rel_url.raw_path
        host = request.host if table.needs_host else None
        if table.is_sync:
            return self._inform(table.find(request.method, path, host))
        return await self._resolve_slowly(table, request, normal_path(path), host)

    def _inform(self, match: Match) -> UrlMappingMatchInfo:
        info: UrlMappingMatchInfo = match.info()
        if self._served_app is not None:
            info._apps = info._apps[1:]
            info._current_app = info._apps[-1] if info._apps else None
        return info

    async def _resolve_slowly(
        self, table: RouteTable, request: Any, path: str, host: str | None
    ) -> AbstractMatchInfo:
        if host is not None:
            for resource in self._resources:
                rule = getattr(resource, "_rule", None)
                if rule is not None and rule.matches(host):
                    found, _ = await resource.resolve(request)
                    return found  # type: ignore[no-any-return]
        allowed: set[str] = set()
        fixed = table.fixed.get(path)
        if fixed is not None:
            match = fixed.get(request.method) or fixed.get("*")
            if match is not None:
                return self._inform(match)
            allowed.update(fixed)
        for candidate in table.candidates(path):
            leaf = candidate.leaf
            endpoint = leaf.methods.get(request.method) or leaf.any
            if endpoint is not None:
                return self._inform(Match(endpoint, candidate.values))
            methods = set(leaf.methods)
            if leaf.is_custom or leaf.table is not None:
                found, methods = await leaf.resource.resolve(request)
                if found is not None:
                    return found  # type: ignore[no-any-return]
            allowed |= methods
        return self._inform(Match(table.missing, (), allowed, request.method))

    # Changing

    def register_resource(self, resource: AbstractResource) -> None:
        """Add a resource that was made elsewhere.

        Raises TypeError for what is no `AbstractResource`, ValueError for a name that is not made
        of identifiers joined by "-", "." or ":", or that another resource has.
        """
        if not isinstance(resource, AbstractResource):
            raise TypeError(f"Instance of AbstractResource class is required, got {resource!r}")
        name = resource.name
        if name is not None:
            self._check_name(name)
            self._named[name] = resource
        if self._prefix:
            resource.add_prefix(self._prefix)
        resource._changed = self._changed
        self._resources.append(resource)
        self._changed()

    def _check_name(self, name: str) -> None:
        for part in self.NAME_SPLIT_RE.split(name):
            if keyword.iskeyword(part):
                raise ValueError(
                    f"Incorrect route name {name!r}, python keywords cannot be used for route name"
                )
            if not part.isidentifier():
                raise ValueError(
                    f"Incorrect route name {name!r}, the name should be a sequence of "
                    "python identifiers separated by dash, dot or column"
                )
        if name in self._named:
            raise ValueError(f"Duplicate {name!r}, already handled by {self._named[name]!r}")

    def remove_route(self, route: AbstractRoute | AbstractResource) -> None:
        """Take a route away, or a resource with all of its routes and its name.

        A GET route takes the HEAD route of the same handler with it; a resource that loses its
        last route goes too. Requests that have found their handler are not disturbed. Raises
        ValueError for what is not in this router.
        """
        resource = route if isinstance(route, AbstractResource) else route.resource
        if resource not in self._resources:
            raise ValueError(f"{route!r} is not registered in this router")
        if isinstance(route, AbstractRoute):
            if not isinstance(resource, Resource) or route not in list(resource):
                raise ValueError(f"{route!r} can't be removed, remove its resource")
            resource._remove_route(route)
            if len(resource):
                return
        self._resources.remove(resource)
        if resource.name is not None:
            self._named.pop(resource.name, None)
        resource._changed = AbstractResource._changed
        below = getattr(getattr(resource, "_app", None), "router", None)
        if isinstance(below, UrlDispatcher) and self in below._above:
            below._above.remove(self)
        self._changed()

    def index_resource(self, resource: AbstractResource) -> None:
        """Take notice of a resource whose path has changed."""
        self._changed()

    def unindex_resource(self, resource: AbstractResource) -> None:
        """Take notice of a resource whose path is about to change."""
        self._changed()

    def _mount(self, prefix: str) -> None:
        """Put `prefix` before every path, those to come included."""
        for resource in self._resources:
            resource.add_prefix(prefix)
        self._prefix = prefix + self._prefix
        self._changed()

    def freeze(self) -> None:
        """Called when the application starts. Routes may still be added and removed."""
        super().freeze()
        for resource in self._resources:
            resource.freeze()

    # Adding, the documented ways

    def add_resource(self, path: str, *, name: str | None = None) -> Resource:
        """Append a resource for `path`, or return the last one if it is the same.

        Raises ValueError for a path that does not begin with a slash, or is malformed.
        """
        if path and not path.startswith("/"):
            raise ValueError("path should be started with / or be empty")
        if self._resources:
            last = self._resources[-1]
            if (
                isinstance(last, Resource)
                and last.name == name
                and last.raw_match(self._prefix + path)
            ):
                return last
        resource: Resource
        if "{" in path or "}" in path:
            resource = DynamicResource(path, name=name)
        else:
            resource = PlainResource(path, name=name)
        self.register_resource(resource)
        return resource

    def add_route(
        self,
        method: str,
        path: str,
        handler: Any,
        *,
        name: str | None = None,
        expect_handler: Any = None,
    ) -> AbstractRoute:
        """Add a handler for a method, "*" for any, and a path (web_reference, add_route)."""
        count = len(self._resources)
        resource = self.add_resource(path, name=name)
        try:
            return resource.add_route(method, handler, expect_handler=expect_handler)
        except BaseException:
            if len(self._resources) > count:
                self.remove_route(resource)
            raise

    def add_get(
        self,
        path: str,
        handler: Any,
        *,
        name: str | None = None,
        allow_head: bool = True,
        **kwargs: Any,
    ) -> AbstractRoute:
        """Add a handler for GET, and unless `allow_head` is False for HEAD."""
        if allow_head:
            resource = self.add_resource(path, name=name)
            resource.add_route("HEAD", handler, **kwargs)
            return resource.add_route("GET", handler, **kwargs)
        return self.add_route("GET", path, handler, name=name, **kwargs)

    def add_head(self, path: str, handler: Any, **kwargs: Any) -> AbstractRoute:
        """Add a handler for HEAD."""
        return self.add_route("HEAD", path, handler, **kwargs)

    def add_options(self, path: str, handler: Any, **kwargs: Any) -> AbstractRoute:
        """Add a handler for OPTIONS."""
        return self.add_route("OPTIONS", path, handler, **kwargs)

    def add_post(self, path: str, handler: Any, **kwargs: Any) -> AbstractRoute:
        """Add a handler for POST."""
        return self.add_route("POST", path, handler, **kwargs)

    def add_put(self, path: str, handler: Any, **kwargs: Any) -> AbstractRoute:
        """Add a handler for PUT."""
        return self.add_route("PUT", path, handler, **kwargs)

    def add_patch(self, path: str, handler: Any, **kwargs: Any) -> AbstractRoute:
        """Add a handler for PATCH."""
        return self.add_route("PATCH", path, handler, **kwargs)

    def add_delete(self, path: str, handler: Any, **kwargs: Any) -> AbstractRoute:
        """Add a handler for DELETE."""
        return self.add_route("DELETE", path, handler, **kwargs)

    def add_view(self, path: str, handler: Any, **kwargs: Any) -> AbstractRoute:
        """Add a class-based view, for any method."""
        return self.add_route("*", path, handler, **kwargs)

    def add_static(
        self,
        prefix: str,
        path: str | Path,
        *,
        name: str | None = None,
        expect_handler: Any = None,
        chunk_size: int = 256 * 1024,
        show_index: bool = False,
        follow_symlinks: bool = False,
        append_version: bool = False,
        cache_control: str | None = None,
    ) -> StaticResource:
        """Serve the files below the directory `path` (web_reference, add_static).

        `cache_control` is the Cache-Control value of every file, such as "public, max-age=3600";
        None, the default, sends none. Raises ValueError where there is no such directory.
        """
        resource = StaticResource(
            prefix.rstrip("/"),
            path,
            name=name,
            expect_handler=expect_handler,
            chunk_size=chunk_size,
            show_index=show_index,
            follow_symlinks=follow_symlinks,
            append_version=append_version,
            cache_control=cache_control,
        )
        self.register_resource(resource)
        return resource

    def add_routes(self, routes: Iterable[Any]) -> list[AbstractRoute]:
        """Add route definitions; the routes that came of them."""
        added: list[AbstractRoute] = []
        for definition in routes:
            added.extend(definition.register(self))
        return added

    # Looking at

    def resources(self) -> ResourcesView:
        """All resources."""
        return ResourcesView(self._resources)

    def routes(self) -> RoutesView:
        """All routes."""
        return RoutesView(self._resources)

    def named_resources(self) -> Mapping[str, AbstractResource]:
        """The resources that have a name, by name, read-only."""
        return MappingProxyType(self._named)

    def __getitem__(self, name: str) -> AbstractResource:
        return self._named[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._named)

    def __len__(self) -> int:
        return len(self._named)

    def __contains__(self, name: object) -> bool:
        return name in self._named

    def __bool__(self) -> bool:
        return True

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._named.keys()

    def __hash__(self) -> int:
        return object.__hash__(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __repr__(self) -> str:
        return f"<UrlDispatcher resources={len(self._resources)}>"
