"""A client for tests: a session that knows where the server of the test is.

In: a test server. Out: requests by path; leaving `async with` releases every answer, the session
and the server (testing.rst, "Test Client").
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Generic, TypeVar

from yarl import URL

from tercel import ClientResponse, ClientSession, ClientWebSocketResponse, CookieJar
from tercel.client.pending import PendingResult
from tercel.testing.memory import MemoryConnector
from tercel.testing.server import BaseTestServer, TestServer
from tercel.web import Application, BaseRequest

__all__ = ("TestClient",)

_Request = TypeVar("_Request", bound=BaseRequest)
_ApplicationNone = TypeVar("_ApplicationNone", Application, None)


class TestClient(Generic[_Request, _ApplicationNone]):
    """Requests to `server`, with a cookie jar that takes cookies of addresses.

    `scheme` and `host` are set on a server that is not started yet; `kwargs` are the arguments of
    `ClientSession`. TypeError where `server` is no test server: an application is wrapped in
    `TestServer` first. To type checkers it is `TestClient[web.Request, web.Application]`.
    """

    __test__ = False

    def __init__(
        self,
        server: BaseTestServer[_Request],
        *,
        scheme: str | None = None,
        host: str | None = None,
        cookie_jar: Any = None,
        loop: asyncio.AbstractEventLoop | None = None,
        **kwargs: Any,
    ) -> None:
        if not isinstance(server, BaseTestServer):
            raise TypeError(f"server must be TestServer instance, found type: {type(server)!r}")
        if not server.started:
            server.scheme = scheme or server.scheme
            server.host = host or server.host
        self._server = server
        self._loop = loop
        self._cookie_jar = cookie_jar
        self._kwargs = kwargs
        self._session: ClientSession | None = None
        self._closed = False
        self._responses: list[ClientResponse] = []
        self._sockets: list[ClientWebSocketResponse] = []

    async def start_server(self, **kwargs: Any) -> None:
        """Start the server; `kwargs` are those of its `start_server`."""
        kwargs.setdefault("loop", self._loop)
        await self._server.start_server(**kwargs)

    @property
    def scheme(self) -> str:
        """The server's scheme."""
        return self._server.scheme

    @property
    def host(self) -> str:
        """The server's host."""
        return self._server.host

    @property
    def port(self) -> int | None:
        """The server's port, None unless it listens."""
        return self._server.port

    @property
    def server(self) -> Any:
        """The server: what was given."""
        return self._server

    @property
    def app(self) -> Any:
        """The application that is tested, None where the server has none."""
        return self._server.app if isinstance(self._server, TestServer) else None

    @property
    def session(self) -> ClientSession:
        """The session; its requests need absolute URLs."""
        if self._session is None:
            jar = self._cookie_jar
            if jar is None:
                jar = CookieJar(unsafe=True, loop=self._loop)
            self._kwargs.setdefault("retry_stale", False)
            if self._server.memory and self._kwargs.get("connector") is None:
                self._kwargs["connector"] = MemoryConnector(self._server, loop=self._loop)
            self._session = ClientSession(loop=self._loop, cookie_jar=jar, **self._kwargs)
        return self._session

    def make_url(self, path: str | URL) -> URL:
        """The absolute URL of `path` on the server."""
        return self._server.make_url(path)

    async def _request(self, method: str, path: str | URL, **kwargs: Any) -> ClientResponse:
        response = await self.session.request(method, self.make_url(path), **kwargs)
        self._responses.append(response)
        return response

    def request(self, method: str, path: str | URL, **kwargs: Any) -> PendingResult[ClientResponse]:
        """Make a request; the arguments are those of `ClientSession.request`."""
        return PendingResult(self._request(method, path, **kwargs))

    def get(self, path: str | URL, **kwargs: Any) -> PendingResult[ClientResponse]:
        """Make a GET request."""
        return self.request("GET", path, **kwargs)

    def post(self, path: str | URL, **kwargs: Any) -> PendingResult[ClientResponse]:
        """Make a POST request."""
        return self.request("POST", path, **kwargs)

    def options(self, path: str | URL, **kwargs: Any) -> PendingResult[ClientResponse]:
        """Make an OPTIONS request."""
        return self.request("OPTIONS", path, **kwargs)

    def head(self, path: str | URL, **kwargs: Any) -> PendingResult[ClientResponse]:
        """Make a HEAD request; redirects are not followed unless asked for."""
        kwargs.setdefault("allow_redirects", False)
        return self.request("HEAD", path, **kwargs)

    def put(self, path: str | URL, **kwargs: Any) -> PendingResult[ClientResponse]:
        """Make a PUT request."""
        return self.request("PUT", path, **kwargs)

    def patch(self, path: str | URL, **kwargs: Any) -> PendingResult[ClientResponse]:
        """Make a PATCH request."""
        return self.request("PATCH", path, **kwargs)

    def delete(self, path: str | URL, **kwargs: Any) -> PendingResult[ClientResponse]:
        """Make a DELETE request."""
        return self.request("DELETE", path, **kwargs)

    async def _ws_connect(self, path: str | URL, **kwargs: Any) -> ClientWebSocketResponse:
        socket = await self.session.ws_connect(self.make_url(path), **kwargs)
        self._sockets.append(socket)
        return socket

    def ws_connect(
        self, path: str | URL, *, decode_text: bool = True, **kwargs: Any
    ) -> PendingResult[ClientWebSocketResponse]:
        """Open a WebSocket; the arguments are those of `ClientSession.ws_connect`."""
        return PendingResult(self._ws_connect(path, decode_text=decode_text, **kwargs))

    async def close(self) -> None:
        """Release all answers, then close the session and the server. May be repeated."""
        if self._closed:
            return
        self._closed = True
        for response in self._responses:
            response.close()
        for socket in self._sockets:
            await socket.close()
        if self._session is not None:
            await self._session.close()
        await self._server.close()

    async def __aenter__(self) -> TestClient[_Request, _ApplicationNone]:
        await self.start_server()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
