"""Middlewares: how a handler is wrapped, and the one that comes with the library.

In: a handler and the applications on the way to it. Out: one callable that runs all of their
middlewares, outermost application first; it is built once a route and table. Middlewares of the
old form, factories `async def factory(app, handler)`, are awaited for each request, as they were.
"""

import functools
import inspect
import re
import warnings
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from tercel.web.errors import HTTPMove, HTTPPermanentRedirect

__all__ = ("is_old_style", "middleware", "normalize_path_middleware", "wrap_handler")

Handler = Callable[[Any], Awaitable[Any]]
_F = TypeVar("_F")

_SLASHES = re.compile("//+")
_LEADING = re.compile(r"^[/\\]+")


def middleware(f: _F) -> _F:
    """Mark a coroutine function of `request` and `handler` as a middleware."""
    f.__middleware_version__ = 1  # type: ignore[attr-defined]
    return f


def is_old_style(function: Any) -> bool:
    """True for a factory of `app` and `handler`.

    What carries no mark is judged by its first parameter: "request" makes it a middleware.
    """
    if getattr(function, "__middleware_version__", 0) == 1:
        return False
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return True
    return not names or names[0] != "request"


def wrap_handler(handler: Handler, apps: tuple[Any, ...]) -> Handler:
    """`handler` behind the middlewares of `apps`, outermost first."""
    current = apps[-1] if apps else None
    run = handler
    for app in reversed(apps):
        chain = tuple(app.middlewares)
        if not chain:
            continue
        if app is not current:
            # While an outer application's middlewares run, it is `request.app`.
            run = _Switch(app, current, run)
            current = app
        for function in reversed(chain):
            if is_old_style(function):
                warnings.warn(
                    f"old-style middleware {function!r} deprecated, see #2252",
                    DeprecationWarning,
                    stacklevel=2,
                )
                run = _OldStyle(function, app, run)
            else:
                run = _chain(function, run)
    if apps and current is not apps[-1]:
        run = _Switch(apps[-1], current, run)
    return run


def _chain(function: Any, inner: Handler) -> Handler:
    """A call of a middleware: by position where it can be, which is faster, else by name."""
    code = getattr(function, "__code__", None)
    if code is None or code.co_argcount < 2:
        return functools.partial(function, handler=inner)

    def run(request: Any) -> Any:
        return function(request, inner)

    run._tercel_middleware = function  # type: ignore[attr-defined]
    run._tercel_inner = inner  # type: ignore[attr-defined]
    return run


class _Switch:
    """Makes `inner` the request's application for what is inside, and `outer` again after it."""

    def __init__(self, outer: Any, inner: Any, run: Handler) -> None:
        self._outer = outer
        self._inner = inner
        self._run = run

    async def __call__(self, request: Any) -> Any:
        info = request.match_info
        info.current_app = self._inner
        try:
            return await self._run(request)
        finally:
            info.current_app = self._outer


class _OldStyle:
    """Awaits a factory for the handler of each request."""

    def __init__(self, factory: Any, app: Any, run: Handler) -> None:
        self._factory = factory
        self._app = app
        self._run = run

    async def __call__(self, request: Any) -> Any:
        handler = await self._factory(self._app, self._run)
        return await handler(request)


def normalize_path_middleware(
    *,
    append_slash: bool = True,
    remove_slash: bool = False,
    merge_slashes: bool = True,
    redirect_class: type[HTTPMove] = HTTPPermanentRedirect,
) -> Any:
    """A middleware that redirects to a path that leads on (web_reference, Middlewares).

    It tries, where nothing was found: slashes merged; a slash appended or removed; both. The
    redirect never leads to another host. Raises AssertionError for `append_slash` together with
    `remove_slash`.
    """
    if append_slash and remove_slash:
        raise AssertionError("Cannot both remove and append slash")

    @middleware
    async def normalize_path(request: Any, handler: Handler) -> Any:
        if request.match_info.http_exception is None:
            return await handler(request)
        path, mark, query = request.raw_path.partition("?")
        if not path.startswith("/"):
            return await handler(request)
        for candidate in _list_paths(path, append_slash, remove_slash, merge_slashes):
            # Two slashes, or a backslash, would make it the name of another host.
            candidate = _LEADING.sub("/", candidate)
            if candidate != path and await _leads_on(request, candidate):
                raise redirect_class(candidate.replace("\\", "%5C") + mark + query)
        return await handler(request)

    return normalize_path


def _list_paths(path: str, append: bool, remove: bool, merge: bool) -> list[str]:
    """The paths to try, in the documented order."""
    paths = []
    merged = _SLASHES.sub("/", path)
    if merge:
        paths.append(merged)
    if append and not path.endswith("/"):
        paths.append(path + "/")
        if merge:
            paths.append(merged + "/")
    if remove and path.endswith("/"):
        paths.append(path[:-1])
        if merge:
            paths.append(merged[:-1])
    return paths


async def _leads_on(request: Any, path: str) -> bool:
    found = await request.app.router.resolve(_Probe(request, path))
    return found.http_exception is None


class _Probe:
    """A request of another path, as far as a router looks; the rest is the request's own."""

    def __init__(self, request: Any, path: str) -> None:
        from yarl import URL

        self._request = request
        self.rel_url = URL.build(path=path, encoded=True)
        self.path = self.rel_url.path
        self.raw_path = path

    def __getattr__(self, name: str) -> Any:
        return getattr(self._request, name)
