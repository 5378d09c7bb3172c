"""The session's way to WebSockets: `ws_connect`, with the machinery imported when first wanted.

In: the arguments of the documentation (client_reference, ws_connect). Out: a pending
`ClientWebSocketResponse`. Every argument is read here; the handshake is `client.websocket`'s part.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tercel.client.options import Unset, sentinel
from tercel.client.pending import PendingResult

if TYPE_CHECKING:
    from tercel.client.auth import BasicAuth
    from tercel.client.websocket import ClientWebSocketResponse, ClientWSTimeout

__all__ = ("OpensWebSockets",)


class OpensWebSockets:
    """What a session needs to open WebSockets; `_ws_class` makes them, None is the usual class."""

    _ws_class: type[ClientWebSocketResponse] | None = None

    def ws_connect(
        self,
        url: Any,
        *,
        method: str = "GET",
        protocols: Iterable[str] = (),
        timeout: ClientWSTimeout | float | Unset | None = sentinel,
        receive_timeout: float | None = None,
        autoclose: bool = True,
        autoping: bool = True,
        heartbeat: float | None = None,
        auth: BasicAuth | None = None,
        origin: str | None = None,
        params: Any = None,
        headers: Any = None,
        proxy: Any = None,
        proxy_auth: BasicAuth | None = None,
        ssl: Any = True,
        verify_ssl: bool | None = None,
        fingerprint: bytes | None = None,
        ssl_context: Any = None,
        server_hostname: str | None = None,
        proxy_headers: Any = None,
        compress: int = 0,
        max_msg_size: int = 4 * 1024 * 1024,
        decode_text: bool = True,
    ) -> PendingResult[ClientWebSocketResponse]:
        """Open a WebSocket; see client_reference, "ws_connect", for the arguments.

        WSServerHandshakeError where the server does not accept, ValueError for a `compress` other
        than 0 and 9 to 15.
        """
        from tercel.client.websocket import connect_websocket, ws_timeout_of

        return PendingResult(
            connect_websocket(
                self,
                url,
                method=method,
                protocols=protocols,
                timeout=ws_timeout_of(timeout, receive_timeout),
                autoclose=autoclose,
                autoping=autoping,
                heartbeat=heartbeat,
                origin=origin,
                headers=headers,
                compress=compress,
                max_msg_size=max_msg_size,
                decode_text=decode_text,
                auth=auth,
                params=params,
                proxy=proxy,
                proxy_auth=proxy_auth,
                ssl=ssl,
                verify_ssl=verify_ssl,
                fingerprint=fingerprint,
                ssl_context=ssl_context,
                server_hostname=server_hostname,
                proxy_headers=proxy_headers,
            )
        )
