"""Routes: a method, a handler, and the resource that both belong to.

In: what the application gives as handler: a coroutine function, a `View` class, anything that
returns an awaitable, or (deprecated) a plain function. Out: a handler that can be awaited.
Also the two answers to paths that lead nowhere, 404 and 405.
"""

import abc
import functools
import inspect
import re
import types
import warnings
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

from tercel.abc import AbstractView
from tercel.web.errors import (
    HTTPException,
    HTTPExpectationFailed,
    HTTPMethodNotAllowed,
    HTTPNotFound,
)
from tercel.wire.version import HttpVersion11

if TYPE_CHECKING:
    from yarl import URL

__all__ = ("AbstractRoute", "ResourceRoute", "SystemRoute", "adapt_handler", "make_miss")

Handler = Callable[[Any], Awaitable[Any]]

_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class AbstractRoute(abc.ABC):
    """Base of routes (web_reference, AbstractRoute).

    Raises ValueError for a method that is no token (RFC 9110 section 9.1), TypeError for a
    handler that can't be called or an expect handler that is no coroutine function.
    """

    def __init__(
        self,
        method: str,
        handler: Any,
        *,
        expect_handler: Handler | None = None,
        resource: Any = None,
    ) -> None:
        if expect_handler is None:
            expect_handler = answer_expect
        elif not _is_async(expect_handler):
            raise TypeError(f"Coroutine is expected, got {expect_handler!r}")
        if _METHOD.fullmatch(method) is None:
            raise ValueError(f"{method} is not allowed HTTP method")
        self._method = method.upper()
        self._handler = adapt_handler(handler)
        self._expect_handler = expect_handler
        self._resource = resource

    @property
    def method(self) -> str:
        """The method, "*" for any."""
        return self._method

    @property
    def handler(self) -> Handler:
        """What answers the route's requests."""
        return self._handler

    @property
    @abc.abstractmethod
    def name(self) -> str | None:
        """The name of the resource, None where it has none."""

    @property
    def resource(self) -> Any:
        """The resource, None for a `SystemRoute`."""
        return self._resource

    @abc.abstractmethod
    def get_info(self) -> dict[str, Any]:
        """A description for people."""

    @abc.abstractmethod
    def url_for(self, *args: Any, **kwargs: Any) -> "URL":
        """The URL of the resource."""

    async def handle_expect_header(self, request: Any) -> Any:
        """Answer the Expect header of `request`; a response ends the exchange, None goes on."""
        return await self._expect_handler(request)


class ResourceRoute(AbstractRoute):
    """A method of a resource (web_reference, ResourceRoute)."""

    def __init__(
        self, method: str, handler: Any, resource: Any, *, expect_handler: Handler | None = None
    ) -> None:
        super().__init__(method, handler, expect_handler=expect_handler, resource=resource)

    def __repr__(self) -> str:
        return f"<ResourceRoute [{self.method}] {self._resource} -> {self.handler!r}>"

    @property
    def name(self) -> str | None:
        """The resource's name."""
        return self._resource.name if self._resource is not None else None

    def url_for(self, *args: Any, **kwargs: Any) -> "URL":
        """`resource.url_for()`."""
        return self._resource.url_for(*args, **kwargs)  # type: ignore[no-any-return]

    def get_info(self) -> dict[str, Any]:
        """`resource.get_info()`."""
        return self._resource.get_info()  # type: ignore[no-any-return]


class SystemRoute(AbstractRoute):
    """The route of a request that leads nowhere: its handler raises `http_exception`."""

    def __init__(self, http_exception: HTTPException) -> None:
        super().__init__("*", self._raise)
        self._http_exception = http_exception

    async def _raise(self, request: Any) -> Any:
        raise self._http_exception

    @property
    def name(self) -> str | None:
        """None."""
        return None

    @property
    def status(self) -> int:
        """The HTTP status, 404 or 405."""
        return self._http_exception.status

    @property
    def reason(self) -> str:
        """The reason phrase."""
        return self._http_exception.reason

    def url_for(self, *args: Any, **kwargs: Any) -> "URL":
        """Raises RuntimeError."""
        raise RuntimeError(".url_for() is not allowed for SystemRoute")

    def get_info(self) -> dict[str, Any]:
        """The exception."""
        return {"http_exception": self._http_exception}

    def __repr__(self) -> str:
        return f"<SystemRoute {self.status}: {self.reason}>"


def make_miss(match: Any) -> HTTPException:
    """The exception for a match that found nothing: 405 where other methods lead on, else 404."""
    if match.allowed:
        return HTTPMethodNotAllowed(match.method, match.allowed)
    return HTTPNotFound()


async def answer_expect(request: Any) -> None:
    """Send 100 Continue, or raise HTTPExpectationFailed for anything else (RFC 9110, 10.1.1)."""
    if request.version < HttpVersion11:
        return
    expect = request.headers.get("Expect", "")
    if expect.lower() != "100-continue":
        raise HTTPExpectationFailed(text=f"Unknown Expect: {expect}")
    request._exchange.send_informational(100)


def adapt_handler(handler: Any) -> Handler:
    """What can be called with a request and awaited, whatever the application gave."""
    if _is_async(handler):
        return handler  # type: ignore[no-any-return]
    if not callable(handler):
        raise TypeError(f"a handler must be a coroutine function, got {handler!r}")
    if isinstance(handler, type) and issubclass(handler, AbstractView):
        return handler
    if inspect.isgeneratorfunction(handler):
        warnings.warn(
            "Bare generators are deprecated, use async functions", DeprecationWarning, stacklevel=5
        )
        return cast(Handler, types.coroutine(handler))
    warnings.warn("Bare functions are deprecated, use async ones", DeprecationWarning, stacklevel=5)

    @functools.wraps(handler)
    async def call(request: Any) -> Any:
        result = handler(request)
        if inspect.isawaitable(result):
            result = await result
        return result

    return call


def _is_async(function: Any) -> bool:
    """True for coroutine functions, and for objects whose `__call__` is one."""
    if inspect.iscoroutinefunction(function):
        return True
    if isinstance(function, type) or inspect.isroutine(function):
        return False
    return inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004
