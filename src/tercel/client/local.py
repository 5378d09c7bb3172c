"""The connectors that stay on the machine: over Unix sockets and over named pipes.

In: requests. Out: connections to one path, whatever host the URL names; `UnixClientConnectorError`
and its kin (client_reference, "UnixConnector"; client_advanced, "Named pipes in Windows").
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from tercel.client.connection import BaseConnector, told_as
from tercel.client.errors import UnixClientConnectorError
from tercel.client.exchange import ClientProtocol
from tercel.client.options import ClientTimeout, Unset, sentinel
from tercel.client.trust import Fingerprint, context_of

if TYPE_CHECKING:
    from tercel.client.tracing import Trace

__all__ = ("NamedPipeConnector", "UnixConnector")


class UnixConnector(BaseConnector):
    """Connections to the Unix socket at `path` (client_reference, "UnixConnector").

    The other arguments are those of `BaseConnector`. The URLs of the requests are as ever: they
    give Host and the path, and https speaks TLS over the socket.
    """

    allowed_protocol_schema_set = BaseConnector.allowed_protocol_schema_set | {"unix"}

    def __init__(
        self,
        path: str | os.PathLike[str],
        force_close: bool = False,
        keepalive_timeout: float | Unset | None = sentinel,
        limit: int | None = 100,
        limit_per_host: int | None = 0,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(
            force_close=force_close,
            keepalive_timeout=keepalive_timeout,
            limit=limit,
            limit_per_host=limit_per_host,
            loop=loop,
        )
        self._path = os.fspath(path)

    @property
    def path(self) -> str:
        """The path of the socket."""
        return self._path

    async def _create_connection(
        self, req: Any, traces: Sequence[Trace], timeout: ClientTimeout
    ) -> ClientProtocol:
        return await self._bounded(req, timeout.sock_connect, timeout, self._open(req))

    async def _open(self, req: Any) -> ClientProtocol:
        key = req.connection_key
        options: dict[str, Any] = {}
        if key.is_ssl:
            options["ssl"] = context_of(key.ssl)
            options["server_hostname"] = key.server_hostname or key.host
        factory: Any = self._make_protocol
        with told_as(key, partial(UnixClientConnectorError, self._path)):
            transport, protocol = await self._loop.create_unix_connection(
                factory, self._path, **options
            )
        if isinstance(key.ssl, Fingerprint):
            key.ssl.check_or_abort(transport)
        made: ClientProtocol = protocol
        return made


class NamedPipeConnector(BaseConnector):
    """Connections to the named pipe at `path`, on Windows and its ProactorEventLoop.

    The other arguments are those of `BaseConnector`. `RuntimeError` where there are no named pipes.
    """

    allowed_protocol_schema_set = BaseConnector.allowed_protocol_schema_set | {"npipe"}

    def __init__(
        self,
        path: str,
        force_close: bool = False,
        keepalive_timeout: float | Unset | None = sentinel,
        limit: int | None = 100,
        limit_per_host: int | None = 0,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(
            force_close=force_close,
            keepalive_timeout=keepalive_timeout,
            limit=limit,
            limit_per_host=limit_per_host,
            loop=loop,
        )
        if not hasattr(self._loop, "create_pipe_connection"):
            self._closed = True
            raise RuntimeError("Named Pipes only available in proactor loop under windows")
        self._path = path

    @property
    def path(self) -> str:
        """The path of the named pipe."""
        return self._path

    async def _create_connection(
        self, req: Any, traces: Sequence[Trace], timeout: ClientTimeout
    ) -> ClientProtocol:
        return await self._bounded(req, timeout.sock_connect, timeout, self._open(req))

    async def _open(self, req: Any) -> ClientProtocol:
        loop: Any = self._loop
        with told_as(req.connection_key, partial(UnixClientConnectorError, self._path)):
            _, protocol = await loop.create_pipe_connection(self._make_protocol, self._path)
        # The proactor tells the protocol of its transport in the loop's next turn.
        await asyncio.sleep(0)
        made: ClientProtocol = protocol
        return made
