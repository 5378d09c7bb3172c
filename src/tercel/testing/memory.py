"""A client's connections to a test server that listens nowhere: in memory, without a socket.

In: a test server with `memory=True`. Out: connections between the client's protocol and the
server's, one pair of `net.memory` transports each. Whatever else is asked for is refused, so that
no request of such a test leaves the process.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Any

from tercel import BaseConnector, ClientConnectorError, ClientTimeout
from tercel.client.exchange import ClientProtocol
from tercel.net.memory import join_in_memory

__all__ = ("MemoryConnector",)

_FIRST_PORT = 49152  # of those that systems give to clients


class MemoryConnector(BaseConnector):
    """Connects to `server`, a test server with `memory=True`, and to nothing else.

    `kwargs` are those of `BaseConnector`. A request for another place, for https or through a proxy
    is refused with ClientConnectorError, as is every one once the server is closed.
    """

    def __init__(self, server: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._server = server
        self._made = 0

    async def _create_connection(
        self, req: Any, traces: Sequence[Any], timeout: ClientTimeout
    ) -> ClientProtocol:
        key = req.connection_key
        server = self._server
        here = (server.host, server.port)
        if key.is_ssl or key.proxy is not None or (key.host, key.port) != here or server.closed:
            text = f"only {here[0]}:{here[1]} is there, in memory and without TLS or proxy"
            raise ClientConnectorError(key, OSError(errno.ECONNREFUSED, text))
        protocol = ClientProtocol(self._loop)
        self._made += 1
        join_in_memory(
            self._loop,
            protocol,
            server.handler(),
            client_address=("127.0.0.1", _FIRST_PORT + self._made % 16384),
            server_address=here,
        )
        return protocol
