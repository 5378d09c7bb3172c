"""Decorators for handlers that need a user, and where to go after a login.

In: a handler. Out: one that answers 401, 403, or a redirect to the page where people log in. A
path to return to is taken only where it leads back to this site.
"""

import functools
import inspect
import re
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Any, overload

from yarl import URL

from tercel import web
from tercel.abc import AbstractView
from tercel.ext.security.access import check_permission, is_anonymous

__all__ = ("login_required", "permission_required", "safe_path")

Handler = Callable[..., Awaitable[web.StreamResponse]]
Decorator = Callable[[Handler], Handler]
# Browsers read a backslash as a slash, and take control characters out.
_UNSAFE = re.compile(r"[\x00-\x20\\\x7f]")


def safe_path(path: Any, default: str = "/") -> str:
    """`path` where it is a path on this site, else `default`: for `?next=` after a login."""
    if isinstance(path, str) and path.startswith("/") and not path.startswith("//"):
        if not _UNSAFE.search(path):
            return path
    return default


@overload
def login_required(handler: Handler) -> Handler: ...
@overload
def login_required(*, login: str | None = None) -> Decorator: ...
def login_required(
    handler: Handler | None = None, *, login: str | None = None
) -> Handler | Decorator:
    """Let only users in; for handler functions, methods, and methods of a `web.View`.

    Anonymous clients get 401, or with `login`, a path, a redirect to it, which has `?next=` with
    the path that was asked for where that was a GET.
    """

    async def check(request: web.Request) -> None:
        if await is_anonymous(request):
            raise _send_away(request, login)

    return _guard(check) if handler is None else _guard(check)(handler)


def permission_required(
    permission: str | Enum,
    *,
    context: Callable[[web.Request], Any] | None = None,
    login: str | None = None,
) -> Decorator:
    """Let only users in who have `permission`; others get 403, anonymous ones as above.

    `context` is a function, or a coroutine function, that takes the request and gives what the
    permission is about, such as a post; it may raise HTTPNotFound.
    """

    async def check(request: web.Request) -> None:
        if await is_anonymous(request):
            raise _send_away(request, login)
        about = None if context is None else context(request)
        if inspect.isawaitable(about):
            about = await about
        await check_permission(request, permission, about)

    return _guard(check)


def _guard(check: Callable[[web.Request], Awaitable[None]]) -> Decorator:
    def decorate(handler: Handler) -> Handler:
        if isinstance(handler, type):
            raise TypeError(f"decorate the methods of {handler.__name__}, not the class")

        @functools.wraps(handler)
        async def guarded(*args: Any) -> web.StreamResponse:
            first = args[0]
            await check(first.request if isinstance(first, AbstractView) else args[-1])
            return await handler(*args)

        return guarded

    return decorate


def _send_away(request: web.Request, login: str | None) -> web.HTTPException:
    if login is None:
        return web.HTTPUnauthorized()
    url = URL(login)
    if request.method in ("GET", "HEAD"):
        url = url.update_query(next=request.path_qs)
    return web.HTTPSeeOther(url)
