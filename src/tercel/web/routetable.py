"""Builds a RouteTable from the resources of a router, in order of registration.

In: resources, and the applications that lead to the router. Out: a table that never changes.
Resources of other makers, and routers that resolve in a way of their own, become leaves that must
be awaited; a table with such a leaf is not `is_sync`.
"""

from collections.abc import Iterable
from typing import Any

from tercel.web.mounts import MatchedSubAppResource, PrefixedSubAppResource
from tercel.web.pattern import normal_path
from tercel.web.resources import DynamicResource, PlainResource, Resource
from tercel.web.router import Endpoint, Leaf, Match, Node, RegexEdge, RouteTable
from tercel.web.staticfiles import StaticResource

__all__ = ("build_table",)

_OWN_RESOLVE = {
    DynamicResource.resolve,
    PlainResource.resolve,
    PrefixedSubAppResource.resolve,
    MatchedSubAppResource.resolve,
    StaticResource.resolve,
}


def build_table(resources: Iterable[Any], apps: tuple[Any, ...]) -> RouteTable:
    """The table for `resources`; `apps` are the applications on the way, outermost first."""
    return _Builder(apps).build(resources)


class _Builder:
    def __init__(self, apps: tuple[Any, ...]) -> None:
        self._apps = apps
        self._table = RouteTable(Endpoint(None, apps, ()))
        #: Paths at which a prefix begins: plain paths that come later must take their turn.
        self._prefixes: set[str] = set()

    def build(self, resources: Iterable[Any]) -> RouteTable:
        for order, resource in enumerate(resources):
            if type(resource).resolve not in _OWN_RESOLVE:
                self._add_custom(resource, order)
            elif isinstance(resource, MatchedSubAppResource):
                self._add_domain(resource, order)
            elif isinstance(resource, PrefixedSubAppResource):
                self._add_mount(resource, order)
            elif isinstance(resource, StaticResource):
                self._add_static(resource, order)
            elif isinstance(resource, DynamicResource):
                self._add_dynamic(resource, order)
            else:
                self._add_plain(resource, order)
        return self._table

    def _add_plain(self, resource: Any, order: int) -> None:
        path = resource._normal
        if path in self._prefixes:
            segments = path.split("/")[1:]
            leaf = Leaf((-len(segments), order), resource)
            self._fill(leaf, resource, ())
            self._descend(segments).leaves.append(leaf)
            return
        methods = self._table.fixed.setdefault(path, {})
        for route in resource:
            if "*" not in methods:
                methods.setdefault(route.method, Match(Endpoint(route, self._apps, ()), ()))

    def _add_dynamic(self, resource: Any, order: int) -> None:
        pattern = resource._pattern
        leaf = Leaf((-pattern.depth, order), resource)
        self._fill(leaf, resource, pattern.names)
        node = self._table.root
        for segment in pattern.segments:
            if isinstance(segment, str):
                node = node.fixed.setdefault(segment, Node())
            elif segment is None:
                if node.plain is None:
                    node.plain = Node()
                node = node.plain
            else:
                node = _follow_regex(node, segment)
        if pattern.is_open:
            leaf.regex = pattern.regex
            node.open_leaves.append(leaf)
        else:
            node.leaves.append(leaf)

    def _add_static(self, resource: Any, order: int) -> None:
        leaf = self._add_prefix(resource, resource._prefix, order)
        leaf.takes_rest = True
        self._fill(leaf, resource, ("filename",))

    def _add_mount(self, resource: Any, order: int) -> None:
        leaf = self._add_prefix(resource, resource._prefix, order)
        leaf.table = self._build_below(resource)
        if leaf.table is None:
            leaf.is_custom = True

    def _add_domain(self, resource: Any, order: int) -> None:
        table = self._build_below(resource)
        if table is None:
            table = RouteTable(Endpoint(None, (*self._apps, resource._app), ()))
        self._table.needs_host = True
        self._table.domains.append((resource._rule, table))

    def _build_below(self, resource: Any) -> RouteTable | None:
        """The table of the application that `resource` leads into; None where it must be asked."""
        app = resource._app
        source = getattr(app.router, "_table_source", None)
        resources = None if source is None else source()
        if resources is None:
            self._table.is_sync = False
            return None
        table = build_table(resources, (*self._apps, app))
        if not table.is_sync:
            self._table.is_sync = False
        if table.needs_host:
            self._table.needs_host = True
        return table

    def _add_custom(self, resource: Any, order: int) -> None:
        if isinstance(resource, MatchedSubAppResource):
            path = ""
        else:
            path = normal_path(resource.canonical.partition("{")[0])
        if "{" in resource.canonical:
            path = path.rpartition("/")[0]
        self._add_prefix(resource, path.rstrip("/"), order).is_custom = True
        self._table.is_sync = False

    def _add_prefix(self, resource: Any, prefix: str, order: int) -> Leaf:
        segments = prefix.split("/")[1:]
        leaf = Leaf((-len(segments), order), resource)
        leaf.prefix_size = len(prefix)
        self._descend(segments).prefix_leaves.append(leaf)
        self._prefixes.add(prefix)
        return leaf

    def _descend(self, segments: list[str]) -> Node:
        node = self._table.root
        for segment in segments:
            node = node.fixed.setdefault(segment, Node())
        return node

    def _fill(self, leaf: Leaf, resource: Any, names: tuple[str, ...]) -> None:
        for route in resource:
            endpoint = Endpoint(route, self._apps, names)
            if route.method == "*":
                leaf.any = endpoint
            else:
                leaf.methods[route.method] = endpoint


def _follow_regex(node: Node, regex: Any) -> Node:
    for edge in node.regexes:
        if edge.source == regex.pattern:
            return edge.node
    child = Node()
    node.regexes.append(RegexEdge(regex, child))
    return child


assert Resource.resolve in _OWN_RESOLVE
