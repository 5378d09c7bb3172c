"""Opening connections: sockets by happy eyeballs (RFC 8305), and transports on them.

In: addresses in order of preference. Out: a connected socket; a transport with its protocol. Owns
the socket until it is handed out: on failure and on cancellation nothing stays open. Never
resolves a name.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from ssl import SSLContext
from typing import Any, TypeVar

from aiohappyeyeballs import (
    AddrInfoType,
    SocketFactoryType,
    addr_to_addr_infos,
    start_connection,
)

__all__ = (
    "AddrInfoType",
    "SocketFactoryType",
    "address_info",
    "open_socket",
    "open_transport",
)

P = TypeVar("P", bound=asyncio.BaseProtocol)


def address_info(host: str, port: int, family: int, proto: int = 0) -> AddrInfoType:
    """An address as getaddrinfo tells it; `host` is a literal, with `%zone` if it needs one.

    A name, which a resolver may leave to a proxy, stays as it is.
    """
    if family == socket.AF_INET6 and ":" in host:
        found = socket.getaddrinfo(
            host,
            port,
            family=socket.AF_INET6,
            type=socket.SOCK_STREAM,
            flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
        )
        return (socket.AF_INET6, socket.SOCK_STREAM, proto or socket.IPPROTO_TCP, "", found[0][4])
    return (family, socket.SOCK_STREAM, proto or socket.IPPROTO_TCP, "", (host, port))


async def open_socket(
    addresses: Sequence[AddrInfoType],
    *,
    local_addr: tuple[str, int] | None = None,
    happy_eyeballs_delay: float | None = 0.25,
    interleave: int | None = None,
    socket_factory: SocketFactoryType | None = None,
) -> socket.socket:
    """Connect to the first of the addresses that answers.

    `happy_eyeballs_delay`: seconds before the next address is tried beside the last, None to try
    one after another. `interleave`: how many addresses of the first family come before the
    families alternate. `socket_factory(addr_info)` makes the sockets. Raises `OSError` when none
    answers.
    """
    sock = await start_connection(
        addresses,
        local_addr_infos=addr_to_addr_infos(local_addr),
        happy_eyeballs_delay=happy_eyeballs_delay,
        interleave=interleave,
        loop=asyncio.get_running_loop(),
        socket_factory=socket_factory,
    )
    if socket_factory is None:
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        except OSError:
            pass
    return sock


async def open_transport(
    factory: Callable[[], P],
    sock: socket.socket,
    *,
    context: SSLContext | None = None,
    server_hostname: str | None = None,
    shutdown_timeout: float | None = None,
) -> tuple[asyncio.Transport, P]:
    """A transport on a connected socket, over TLS if there is a `context`; it owns the socket.

    TCP_NODELAY is set. Raises `ssl.SSLError` and `OSError` of the handshake.
    """
    options: dict[str, Any] = {}
    if context is not None:
        options = {
            "ssl": context,
            "server_hostname": server_hostname,
            "ssl_shutdown_timeout": shutdown_timeout,
        }
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError:
        pass  # not a TCP socket
    loop = asyncio.get_running_loop()
    return await loop.create_connection(factory, sock=sock, **options)
