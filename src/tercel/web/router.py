"""RouteTable: from method and path to a Match, without I/O and in one walk.

A table never changes: adding or removing a route makes another one. A path without variables is
one dictionary lookup; others walk a tree by segment, so that the cost does not grow with the
number of routes. Of several resources that match, the one with the longer part without variables
comes first, then the one registered earlier (web_reference, Resource); one that lacks the method
leaves it to the next.
"""

from typing import Any

from tercel.web.incoming import Incoming
from tercel.web.matchinfo import UrlMappingMatchInfo
from tercel.web.pattern import normal_path

__all__ = ("Candidate", "Endpoint", "Entry", "Leaf", "Match", "Node", "RegexEdge", "RouteTable")

_make_info = UrlMappingMatchInfo
_new_dict: Any = dict.__new__
_normal_path = normal_path


class Endpoint:
    """A route at the end of its applications, and how to call it there.

    `run` is the handler behind all middlewares; the application fills it in, once a table.
    """

    __slots__ = ("apps", "expect_handler", "function", "has_hook", "inner", "names", "route", "run")

    def __init__(self, route: Any, apps: tuple[Any, ...], names: tuple[str, ...]) -> None:
        self.route = route
        self.apps = apps
        self.names = names
        self.run: Any = None
        self.expect_handler: Any = None
        self.has_hook = False
        self.function: Any = None
        self.inner: Any = None

    def call(self, run: Any) -> None:
        """Call `run` from now on: the outermost middleware itself, where it is one."""
        self.run = run
        self.function = getattr(run, "_tercel_middleware", None)
        self.inner = getattr(run, "_tercel_inner", None)


class Match:
    """What was found: an endpoint and the values of its names.

    Where nothing was, `allowed` is a set: empty for 404, else the methods to answer 405 with.
    """

    __slots__ = ("allowed", "endpoint", "method", "values")

    def __init__(
        self,
        endpoint: Endpoint,
        values: tuple[str, ...],
        allowed: set[str] | None = None,
        method: str = "",
    ) -> None:
        self.endpoint = endpoint
        self.values = values
        self.allowed = allowed
        self.method = method

    @property
    def route(self) -> Any:
        """The route, None for a miss."""
        return self.endpoint.route

    @property
    def apps(self) -> tuple[Any, ...]:
        """The applications, outermost first."""
        return self.endpoint.apps

    def value(self, index: int) -> str:
        """The value of the name at `index`, decoded."""
        text = self.values[index]
        if "%" in text:
            text = text.replace("%2F", "/").replace("%25", "%")
        return text

    def info(self) -> Any:
        """A new `UrlMappingMatchInfo`."""
        made = _new_dict(_make_info)
        for index, name in enumerate(self.endpoint.names):
            made[name] = self.value(index)
        made._match = self  # it looks for route and applications there
        return made


class Leaf:
    """A resource in the tree.

    `regex` decides on the whole path where it is not None; `table` is that of a sub-application;
    `takes_rest` is True where the path behind a prefix is a value; `is_custom` where the resource
    must be awaited.
    """

    __slots__ = (
        "any",
        "is_custom",
        "methods",
        "prefix_size",
        "rank",
        "regex",
        "resource",
        "table",
        "takes_rest",
    )

    def __init__(self, rank: tuple[int, int], resource: Any) -> None:
        self.rank = rank
        self.resource = resource
        self.is_custom = False
        self.takes_rest = False
        self.methods: dict[str, Endpoint] = {}
        self.any: Endpoint | None = None
        self.regex: Any = None
        self.prefix_size = 0
        self.table: RouteTable | None = None


class RegexEdge:
    """The way to a child node for segments that match a regular expression in full."""

    __slots__ = ("fullmatch", "groups", "node", "source")

    def __init__(self, regex: Any, node: "Node") -> None:
        self.source: str = regex.pattern
        self.fullmatch = regex.fullmatch
        self.groups: tuple[int, ...] = tuple(regex.groupindex.values())
        self.node = node


class Node:
    """A place in the tree: what may follow, what ends here, and what begins here for good."""

    __slots__ = ("fixed", "leaves", "open_leaves", "plain", "prefix_leaves", "regexes")

    def __init__(self) -> None:
        self.fixed: dict[str, Node] = {}
        self.plain: Node | None = None
        self.regexes: list[RegexEdge] = []
        self.leaves: list[Leaf] = []
        self.open_leaves: list[Leaf] = []
        self.prefix_leaves: list[Leaf] = []


class Candidate:
    """A leaf that matches a path, with the values that it found there."""

    __slots__ = ("leaf", "values")

    def __init__(self, leaf: Leaf, values: tuple[str, ...]) -> None:
        self.leaf = leaf
        self.values = values


class Walk:
    """One walk through the tree, which collects all candidates."""

    __slots__ = ("count", "found", "path", "segments", "steps", "values")

    def __init__(self, path: str) -> None:
        self.path = path
        self.segments: list[str] = path.split("/")
        self.count = len(self.segments)
        self.steps = 0
        self.values: list[str] = []
        self.found: list[Candidate] = []

    def visit(self, node: Node, index: int) -> None:
        """Collect what matches from the segment at `index` on."""
        self.steps += 1
        if node.prefix_leaves:
            self._take_prefixes(node)
        if node.open_leaves:
            self._take_open(node)
        if index == self.count:
            for leaf in node.leaves:
                self.found.append(Candidate(leaf, tuple(self.values)))
            return
        segment = self.segments[index]
        child = node.fixed.get(segment)
        if child is not None:
            self.visit(child, index + 1)
        child = node.plain
        if child is not None and segment and "{" not in segment and "}" not in segment:
            self.values.append(segment)
            self.visit(child, index + 1)
            self.values.pop()
        if node.regexes:
            self._try_regexes(node, segment, index)

    def _try_regexes(self, node: Node, segment: str, index: int) -> None:
        for edge in node.regexes:
            self.steps += 1
            match = edge.fullmatch(segment)
            if match is not None:
                size = len(self.values)
                for group in edge.groups:
                    self.values.append(match.group(group))
                self.visit(edge.node, index + 1)
                del self.values[size:]

    def _take_prefixes(self, node: Node) -> None:
        for leaf in node.prefix_leaves:
            values: tuple[str, ...] = ()
            if leaf.takes_rest:
                values = (self.path[leaf.prefix_size + 1 :],)
            self.found.append(Candidate(leaf, values))

    def _take_open(self, node: Node) -> None:
        for leaf in node.open_leaves:
            self.steps += 1
            match = leaf.regex.fullmatch(self.path)
            if match is not None:
                values = tuple([value or "" for value in match.groupdict().values()])
                self.found.append(Candidate(leaf, values))


def _rank_of(candidate: Candidate) -> tuple[int, int]:
    return candidate.leaf.rank


class RouteTable:
    """All routes of a router, and of the sub-applications below it, at one time.

    `fixed` holds, for each path without variables, the match of each method. `is_sync` is False
    where resources of other makers must be awaited: then only `candidates()` helps.
    `needs_host` is True where `find()` wants the host. `steps` counts the nodes and regular
    expressions that walks have tried.
    """

    __slots__ = ("domains", "fixed", "is_sync", "missing", "needs_host", "root", "steps")

    def __init__(self, missing: Endpoint) -> None:
        self.fixed: dict[str, dict[str, Match]] = {}
        self.root = Node()
        self.missing = missing
        self.domains: list[tuple[Any, RouteTable]] = []
        self.is_sync = True
        self.needs_host = False
        self.steps = 0

    def start(self, request: Incoming, host: str | None = None) -> Any:
        """Find the match for `request` and call its handler; None where that wants more care."""
        head = request._head
        match = self.find(head.method, head.path, host)
        request._match = match
        endpoint = match.endpoint
        if endpoint.run is None or head.expects:
            return None
        if endpoint.has_hook:
            request._has_prepare_hook = True
        if endpoint.function is not None:
            return endpoint.function(request, endpoint.inner)
        return endpoint.run(request)

    def find(self, method: str, path: str, host: str | None = None) -> Match:
        """The match for a request; `path` as sent, without its query. Never fails.

        The application of a domain answers for all of its host, before the paths of this table.
        """
        if host is not None:
            for rule, table in self.domains:
                if rule.matches(host):
                    return table.find(method, path, host)
        if "%" in path:
            path = _normal_path(path)
        methods = self.fixed.get(path)
        if methods is not None:
            match = methods.get(method)
            if match is None:
                match = methods.get("*")
            if match is not None:
                return match
        return self._find_below(method, path, host, methods)

    def _find_below(
        self, method: str, path: str, host: str | None, methods: dict[str, Match] | None
    ) -> Match:
        allowed: set[str] = set()
        if methods is not None:
            allowed.update(methods)
        for candidate in self.candidates(path):
            leaf = candidate.leaf
            if leaf.table is not None:
                return leaf.table.find(method, path, host)
            endpoint = leaf.methods.get(method)
            if endpoint is None:
                endpoint = leaf.any
            if endpoint is not None:
                return Match(endpoint, candidate.values)
            allowed.update(leaf.methods)
        return Match(self.missing, (), allowed, method)

    def candidates(self, path: str) -> list[Candidate]:
        """What matches `path`, in normal form, besides the static paths; best first."""
        walk = Walk(path)
        if not path.startswith("/"):
            return walk.found
        walk.visit(self.root, 1)
        self.steps += walk.steps
        found = walk.found
        if len(found) > 1:
            found.sort(key=_rank_of)
        return found


class Entry:
    """What a server calls for each request of an application: the handler, by the shortest way.

    `long_way` is called where the table must be built, awaited or given a host first, or where the
    handler's chain is not known yet.
    """

    __slots__ = ("_dispatcher", "_long_way")

    def __init__(self, dispatcher: Any, long_way: Any) -> None:
        self._dispatcher = dispatcher
        self._long_way = long_way

    def __call__(self, request: Incoming) -> Any:
        return self.start(request)

    def start(self, request: Incoming) -> Any:
        """Call the handler of `request`; what is to be awaited for its answer."""
        table = self._dispatcher._table
        if table is not None and table.is_sync and not table.needs_host:
            answer = table.start(request, None)
            if answer is not None:
                return answer
        return self._long_way(request)
