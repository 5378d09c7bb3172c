"""Application: routes, middlewares, signals, and what handlers share (web_reference, Application).

In: requests, from a `Server` whose handler is `_handle`. Out: responses. A request costs one
look-up in the router's table and one call of a chain that was built before; coroutines for each
request are those of the middlewares and of the handler. Life: `startup()`, `freeze()`, requests,
`shutdown()`, `cleanup()`.
"""

import asyncio
import functools
import logging
import warnings
from collections.abc import Awaitable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any, TypeVar, cast, overload

from aiosignal import Signal
from frozenlist import FrozenList

from tercel.abc import AbstractAccessLogger, AbstractAsyncAccessLogger, AbstractRouter
from tercel.web.cleanup import CleanupContext
from tercel.web.dispatcher import UrlDispatcher
from tercel.web.domains import parse_domain
from tercel.web.keys import AppKey, NotAppKeyWarning
from tercel.web.middlewares import wrap_handler
from tercel.web.mounts import MatchedSubAppResource, PrefixedSubAppResource
from tercel.web.request import Request
from tercel.web.router import Endpoint, Entry
from tercel.web.routes import AbstractRoute, answer_expect, make_miss
from tercel.web.server import Server
from tercel.web.stream import StreamResponse

__all__ = ("Application",)

_T = TypeVar("_T")
_U = TypeVar("_U")

web_logger = logging.getLogger("tercel.web")


async def _answer_miss(request: Any) -> Any:
    # A new exception each time: one that is kept would keep the frames that it went through.
    raise make_miss(request._match)


class Application(MutableMapping["str | AppKey[Any]", Any]):
    """A web application; also a mapping of what its handlers share, by `AppKey`.

    `client_max_size` is the octets that `request.read()` and `post()` accept, 1 MiB by default;
    `client_max_fields` the fields of a form, 1000 by default; 0 is no limit for either.
    `handler_args` are settings of `Server` that override others. `router`, `loop` and `debug` are
    deprecated.
    """

    def __init__(
        self,
        *,
        logger: logging.Logger = web_logger,
        router: AbstractRouter | None = None,
        middlewares: Iterable[Any] = (),
        handler_args: Mapping[str, Any] | None = None,
        client_max_size: int = 1024**2,
        client_max_fields: int = 1000,
        loop: asyncio.AbstractEventLoop | None = None,
        debug: Any = ...,
    ) -> None:
        if loop is not None:
            _deprecate("loop argument is deprecated")
        if debug is not ...:
            _deprecate("debug argument is deprecated")
        if router is None:
            router = UrlDispatcher()
        else:
            _deprecate("router argument is deprecated")
            if not isinstance(router, AbstractRouter):
                raise TypeError(f"router must be an AbstractRouter, got {router!r}")
        self.logger = logger
        self._router = router
        #: The router where look-ups need no coroutine, else None.
        self._dispatcher: UrlDispatcher | None = None
        if isinstance(router, UrlDispatcher) and type(router).resolve is UrlDispatcher.resolve:
            self._dispatcher = router
        self._loop = loop
        self._debug = debug
        self._handler_args = handler_args
        self._client_max_size = client_max_size
        self._client_max_fields = client_max_fields
        self._middlewares: FrozenList[Any] = FrozenList(middlewares)
        self._state: dict[str | AppKey[Any], Any] = {}
        self._frozen = False
        self._pre_frozen = False
        self._is_mounted = False
        self._subapps: list[Application] = []
        self._starting: asyncio.Future[None] | None = None
        self._has_started = False
        self._on_response_prepare: Signal[Any] = Signal(self)
        self._on_startup: Signal[Any] = Signal(self)
        self._on_shutdown: Signal[Any] = Signal(self)
        self._on_cleanup: Signal[Any] = Signal(self)
        self._cleanup_ctx = CleanupContext()
        self._on_startup.append(self._cleanup_ctx.enter)
        self._on_cleanup.append(self._cleanup_ctx.leave)
        router.post_init(self)

    def __init_subclass__(cls) -> None:
        warnings.warn(
            f"Inheritance class {cls.__name__} from web.Application is discouraged",
            DeprecationWarning,
            stacklevel=2,
        )

    # What handlers share

    @overload
    def __getitem__(self, key: AppKey[_T]) -> _T: ...
    @overload
    def __getitem__(self, key: str) -> Any: ...
    def __getitem__(self, key: "str | AppKey[Any]") -> Any:
        return self._state[key]

    @overload
    def __setitem__(self, key: AppKey[_T], value: _T) -> None: ...
    @overload
    def __setitem__(self, key: str, value: Any) -> None: ...
    def __setitem__(self, key: "str | AppKey[Any]", value: Any) -> None:
        self._check_change()
        if not isinstance(key, AppKey):
            warnings.warn(
                "It is recommended to use web.AppKey instances for keys",
                NotAppKeyWarning,
                stacklevel=2,
            )
        self._state[key] = value

    def __delitem__(self, key: "str | AppKey[Any]") -> None:
        self._check_change()
        del self._state[key]

    def _check_change(self) -> None:
        if self._frozen:
            warnings.warn(
                "Changing state of started or joined application is deprecated",
                DeprecationWarning,
                stacklevel=3,
            )

    def __len__(self) -> int:
        return len(self._state)

    def __iter__(self) -> "Iterator[str | AppKey[Any]]":
        return iter(self._state)

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    @overload  # type: ignore[override]
    def get(self, key: AppKey[_T], default: None = ...) -> _T | None: ...
    @overload
    def get(self, key: AppKey[_T], default: _U) -> _T | _U: ...
    @overload
    def get(self, key: str, default: Any = ...) -> Any: ...
    def get(self, key: "str | AppKey[Any]", default: Any = None) -> Any:
        """The value of `key`, `default` where it is not set."""
        return self._state.get(key, default)

    # Parts

    @property
    def router(self) -> UrlDispatcher:
        """The router."""
        return cast(UrlDispatcher, self._router)

    @property
    def middlewares(self) -> FrozenList[Any]:
        """The middlewares, outermost first."""
        return self._middlewares

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop, None before the start. Deprecated."""
        _deprecate("loop property is deprecated")
        return cast(asyncio.AbstractEventLoop, self._loop)

    @property
    def debug(self) -> bool:
        """True where error pages show what happened. Deprecated."""
        _deprecate("debug property is deprecated")
        return cast(bool, self._debug)

    @property
    def on_response_prepare(self) -> Signal[Any]:
        """Sent with request and response just before a head goes out."""
        return self._on_response_prepare

    @property
    def on_startup(self) -> Signal[Any]:
        """Sent with the application before it serves."""
        return self._on_startup

    @property
    def on_shutdown(self) -> Signal[Any]:
        """Sent with the application when it stops taking requests."""
        return self._on_shutdown

    @property
    def on_cleanup(self) -> Signal[Any]:
        """Sent with the application at its end."""
        return self._on_cleanup

    @property
    def cleanup_ctx(self) -> CleanupContext:
        """Pairs of start and end, as generators or context managers."""
        return self._cleanup_ctx

    def add_routes(self, routes: Iterable[Any]) -> list[AbstractRoute]:
        """Register route definitions; the routes that came of them."""
        return self.router.add_routes(routes)

    # Sub-applications

    def add_subapp(self, prefix: str, subapp: "Application") -> PrefixedSubAppResource:
        """Let `subapp` serve the paths below `prefix` (web_reference, Application.add_subapp).

        Raises TypeError for what is no str, ValueError for an empty prefix, RuntimeError where
        either application has started or `subapp` is part of another one.
        """
        if not isinstance(prefix, str):
            raise TypeError("Prefix must be str")
        prefix = prefix.rstrip("/")
        if not prefix:
            raise ValueError("Prefix cannot be empty")
        self._check_subapp(subapp)
        resource = PrefixedSubAppResource(prefix, subapp)
        self._join(resource, subapp)
        return resource

    def add_domain(self, domain: str, subapp: "Application") -> MatchedSubAppResource:
        """Let `subapp` serve a host name, or with "*" many (web_reference, add_domain).

        Raises TypeError for what is no str, ValueError for what is no host name, RuntimeError as
        `add_subapp` does.
        """
        rule = parse_domain(domain)
        self._check_subapp(subapp)
        resource = MatchedSubAppResource(rule, subapp)
        self._join(resource, subapp)
        return resource

    def _check_subapp(self, subapp: "Application") -> None:
        if self._frozen:
            raise RuntimeError("Cannot add sub application to frozen application")
        if subapp.frozen:
            raise RuntimeError("Cannot add frozen application")
        if subapp is self or subapp._is_mounted:
            raise RuntimeError(f"{subapp!r} is part of an application already")

    def _join(self, resource: Any, subapp: "Application") -> None:
        self.router.register_resource(resource)
        subapp._is_mounted = True
        for name in ("_on_startup", "_on_shutdown", "_on_cleanup"):
            getattr(self, name).append(functools.partial(_relay, name, subapp))
        self._subapps.append(subapp)
        subapp.pre_freeze()
        if self._loop is not None:
            subapp._set_loop(self._loop)

    # Life

    @property
    def pre_frozen(self) -> bool:
        """True once middlewares and signals can't be changed."""
        return self._pre_frozen

    @property
    def frozen(self) -> bool:
        """True once the application serves."""
        return self._frozen

    def pre_freeze(self) -> None:
        """Allow no more changes of middlewares and signals."""
        if self._pre_frozen:
            return
        self._pre_frozen = True
        self._middlewares.freeze()
        self._router.freeze()
        self._on_response_prepare.freeze()
        self._cleanup_ctx.freeze()
        self._on_startup.freeze()
        self._on_shutdown.freeze()
        self._on_cleanup.freeze()
        for subapp in self._subapps:
            subapp.pre_freeze()
        self._forget_chains()

    def freeze(self) -> None:
        """`pre_freeze()`, and warn of changes of what handlers share. Routes may still change."""
        if self._frozen:
            return
        self.pre_freeze()
        self._frozen = True
        for subapp in self._subapps:
            subapp.freeze()
        self._forget_chains()

    def _forget_chains(self) -> None:
        if self._dispatcher is not None:
            self._dispatcher._changed()

    def _set_loop(self, loop: asyncio.AbstractEventLoop | None) -> None:
        if loop is None:
            loop = asyncio.get_event_loop()
        if self._loop is not None and self._loop is not loop:
            raise RuntimeError("web.Application instance initialized with different loop")
        self._loop = loop
        if self._debug is ...:
            self._debug = loop.get_debug()
        for subapp in self._subapps:
            subapp._set_loop(loop)

    async def startup(self) -> None:
        """Send `on_startup`. Routes and middlewares may be added until its end."""
        self._has_started = True
        self._set_loop(asyncio.get_running_loop())
        self._cleanup_ctx.freeze()
        self._on_startup.freeze()
        await self._on_startup.send(self)

    async def shutdown(self) -> None:
        """Send `on_shutdown`."""
        self._on_shutdown.freeze()
        await self._on_shutdown.send(self)

    async def cleanup(self) -> None:
        """Send `on_cleanup`; where the start failed, close only what had been opened."""
        if self._on_cleanup.frozen:
            await self._on_cleanup.send(self)
        else:
            await self._leave_contexts()

    async def _leave_contexts(self) -> None:
        for subapp in reversed(self._subapps):
            await subapp._leave_contexts()
        await self._cleanup_ctx.leave(self)

    # Serving

    def _make_handler(
        self, *, loop: asyncio.AbstractEventLoop | None = None, **kwargs: Any
    ) -> Server:
        """A `Server` whose requests this application answers."""
        logger_class = kwargs.get("access_log_class")
        if logger_class is not None and not _makes_access_logs(logger_class):
            raise TypeError(
                f"access_log_class must be a subclass of AbstractAccessLogger, got {logger_class!r}"
            )
        if loop is not None:
            self._set_loop(loop)
        self.freeze()
        kwargs["debug"] = self._debug is True
        if self._handler_args:
            kwargs.update(self._handler_args)
        handler: Any = self._handle
        if self._dispatcher is not None and type(self)._handle is Application._handle:
            handler = Entry(self._dispatcher, handler)
        server = Server(handler, request_factory=self._make_request, loop=loop, **kwargs)
        if type(self)._make_request is Application._make_request:
            server.use_requests(Request, self._client_max_size, self._client_max_fields)
        return server

    def make_handler(
        self,
        *,
        loop: asyncio.AbstractEventLoop | None = None,
        access_log_class: Any = None,
        **kwargs: Any,
    ) -> Server:
        """A protocol factory for `loop.create_server()`. Deprecated: use `AppRunner`.

        `on_startup` is sent at the first request, unless the program has called `startup()`.
        """
        _deprecate("Application.make_handler(...) is deprecated, use AppRunner API instead")
        if access_log_class is not None:
            kwargs["access_log_class"] = access_log_class
        server = self._make_handler(loop=loop or self._loop, **kwargs)
        server.handler = server.request_handler = self._handle_once_started
        return server

    async def _handle_once_started(self, request: Request) -> StreamResponse:
        if not self._has_started:
            self._starting = asyncio.ensure_future(self.startup())
            self._has_started = True
        starting = self._starting
        if starting is not None:
            await asyncio.shield(starting)
            self._starting = None
        return await self._handle(request)

    def _make_request(
        self, message: Any, payload: Any, protocol: Any, writer: Any, task: Any
    ) -> Request:
        return Request(
            message,
            payload,
            protocol,
            writer,
            task,
            protocol.loop,
            client_max_size=self._client_max_size,
            client_max_fields=self._client_max_fields,
        )

    def _handle(self, request: Any) -> Awaitable[StreamResponse]:
        """Find the request's handler and call it; the result is to be awaited for a response."""
        dispatcher = self._dispatcher
        if dispatcher is None:
            return self._handle_slowly(request)
        table = dispatcher._table
        if table is None:
            table = dispatcher.table
        if not table.is_sync:
            return self._handle_slowly(request)
        answer = table.start(request, request.host if table.needs_host else None)
        if answer is not None:
            return answer  # type: ignore[no-any-return]
        match = request._match
        endpoint = match.endpoint
        run = endpoint.run
        if run is None:
            run = self._link(endpoint)
        if endpoint.has_hook:
            request._has_prepare_hook = True
        if request._head.expects and match.allowed is None:
            return _answer_expecting(request, endpoint.route, run)
        return run(request)  # type: ignore[no-any-return]

    def _link(self, endpoint: Endpoint) -> Any:
        """Build the chain of an endpoint; keep it once nothing can change it."""
        route = endpoint.route
        run = wrap_handler(_answer_miss if route is None else route.handler, endpoint.apps)
        endpoint.has_hook = any(app.on_response_prepare for app in endpoint.apps)
        if all(app.pre_frozen for app in endpoint.apps):
            endpoint.call(run)
        return run

    async def _handle_slowly(self, request: Any) -> StreamResponse:
        """The same where the router, or one of its resources, must be awaited."""
        info = await self._router.resolve(request)
        info.add_app(self)
        info.freeze()
        request._match_info = info
        request._has_prepare_hook = any(app.on_response_prepare for app in info.apps)
        if request.headers.get("Expect") and info.http_exception is None:
            answer = await info.expect_handler(request)
            if answer is not None:
                return answer  # type: ignore[no-any-return]
            request._head.expects_continue = False
        run = wrap_handler(info.handler, info.apps)
        return await run(request)  # type: ignore[no-any-return]

    def __call__(self) -> "Application":
        """Itself: an application stands where a factory is wanted, for Gunicorn."""
        return self

    def __repr__(self) -> str:
        return f"<Application 0x{id(self):x}>"


async def _relay(name: str, subapp: Application, app: Application) -> None:
    """Send a signal on to a sub-application."""
    signal = getattr(subapp, name)
    if name == "_on_startup":
        subapp._set_loop(app._loop)
        subapp._has_started = True
    await signal.send(subapp)


def _makes_access_logs(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(
        kind, AbstractAccessLogger | AbstractAsyncAccessLogger
    )


async def _answer_expecting(request: Any, route: AbstractRoute, run: Any) -> Any:
    if route._expect_handler is answer_expect:
        answer = await answer_expect(request)  # type: ignore[func-returns-value]
    else:
        answer = await route.handle_expect_header(request)
    if answer is not None:
        return answer
    # Such a handler has written 100 Continue itself, maybe past the exchange.
    request._head.expects_continue = False
    return await run(request)


def _deprecate(sentence: str) -> None:
    warnings.warn(sentence, DeprecationWarning, stacklevel=3)
