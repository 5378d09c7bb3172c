"""Sockets that listen: on a TCP address, on a path, or on a socket that somebody has made already.

In: an event loop, a protocol factory and a place. Out: an asyncio.Server that accepts connections.
Raises OSError, of the kind and with the errno that the system gave, in one sentence that names the
place. Never closes a socket that it was given.
"""

import asyncio
import errno
import os
import socket
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ssl import SSLContext

__all__ = (
    "format_address",
    "listen_pipe",
    "listen_socket",
    "listen_tcp",
    "listen_unix",
    "stop_listening",
)

ProtocolFactory = Callable[[], Any]

# Since Python 3.13 event loops unlink the path of any Unix socket that they stop to listen on.
_LEAVES_FILE: dict[str, Any] = {"cleanup_socket": False} if sys.version_info >= (3, 13) else {}
_PORTS = {"http": 80, "https": 443}
_REASONS = {
    errno.EADDRINUSE: "address already in use",
    errno.EACCES: "permission denied",
    errno.EADDRNOTAVAIL: "no interface of this machine has that address",
    errno.ENOENT: "no such directory",
}


#: Turns of the event loop from a connection in the system's queue to its being accepted, and from
#: there to its protocol.
_TURNS = 2


def format_address(scheme: str, host: str, port: int) -> str:
    """The URL of a TCP address: IPv6 in brackets, without a port that the scheme implies."""
    place = f"[{host}]" if ":" in host else host
    return f"{scheme}://{place}" if port == _PORTS.get(scheme) else f"{scheme}://{place}:{port}"


async def listen_tcp(
    loop: asyncio.AbstractEventLoop,
    factory: ProtocolFactory,
    host: str | None,
    port: int,
    *,
    ssl_context: "SSLContext | None" = None,
    backlog: int = 128,
    reuse_address: bool | None = None,
    reuse_port: bool | None = None,
) -> asyncio.AbstractServer:
    """Listen on `host` (all interfaces if None) and `port` (0: any free one).

    `backlog` counts connections that wait to be accepted. `reuse_address` None means what is usual
    on the system.
    """
    try:
        return await loop.create_server(
            factory,
            host,
            port,
            ssl=ssl_context,
            backlog=backlog,
            reuse_address=reuse_address,
            reuse_port=reuse_port,
        )
    except OSError as error:
        place = format_address("https" if ssl_context else "http", host or "0.0.0.0", port)
        raise _explain(error, place) from error


async def listen_unix(
    loop: asyncio.AbstractEventLoop,
    factory: ProtocolFactory,
    path: str | os.PathLike[str],
    *,
    ssl_context: "SSLContext | None" = None,
    backlog: int = 128,
) -> asyncio.AbstractServer:
    """Listen on a Unix socket at `path`; one that an earlier process left there is replaced."""
    try:
        return await loop.create_unix_server(
            factory, os.fspath(path), ssl=ssl_context, backlog=backlog
        )
    except OSError as error:
        raise _explain(error, os.fspath(path)) from error


async def listen_socket(
    loop: asyncio.AbstractEventLoop,
    factory: ProtocolFactory,
    sock: socket.socket,
    *,
    ssl_context: "SSLContext | None" = None,
    backlog: int = 128,
) -> asyncio.AbstractServer:
    """Listen on `sock`, which is bound already.

    The file of a Unix socket stays: other processes may share it.
    """
    try:
        if sock.family == getattr(socket, "AF_UNIX", None):
            return await loop.create_unix_server(
                factory, sock=sock, ssl=ssl_context, backlog=backlog, **_LEAVES_FILE
            )
        return await loop.create_server(factory, sock=sock, ssl=ssl_context, backlog=backlog)
    except OSError as error:
        raise _explain(error, repr(sock)) from error


async def listen_pipe(loop: Any, factory: ProtocolFactory, path: str) -> Any:
    """Listen on the named pipe `path`; `loop` is a Windows ProactorEventLoop."""
    servers = await loop.start_serving_pipe(factory, path)
    return servers[0]


def _explain(error: OSError, place: str) -> OSError:
    """The same error in one sentence. Loops bury the reason under a sentence of their own."""
    if isinstance(error, socket.gaierror):
        return socket.gaierror(error.errno, f"cannot listen on {place}: {error.args[-1]}")
    number = error.errno
    if number is None:
        if "could not bind on any address" not in str(error):
            return OSError(f"cannot listen on {place}: {error}")
        number = errno.EADDRNOTAVAIL  # that is what asyncio means, since Python 3.13
    reason = _REASONS.get(number) or os.strerror(number).lower()
    return OSError(number, f"cannot listen on {place}: {reason}")


async def stop_listening(server: asyncio.AbstractServer) -> None:
    """Close `server`, and lose none of those who had connected by then.

    Connections that wait in the system's queue would be reset; asyncio drops one that it has
    accepted in the same turn, and its client waits for ever.
    """
    loop = asyncio.get_running_loop()
    try:
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        if isinstance(loop, asyncio.SelectorEventLoop):
            for sock in getattr(server, "sockets", ()):
                loop.remove_reader(sock.fileno())
            for _ in range(_TURNS):
                await asyncio.sleep(0)
    finally:
        server.close()
