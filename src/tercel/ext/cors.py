"""Which other sites' pages may use a resource (Fetch, CORS protocol), as aiohttp_cors documents it.

In: origins and what each is granted, for resources and routes. Out: answers to preflight requests,
and Access-Control fields in the others. What is granted is put together when it is added; a
request looks up two dictionaries. What was not added is not shared.
"""

import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar, cast

from tercel import web
from tercel.abc import AbstractView
from tercel.hdrs import METH_ALL

__all__ = ("CorsConfig", "CorsViewMixin", "ResourceOptions", "custom_cors", "setup")

_F = TypeVar("_F")
_E = TypeVar("_E")
Config = Mapping[str, "ResourceOptions | Mapping[str, Any]"]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_ATTRIBUTE = "_cors_config"
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# What every page may read anyway (Fetch, CORS-safelisted response-header names).
_SAFE_TO_READ = frozenset(
    ("cache-control", "content-language", "content-length", "content-type", "expires")
    + ("last-modified", "pragma")
)


@dataclass(frozen=True, kw_only=True)
class ResourceOptions:
    """What an origin is granted (aiohttp_cors, Usage).

    `allow_credentials`: cookies may be sent. `expose_headers`: what its pages may read of an
    answer beyond the simple fields, `allow_headers`: what they may send beyond those; each a
    collection of names, one name, or "*" for all. `max_age`: seconds for which a preflight's
    answer may be kept. `allow_methods`: for a resource, the methods that it shares without their
    routes being added, or "*". ValueError for anything else.
    """

    allow_credentials: bool = False
    expose_headers: Collection[str] | str = ()
    allow_headers: Collection[str] | str = ()
    max_age: int | None = None
    allow_methods: Collection[str] | str | None = None

    def __post_init__(self) -> None:
        for name in ("expose_headers", "allow_headers"):
            object.__setattr__(self, name, _names(name, getattr(self, name)))
        if self.allow_methods is not None:
            methods = _names("allow_methods", self.allow_methods)
            upper = "*" if methods == "*" else frozenset(name.upper() for name in methods)
            object.__setattr__(self, "allow_methods", upper)
        if self.max_age is not None and (
            not isinstance(self.max_age, int) or isinstance(self.max_age, bool) or self.max_age < 0
        ):
            raise ValueError(f"'max_age' must be non-negative integer, got {self.max_age!r}")


def _names(name: str, value: Any) -> "frozenset[str] | str":
    if value == "*":
        return "*"
    found = frozenset([value] if isinstance(value, str) else value)
    for item in found:
        if not isinstance(item, str) or not _TOKEN.fullmatch(item):
            raise ValueError(f"{name!r} must be either '*', or names, got {item!r}")
    return found


def _parse_config(config: Config | None) -> dict[str, ResourceOptions]:
    found = {}
    for origin, options in (config or {}).items():
        if isinstance(options, Mapping):
            options = ResourceOptions(**options)
        if not isinstance(options, ResourceOptions):
            raise ValueError(
                f"Origin options must be either ResourceOptions instance or mapping, "
                f"got {options!r}"
            )
        found[origin] = options
    return found


Policy = dict[str, ResourceOptions]  # by origin, "*" for all others


def _find_options(policy: Policy, origin: str) -> ResourceOptions | None:
    return policy.get(origin) or policy.get("*")


@dataclass
class _Shared:
    """What one path shares: a policy by method, "*" for any other one."""

    defaults: Policy
    methods: dict[str, Policy] = field(default_factory=dict)

    def find(self, method: str) -> Policy | None:
        """The policy of `method`; that of GET serves HEAD."""
        methods = self.methods
        found = methods.get(method)
        if found is None and method == "HEAD":
            found = methods.get("GET")
        return methods.get("*") if found is None else found


class CorsConfig:
    """What an application shares with other origins; `setup` makes it."""

    def __init__(self, app: web.Application, defaults: Config | None = None) -> None:
        self._app = app
        self._defaults = _parse_config(defaults)
        # By the resource, whose path may get a prefix; two of one path share what they share.
        self._shared: dict[web.AbstractResource, _Shared] = {}
        self._paths: dict[str, _Shared] = {}
        self._has_middleware = False
        app.on_response_prepare.append(cast("Any", self._grant))

    def add(self, routing_entity: _E, config: Config | None = None, webview: bool = False) -> _E:
        """Share a resource, or a route of one, and return it.

        A resource's `config` and the defaults hold for its routes that are added, and for the
        methods of `allow_methods`. A route's `config` goes over both. Views say more by
        `CorsViewMixin` and `custom_cors`; `webview` is there for old code. TypeError for what is
        neither resource nor route, RuntimeError for one that answers OPTIONS itself.
        """
        given = _parse_config(config)
        if isinstance(routing_entity, web.AbstractRoute):
            self._add_route(routing_entity, given)
        elif isinstance(routing_entity, web.AbstractResource):
            self._add_resource(routing_entity, given)
        else:
            raise TypeError(f"Resource or ResourceRoute expected, got {routing_entity!r}")
        return routing_entity

    def _add_resource(self, resource: web.AbstractResource, given: Policy) -> _Shared:
        shared = self._shared.get(resource) or self._paths.get(resource.canonical)
        if shared is None:
            if isinstance(resource, web.StaticResource):
                resource.set_options_route(self._answer_preflight)
            elif isinstance(resource, web.Resource):
                if any(route.method == "*" for route in resource):
                    self._ensure_middleware()
                else:
                    resource.add_route("OPTIONS", self._answer_preflight)
            shared = self._paths[resource.canonical] = _Shared(dict(self._defaults))
        self._shared[resource] = shared
        shared.defaults.update(given)
        listed = [options.allow_methods for options in shared.defaults.values()]
        names = {name for methods in listed if methods not in (None, "*") for name in methods or ()}
        for method in names | ({"*"} if "*" in listed else set()):
            policy = {
                origin: options
                for origin, options in shared.defaults.items()
                if options.allow_methods == "*" or method in (options.allow_methods or ())
            }
            shared.methods.setdefault(method, {}).update(policy)
        return shared

    def _add_route(self, route: web.AbstractRoute, given: Policy) -> None:
        resource = route.resource
        if not isinstance(resource, web.AbstractResource):
            raise TypeError(f"the route {route!r} belongs to no resource")
        shared = self._add_resource(resource, {})
        if route.method == "OPTIONS":
            return
        handler: Any = route.handler
        if isinstance(handler, type) and issubclass(handler, AbstractView):
            methods = METH_ALL if route.method == "*" else {route.method}
            for method in methods - {"OPTIONS"}:
                function = getattr(handler, method.lower(), None)
                if function is not None:
                    own = _parse_config(getattr(handler, "cors_config", None))
                    own |= _parse_config(getattr(function, _ATTRIBUTE, None))
                    shared.methods[method] = shared.defaults | own | given
        else:
            shared.methods[route.method] = shared.defaults | given

    def _ensure_middleware(self) -> None:
        """Routes for any method get OPTIONS too: a preflight is answered before they see it."""
        if self._has_middleware:
            return
        self._has_middleware = True

        @web.middleware
        async def answer_preflights(request: web.Request, handler: Handler) -> web.StreamResponse:
            if (
                request.method == "OPTIONS"
                and "Access-Control-Request-Method" in request.headers
                and "Origin" in request.headers
                and self._find_shared(request) is not None
            ):
                return await self._answer_preflight(request)
            return await handler(request)

        self._app.middlewares.insert(0, answer_preflights)

    def _find_shared(self, request: web.Request) -> _Shared | None:
        if not self._shared:
            return None
        resource = request.match_info.route.resource
        return None if resource is None else self._shared.get(resource)

    async def _answer_preflight(self, request: web.Request) -> web.StreamResponse:
        """Say what is granted (Fetch, CORS-preflight request), else 403 with the reason."""
        origin = request.headers.get("Origin")
        if origin is None:
            raise _refuse("origin header is not specified in the request")
        method = request.headers.get("Access-Control-Request-Method")
        if method is None:
            raise _refuse("'Access-Control-Request-Method' header is not specified")
        shared = self._find_shared(request)
        policies = () if shared is None else shared.methods.values()
        if not any(_find_options(policy, origin) for policy in policies):
            raise _refuse(f"origin {origin!r} is not allowed")
        policy = None if shared is None else shared.find(method)
        options = None if policy is None else _find_options(policy, origin)
        if options is None:
            raise _refuse(f"request method {method!r} is not allowed for {origin!r} origin")
        asked = _parse_names(request.headers.get("Access-Control-Request-Headers", ""))
        if options.allow_headers != "*":
            allowed = {name.lower() for name in options.allow_headers}
            refused = [name for name in asked if name not in allowed]
            if refused:
                raise _refuse(f"headers are not allowed: {', '.join(refused)}")
        headers = {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": method,
            "Vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
        }
        if options.allow_credentials:
            headers["Access-Control-Allow-Credentials"] = "true"
        if options.max_age is not None:
            headers["Access-Control-Max-Age"] = str(options.max_age)
        if asked:
            headers["Access-Control-Allow-Headers"] = ",".join(asked)
        return web.Response(headers=headers)

    async def _grant(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add the fields that let a page read the answer."""
        shared = self._find_shared(request)
        if shared is None or request.method == "OPTIONS":
            return
        policy = shared.find(request.method)
        if policy is None:
            return
        headers = response.headers
        # Another origin gets other fields: a cache must know, also where none was named.
        vary = headers.get("Vary")
        if vary is None:
            headers["Vary"] = "Origin"
        elif vary.strip() != "*" and "origin" not in _parse_names(vary):
            headers["Vary"] = f"{vary}, Origin"
        origin = request.headers.get("Origin")
        options = None if origin is None else _find_options(policy, origin)
        if origin is None or options is None:
            return
        headers["Access-Control-Allow-Origin"] = origin
        if options.allow_credentials:
            headers["Access-Control-Allow-Credentials"] = "true"
        exposed = options.expose_headers
        if exposed == "*":
            exposed = {
                name
                for name in headers
                if name.lower() not in _SAFE_TO_READ and not name.startswith("Access-Control-")
            }
        if exposed:
            headers["Access-Control-Expose-Headers"] = ",".join(sorted(exposed))


def _parse_names(text: str) -> list[str]:
    names = [name.strip().lower() for name in text.split(",")]
    return [name for name in names if _TOKEN.fullmatch(name)]


def _refuse(reason: str) -> web.HTTPForbidden:
    return web.HTTPForbidden(text=f"CORS preflight request failed: {reason}")


class CorsViewMixin:
    """For a `web.View` whose class says what it shares: `cors_config`, over the defaults."""

    cors_config: ClassVar[Config | None] = None


def custom_cors(config: Config) -> Callable[[_F], _F]:
    """A decorator for a method of a view: `config` goes over the view's `cors_config`."""

    def decorate(function: _F) -> _F:
        setattr(function, _ATTRIBUTE, config)
        return function

    return decorate


def setup(app: web.Application, *, defaults: Config | None = None) -> CorsConfig:
    """The `CorsConfig` of `app`, for its resources; `defaults` hold for all that are added."""
    return CorsConfig(app, defaults)
