"""The client's WebSocket, and the handshake that opens it (client_reference, ws_connect).

In: a session and the arguments of `ws_connect`. Out: a `ClientWebSocketResponse`, or
WSServerHandshakeError where the answer is no acceptance; a refused handshake leaves no connection
behind. What a connection does after the handshake is `net.channel`'s part.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar

from multidict import CIMultiDict

from tercel.client.errors import ServerTimeoutError, WSServerHandshakeError
from tercel.client.options import Unset, attributes_of, sentinel
from tercel.content.websocket import WebSocketCalls
from tercel.hdrs import (
    CONNECTION,
    ORIGIN,
    SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_EXTENSIONS,
    SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION,
    UPGRADE,
)
from tercel.net.channel import Channel
from tercel.wire.ws.codes import WSCloseCode
from tercel.wire.ws.connection import Connection
from tercel.wire.ws.deflate import Deflater, Inflater
from tercel.wire.ws.handshake import (
    VERSION,
    Agreement,
    HandshakeError,
    accept_value,
    has_token,
    list_elements,
    make_key,
    offer_deflate,
    read_deflate_answer,
)

if TYPE_CHECKING:
    from tercel.client.response import ClientResponse

__all__ = (
    "DEFAULT_WS_TIMEOUT",
    "ClientWSTimeout",
    "ClientWebSocketResponse",
    "connect_websocket",
    "ws_timeout_of",
)


@dataclass(frozen=True)
class ClientWSTimeout:
    """Seconds: `ws_receive` for a whole message, `ws_close` for the server's part of closing.

    None is without end.
    """

    ws_receive: float | None = None
    ws_close: float | None = None

    __attrs_attrs__: ClassVar[Any] = ()


ClientWSTimeout.__attrs_attrs__ = attributes_of(ClientWSTimeout)

DEFAULT_WS_TIMEOUT = ClientWSTimeout(ws_receive=None, ws_close=10.0)


def ws_timeout_of(
    timeout: ClientWSTimeout | float | Unset | None, receive_timeout: float | None
) -> ClientWSTimeout:
    """What the two arguments mean, the deprecated forms included."""
    if timeout is sentinel:
        found = DEFAULT_WS_TIMEOUT
    elif isinstance(timeout, ClientWSTimeout):
        found = timeout
    elif timeout is None:
        found = ClientWSTimeout()
    else:
        warnings.warn(
            "a number as timeout is deprecated, use timeout=ClientWSTimeout(ws_close=...)",
            DeprecationWarning,
            stacklevel=3,
        )
        found = ClientWSTimeout(ws_close=timeout)
    if receive_timeout is not None:
        warnings.warn(
            "receive_timeout is deprecated, use timeout=ClientWSTimeout(ws_receive=...)",
            DeprecationWarning,
            stacklevel=3,
        )
        found = ClientWSTimeout(ws_receive=receive_timeout, ws_close=found.ws_close)
    return found


class ClientWebSocketResponse(WebSocketCalls):
    """A WebSocket of the client; iterate it with `async for`. Made by `ws_connect` only."""

    def __init__(
        self,
        reader: Any,
        writer: Any,
        protocol: str | None,
        response: ClientResponse,
        timeout: ClientWSTimeout,
        autoclose: bool,
        autoping: bool,
        loop: Any,
        *,
        heartbeat: float | None = None,
        compress: int = 0,
        client_notakeover: bool = False,
    ) -> None:
        self._channel = reader
        # Whoever collects the response closes its connection.
        self._response = response
        self._protocol = protocol
        self._close_timeout = timeout.ws_close
        self._receive_timeout = timeout.ws_receive
        self._compress = compress
        self._client_notakeover = client_notakeover

    @property
    def protocol(self) -> str | None:
        """The subprotocol that the server chose, or None."""
        return self._protocol

    @property
    def compress(self) -> int:
        """The window bits of what is sent, 0 where permessage-deflate was not agreed on."""
        return self._compress

    @property
    def client_notakeover(self) -> bool:
        """True if each message is compressed by itself."""
        return self._client_notakeover

    async def close(self, *, code: int = WSCloseCode.OK, message: str | bytes = b"") -> bool:
        """Shake hands for closing, from any task; False if that was done already.

        Waits for the server's part for `ws_close` seconds, then cuts the connection. ValueError
        for a code or a message that can't be sent.
        """
        return await self._close(code, message, True)

    async def __aenter__(self) -> ClientWebSocketResponse:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


async def connect_websocket(
    session: Any,
    url: Any,
    *,
    method: str,
    protocols: Iterable[str],
    timeout: ClientWSTimeout,
    autoclose: bool,
    autoping: bool,
    heartbeat: float | None,
    origin: str | None,
    headers: Any,
    compress: int,
    max_msg_size: int,
    decode_text: bool,
    **request: Any,
) -> ClientWebSocketResponse:
    """Shake hands; `request` holds further arguments of the session's requests.

    WSServerHandshakeError where the server does not accept, ValueError for window bits that can't
    be had; otherwise the errors of a request.
    """
    protocols = list(protocols)
    key = make_key(os.urandom(16))
    fields = _fields(headers, key, protocols, origin, compress)
    response = await session._request(
        method, url, headers=fields, upgrades=True, raise_for_status=False, **request
    )
    try:
        protocol, agreement = _check_answer(response, key, protocols, compress)
    except BaseException:
        response.close()
        raise
    exchange = response._exchange
    if exchange.deadline is not None:
        exchange.deadline.disarm()
        exchange.deadline = None
    owner = exchange.protocol
    _, rest = exchange.upgrade()
    wire = Connection(
        False,
        max_msg_size,
        decode_text,
        agreement and Inflater(agreement.server_bits, agreement.server_takeover),
        agreement and Deflater(agreement.client_bits, agreement.client_takeover),
    )
    channel = Channel(
        owner,
        wire,
        True,
        autoping=autoping,
        autoclose=autoclose,
        heartbeat=heartbeat,
        dead_peer=ServerTimeoutError,
    )
    channel.start(rest)
    make = session._ws_class or ClientWebSocketResponse
    socket: ClientWebSocketResponse = make(
        channel,
        channel,
        protocol,
        response,
        timeout,
        autoclose,
        autoping,
        session._loop,
        heartbeat=heartbeat,
        compress=agreement.client_bits if agreement is not None else 0,
        client_notakeover=agreement is not None and not agreement.client_takeover,
    )
    return socket


def _fields(
    headers: Any, key: str, protocols: list[str], origin: str | None, compress: int
) -> CIMultiDict[str]:
    """The handshake's fields (RFC 6455 section 4.1)."""
    fields: CIMultiDict[str] = CIMultiDict(headers or ())
    fields[UPGRADE] = "websocket"
    fields[CONNECTION] = "Upgrade"
    fields[SEC_WEBSOCKET_VERSION] = VERSION
    fields[SEC_WEBSOCKET_KEY] = key
    if protocols:
        fields[SEC_WEBSOCKET_PROTOCOL] = ",".join(protocols)
    if origin is not None:
        fields[ORIGIN] = origin
    if compress:
        if not 9 <= compress <= 15:
            raise ValueError(
                f"compress is {compress}, expected 0 or 9 to 15: zlib can't write smaller windows"
            )
        fields[SEC_WEBSOCKET_EXTENSIONS] = offer_deflate(compress)
    return fields


def _check_answer(
    response: Any, key: str, protocols: list[str], compress: int
) -> tuple[str | None, Agreement | None]:
    """The subprotocol and the extension that the server chose; WSServerHandshakeError."""
    headers = response.headers
    agreement = None
    if response.status != 101:
        problem = "Invalid response status"
    elif headers.get(UPGRADE, "").lower() != "websocket":
        problem = "Invalid upgrade header"
    elif not has_token(",".join(headers.getall(CONNECTION, ())), "upgrade"):
        problem = "Invalid connection header"
    elif headers.getall(SEC_WEBSOCKET_ACCEPT, []) != [accept_value(key)]:
        problem = "Invalid challenge response"
    else:
        problem = ""
        extensions = ",".join(headers.getall(SEC_WEBSOCKET_EXTENSIONS, ()))
        try:
            agreement = read_deflate_answer(extensions, compress)
        except HandshakeError as error:
            problem = f"Invalid extensions: {error}"
    if problem:
        raise WSServerHandshakeError(
            response.request_info,
            response.history,
            message=problem,
            status=response.status,
            headers=headers,
        )
    for name in list_elements(",".join(headers.getall(SEC_WEBSOCKET_PROTOCOL, ()))):
        if name in protocols:
            return name, agreement
    return None, agreement
