"""The abstract classes that applications may implement or check against (abc).

Each says what the library asks of a router, a match, a view, a cookie jar, a resolver, an access
logger and a body writer. No implementation lives here, and requests, responses and applications
are `Any`: this module stands below both the client and the server.
"""

import logging
import socket
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Generator, Iterable, Sized
from typing import TYPE_CHECKING, Any, TypedDict

from yarl import URL

if TYPE_CHECKING:
    import asyncio
    from http.cookies import BaseCookie, Morsel

    from tercel.typedefs import LooseCookies

__all__ = (
    "AbstractAccessLogger",
    "AbstractAsyncAccessLogger",
    "AbstractCookieJar",
    "AbstractMatchInfo",
    "AbstractResolver",
    "AbstractRouter",
    "AbstractStreamWriter",
    "AbstractView",
    "ResolveResult",
)


class AbstractRouter(ABC):
    """What `web.Application` asks of a router: one coroutine, `resolve()`."""

    def __init__(self) -> None:
        self._frozen = False

    def post_init(self, app: Any) -> None:  # noqa: B027
        """Called with the application once the application is made."""

    @property
    def frozen(self) -> bool:
        """True once `freeze()` was called."""
        return self._frozen

    def freeze(self) -> None:
        """Called when the application starts."""
        self._frozen = True

    @abstractmethod
    async def resolve(self, request: Any) -> "AbstractMatchInfo":
        """The match for `request`; a path that leads nowhere is a match with `http_exception`."""


class AbstractMatchInfo(ABC):
    """What a router found for a request."""

    __slots__ = ()

    @property
    @abstractmethod
    def handler(self) -> Callable[[Any], Awaitable[Any]]:
        """The web handler; it raises `http_exception` where there is one."""

    @property
    @abstractmethod
    def expect_handler(self) -> Callable[[Any], Awaitable[Any]]:
        """Called with the request before the handler where it came with Expect."""

    @property
    @abstractmethod
    def http_exception(self) -> Any:
        """The `web.HTTPException` to answer with, None where a handler was found."""

    @abstractmethod
    def get_info(self) -> dict[str, Any]:
        """A description of the match, for people."""

    @property
    @abstractmethod
    def apps(self) -> tuple[Any, ...]:
        """The applications that led to the handler, outermost first."""

    @abstractmethod
    def add_app(self, app: Any) -> None:
        """Put `app` before the applications known so far. RuntimeError once frozen."""

    @abstractmethod
    def freeze(self) -> None:
        """Allow no more `add_app()`."""


class AbstractView(ABC):
    """A class-based view: made with a request, awaited for the response."""

    def __init__(self, request: Any) -> None:
        self._request = request

    @property
    def request(self) -> Any:
        """The request that the view was made for."""
        return self._request

    @abstractmethod
    def __await__(self) -> Generator[Any, None, Any]:
        """Run the view; the result is a response."""


class ResolveResult(TypedDict):
    """One address of a host name, as `AbstractResolver.resolve` gives it."""

    hostname: str
    host: str
    port: int
    family: int
    proto: int
    flags: int


class AbstractResolver(ABC):
    """A resolver of host names."""

    @abstractmethod
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of `host`. Raises OSError where it has none."""

    @abstractmethod
    async def close(self) -> None:
        """Release what the resolver holds."""


class AbstractCookieJar(Sized, Iterable["Morsel[str]"]):
    """A store of cookies for a client session."""

    def __init__(self, *, loop: "asyncio.AbstractEventLoop | None" = None) -> None:
        self._loop = loop

    @property
    @abstractmethod
    def quote_cookie(self) -> bool:
        """True where values are quoted when sent."""

    @property
    def unsafe(self) -> bool:
        """True where cookies of IP addresses are taken."""
        return False

    @property
    def treat_as_secure_origin(self) -> frozenset[URL]:
        """Origins that get Secure cookies although they are not https."""
        return frozenset()

    @property
    def cookies(self) -> "dict[tuple[str, str], BaseCookie[str]]":
        """The cookies held, by (domain, path)."""
        return {}

    @property
    def host_only_cookies(self) -> frozenset[tuple[str, str, str]]:
        """(domain, path, name) of the cookies that go to their very host only."""
        return frozenset()

    @abstractmethod
    def clear(self, predicate: "Callable[[Morsel[str]], bool] | None" = None) -> None:
        """Remove the cookies for which `predicate` is true; all of them by default."""

    @abstractmethod
    def clear_domain(self, domain: str) -> None:
        """Remove the cookies of `domain` and of its subdomains."""

    @abstractmethod
    def update_cookies(self, cookies: "LooseCookies", response_url: URL = URL()) -> None:  # noqa: B008
        """Take cookies; with a `response_url` they belong to its host, else to every host."""

    def update_cookies_from_headers(self, headers: Iterable[str], response_url: URL) -> None:
        """Take the cookies of Set-Cookie values that came from `response_url`."""
        from http.cookies import CookieError, SimpleCookie

        for value in headers:
            cookie: SimpleCookie = SimpleCookie()
            try:
                cookie.load(value)
            except CookieError:
                continue
            self.update_cookies(cookie, response_url)

    @abstractmethod
    def filter_cookies(self, request_url: URL) -> "BaseCookie[str]":
        """The cookies to send with a request for `request_url`."""


class AbstractStreamWriter(ABC):
    """Where a payload writes its body."""

    buffer_size: int = 0
    output_size: int = 0
    length: int | None = 0

    @abstractmethod
    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Send a piece of the body."""

    @abstractmethod
    async def write_eof(self, chunk: bytes = b"") -> None:
        """Send the last piece, which may be empty, and end the body."""

    @abstractmethod
    async def drain(self) -> None:
        """Wait until the peer has taken enough."""

    @abstractmethod
    def enable_compression(self, encoding: str = "deflate", strategy: int | None = None) -> None:
        """Compress what is written from now on."""

    @abstractmethod
    def enable_chunking(self) -> None:
        """Send what is written as chunks."""

    @abstractmethod
    async def write_headers(self, status_line: str, headers: Any) -> None:
        """Send the head."""

    def send_headers(self) -> None:  # noqa: B027
        """Send a head that is held back; nothing by default."""

    @property
    def transport(self) -> "asyncio.Transport | None":
        """The transport that is written to; None where there is none."""
        return None

    async def on_body_write(self, chunk: bytes) -> None:  # noqa: B027
        """Told of each piece of the body, for those who watch; nothing by default."""


class AbstractAccessLogger(ABC):
    """A writer of the access log: made with a logger and a format."""

    __slots__ = ("log_format", "logger")

    def __init__(self, logger: logging.Logger, log_format: str) -> None:
        self.logger = logger
        self.log_format = log_format

    @abstractmethod
    def log(self, request: Any, response: Any, time: float) -> None:
        """Write a line; `time` is how long the request took, in seconds."""

    @property
    def enabled(self) -> bool:
        """False where nothing would be written, so that nothing needs to be worked out."""
        return True


class AbstractAsyncAccessLogger(ABC):
    """A writer of the access log that may wait: made with a logger and a format."""

    __slots__ = ("log_format", "logger")

    def __init__(self, logger: logging.Logger, log_format: str) -> None:
        self.logger = logger
        self.log_format = log_format

    @abstractmethod
    async def log(self, request: Any, response: Any, time: float) -> None:
        """Write a line; `time` is how long the request took, in seconds."""

    @property
    def enabled(self) -> bool:
        """False where nothing would be written."""
        return True
