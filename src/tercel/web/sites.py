"""Sites: the places where a runner's server is reached (web_reference, "Running Applications").

In: a runner that is set up, and a TCP address, a path or a socket. Out: a listening socket between
`start()` and `stop()`. Stopping a site closes the listening socket only; connections are the
server's, and `BaseRunner.cleanup()` ends them.
"""

import asyncio
import os
import socket
import warnings
from abc import ABC, abstractmethod
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Protocol

from ..net.listen import (
    format_address,
    listen_pipe,
    listen_socket,
    listen_tcp,
    listen_unix,
    stop_listening,
)

if TYPE_CHECKING:
    from ssl import SSLContext

__all__ = ("BaseSite", "NamedPipeSite", "SockSite", "TCPSite", "UnixSite")


class SiteRunner(Protocol):
    """What a site asks of its runner, a `BaseRunner`."""

    _shutdown_timeout: float

    @property
    def server(self) -> Any: ...
    def _reg_site(self, site: "BaseSite") -> None: ...
    def _unreg_site(self, site: "BaseSite") -> None: ...


class BaseSite(ABC):
    """A place where `runner` serves.

    `ssl_context` makes it HTTPS; `backlog` counts connections that wait to be accepted, 128 by
    default. `shutdown_timeout` is deprecated here and belongs to the runner. Raises RuntimeError if
    the runner is not set up.
    """

    __slots__ = ("_backlog", "_runner", "_server", "_ssl_context")

    def __init__(
        self,
        runner: "SiteRunner",
        *,
        shutdown_timeout: float = 60.0,
        ssl_context: "SSLContext | None" = None,
        backlog: int = 128,
    ) -> None:
        if runner.server is None:
            raise RuntimeError("Call runner.setup() before making a site")
        if shutdown_timeout != 60.0:
            warnings.warn(
                "shutdown_timeout of a site is deprecated: give it to the runner",
                DeprecationWarning,
                stacklevel=3,
            )
            runner._shutdown_timeout = shutdown_timeout
        self._runner = runner
        self._ssl_context = ssl_context
        self._backlog = backlog
        self._server: Any = None

    @property
    @abstractmethod
    def name(self) -> str:
        """What the site is called: a URL, or the path of a pipe."""

    @abstractmethod
    async def start(self) -> None:
        """Listen. Raises RuntimeError if the site was started before, OSError if it can't."""
        self._runner._reg_site(self)

    async def stop(self) -> None:
        """Listen no more. Raises RuntimeError if the site was not started."""
        self._runner._unreg_site(self)
        if self._server is not None:
            await stop_listening(self._server)

    def abort(self) -> None:
        """Accept nobody from now on, without a turn of the event loop; `stop` is still due.

        For a process that cannot serve any more: others may share the socket and its queue.
        """
        if self._server is not None:
            self._server.close()

    @property
    def _scheme(self) -> str:
        return "https" if self._ssl_context else "http"

    def _factory(self) -> Any:
        server = self._runner.server
        if server is None:
            raise RuntimeError("the runner of this site was cleaned up")
        return server

    def _sockets(self) -> list[Any]:
        return list(getattr(self._server, "sockets", None) or ())


class TCPSite(BaseSite):
    """A site on a TCP address.

    `host` is all interfaces if None; `port` is 8080 if None, 8443 with `ssl_context`, and 0 means
    any free one. `reuse_address` and `reuse_port` are the socket options of that name; None is what
    is usual on the system.
    """

    __slots__ = ("_host", "_port", "_reuse_address", "_reuse_port")

    def __init__(
        self,
        runner: "SiteRunner",
        host: str | None = None,
        port: int | None = None,
        *,
        shutdown_timeout: float = 60.0,
        ssl_context: "SSLContext | None" = None,
        backlog: int = 128,
        reuse_address: bool | None = None,
        reuse_port: bool | None = None,
    ) -> None:
        super().__init__(
            runner, shutdown_timeout=shutdown_timeout, ssl_context=ssl_context, backlog=backlog
        )
        self._host = host
        self._port = (8443 if ssl_context else 8080) if port is None else port
        self._reuse_address = reuse_address
        self._reuse_port = reuse_port

    @property
    def name(self) -> str:
        """The site's URL, with 0.0.0.0 for all interfaces."""
        return format_address(self._scheme, self._host or "0.0.0.0", self.port)

    @property
    def port(self) -> int:
        """The port: the one asked for, and once the site has started the one that is bound."""
        return self._port

    async def start(self) -> None:
        await super().start()
        try:
            self._server = await listen_tcp(
                asyncio.get_running_loop(),
                self._factory(),
                self._host,
                self._port,
                ssl_context=self._ssl_context,
                backlog=self._backlog,
                reuse_address=self._reuse_address,
                reuse_port=self._reuse_port,
            )
        except BaseException:
            self._runner._unreg_site(self)
            raise
        sockets = self._sockets()
        if sockets:
            self._port = sockets[0].getsockname()[1]


class UnixSite(BaseSite):
    """A site on a Unix socket at `path`, which is made at the start and removed at the end."""

    __slots__ = ("_inode", "_path")

    def __init__(
        self,
        runner: "SiteRunner",
        path: str | PurePath,
        *,
        shutdown_timeout: float = 60.0,
        ssl_context: "SSLContext | None" = None,
        backlog: int = 128,
    ) -> None:
        super().__init__(
            runner, shutdown_timeout=shutdown_timeout, ssl_context=ssl_context, backlog=backlog
        )
        self._path = os.fspath(path)
        self._inode = 0

    @property
    def name(self) -> str:
        """The socket's path as a URL."""
        return f"{self._scheme}://unix:{self._path}:"

    async def start(self) -> None:
        await super().start()
        try:
            self._server = await listen_unix(
                asyncio.get_running_loop(),
                self._factory(),
                self._path,
                ssl_context=self._ssl_context,
                backlog=self._backlog,
            )
        except BaseException:
            self._runner._unreg_site(self)
            raise
        self._inode = self._find_inode()

    async def stop(self) -> None:
        try:
            await super().stop()
        finally:
            # Another process may have put its own socket there since.
            if self._inode and self._inode == self._find_inode():
                os.unlink(self._path)
            self._inode = 0

    def _find_inode(self) -> int:
        """The inode at the path; 0 if there is none, or no path at all (the abstract namespace)."""
        if self._path[:1] in ("", "\0"):
            return 0
        try:
            return os.stat(self._path).st_ino
        except FileNotFoundError:
            return 0


class NamedPipeSite(BaseSite):
    """A site on the Windows named pipe `path`. Raises RuntimeError on another loop or system."""

    __slots__ = ("_path",)

    def __init__(self, runner: "SiteRunner", path: str, *, shutdown_timeout: float = 60.0) -> None:
        proactor = getattr(asyncio, "ProactorEventLoop", None)
        if proactor is None or not isinstance(asyncio.get_running_loop(), proactor):
            raise RuntimeError("Named pipes are served by the ProactorEventLoop of Windows only")
        super().__init__(runner, shutdown_timeout=shutdown_timeout)
        self._path = path

    @property
    def name(self) -> str:
        """The pipe's path."""
        return self._path

    async def start(self) -> None:
        await super().start()
        loop = asyncio.get_running_loop()
        try:
            self._server = await listen_pipe(loop, self._factory(), self._path)
        except BaseException:
            self._runner._unreg_site(self)
            raise


class SockSite(BaseSite):
    """A site on `sock`, a TCP or Unix socket that is bound already."""

    __slots__ = ("_name", "_sock")

    def __init__(
        self,
        runner: "SiteRunner",
        sock: socket.socket,
        *,
        shutdown_timeout: float = 60.0,
        ssl_context: "SSLContext | None" = None,
        backlog: int = 128,
    ) -> None:
        super().__init__(
            runner, shutdown_timeout=shutdown_timeout, ssl_context=ssl_context, backlog=backlog
        )
        self._sock = sock
        address = sock.getsockname()
        if sock.family == getattr(socket, "AF_UNIX", None):
            self._name = f"{self._scheme}://unix:{address}:"
        else:
            self._name = format_address(self._scheme, address[0], address[1])

    @property
    def name(self) -> str:
        """The URL of the socket's address."""
        return self._name

    async def start(self) -> None:
        await super().start()
        try:
            self._server = await listen_socket(
                asyncio.get_running_loop(),
                self._factory(),
                self._sock,
                ssl_context=self._ssl_context,
                backlog=self._backlog,
            )
        except BaseException:
            self._runner._unreg_site(self)
            raise
