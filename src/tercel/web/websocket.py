"""The server's WebSocket: an answer that leaves HTTP behind (web_reference, WebSocketResponse).

In: a request that asks for it. Out: the handshake's answer, or HTTPBadRequest with the reason, and
from then on messages both ways. When the handler ends, the closing handshake is kept. What a
connection does after the handshake is `net.channel`'s part.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from multidict import CIMultiDict

from tercel.content.listener import WebSocketListener
from tercel.content.websocket import WebSocketCalls
from tercel.hdrs import (
    CONNECTION,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_EXTENSIONS,
    SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION,
    UPGRADE,
)
from tercel.net.channel import Channel
from tercel.net.listening import WebSocketTransport
from tercel.web.errors import HTTPBadRequest, HTTPException, HTTPUpgradeRequired
from tercel.web.stream import StreamResponse
from tercel.wire.version import HttpVersion11
from tercel.wire.ws.codes import WSCloseCode, WSMessage, WSMsgType
from tercel.wire.ws.connection import Connection
from tercel.wire.ws.deflate import Deflater, Inflater
from tercel.wire.ws.handshake import (
    VERSION,
    Agreement,
    accept_value,
    choose_subprotocol,
    has_token,
    is_key,
    list_elements,
    settle_deflate,
)

__all__ = (
    "MsgType",
    "WSMsgType",
    "WebSocketListener",
    "WebSocketReady",
    "WebSocketResponse",
    "WebSocketTransport",
)

#: The name of old of `WSMsgType`.
MsgType = WSMsgType

#: Times that a reader may ask for more after the end: a loop that never looks is stopped.
_MAX_ASKED_AFTER_END = 5
_ENDED = (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING)


class WebSocketReady(NamedTuple):
    """What `can_prepare` found: `ok`, and the subprotocol that would be used or None."""

    ok: bool
    protocol: str | None

    def __bool__(self) -> bool:
        return self.ok


class WebSocketResponse(WebSocketCalls, StreamResponse):
    """A WebSocket of the server; iterate it with `async for`.

    Seconds: `timeout` for the peer's part of a closing handshake, `receive_timeout` for a message
    (None: any), `heartbeat` from the last sign of the peer to a ping, half of it for its answer.
    Octets: `max_msg_size` of a message, 0 for any; `writer_limit` that wait to be sent before
    senders have to. `autoping`, `autoclose`: answer PING and CLOSE. `compress`: permessage-deflate
    where the client offers it. `decode_text`: TEXT as str, else as bytes that were checked.
    """

    def __init__(
        self,
        *,
        timeout: float = 10.0,
        receive_timeout: float | None = None,
        autoclose: bool = True,
        autoping: bool = True,
        heartbeat: float | None = None,
        protocols: Iterable[str] = (),
        compress: bool = True,
        max_msg_size: int = 4 * 1024 * 1024,
        writer_limit: int = 64 * 1024,
        decode_text: bool = True,
    ) -> None:
        StreamResponse.__init__(self, status=101)
        self._protocols = protocols
        self._ws_protocol: str | None = None
        self._close_timeout = timeout
        self._receive_timeout = receive_timeout
        self._autoclose = autoclose
        self._autoping = autoping
        self._heartbeat = heartbeat
        self._compress: bool | int = compress
        self._max_msg_size = max_msg_size
        self._writer_limit = writer_limit
        self._decode_text = decode_text
        self._asked_after_end = 0
        # The fields of the answer once it is sent: names and values; see `_pack_headers`.
        self._packed: tuple[Any, ...] | None = None

    @property
    def headers(self) -> CIMultiDict[str]:
        """The headers of the answer to the handshake; they may be changed until `prepare()`."""
        packed = self._packed
        if packed is not None:
            request: Any = self._request
            accept = accept_value(request.headers[SEC_WEBSOCKET_KEY])
            self._headers = CIMultiDict(
                (name, accept if value is None else value)
                for name, value in zip(packed[::2], packed[1::2], strict=True)
            )
            self._packed = None
        return super().headers

    def _pack_headers(self, accept: str) -> None:
        """Keep the fields in little room: a socket stays for long, and they are rarely asked for.

        None stands for `accept`, which the request tells again.
        """
        headers = self.headers
        if CONTENT_TYPE in headers or CONTENT_LENGTH in headers:
            return
        fields: list[str | None] = []
        for name, value in headers.items():
            fields += name, None if value is accept else value
        self._packed = tuple(fields)
        self._headers = None

    # The handshake.

    def _refuse(self, request: Any) -> HTTPException | None:
        """Why the request is no handshake, None where it is one (RFC 6455 section 4.2.1)."""
        headers = request.headers
        head = request._head
        if not has_token(headers.get(UPGRADE, ""), "websocket"):
            text = f"Upgrade is {headers.get(UPGRADE)!r}, expected websocket"
        elif not has_token(",".join(headers.getall(CONNECTION, ())), "upgrade"):
            text = f"Connection is {headers.get(CONNECTION)!r}, expected Upgrade"
        elif head.version < HttpVersion11:
            text = f"the request is HTTP/{head.version[0]}.{head.version[1]}, expected HTTP/1.1"
        elif head.chunked or head.content_length:
            text = "the request has a body, expected none with a WebSocket handshake"
        elif headers.getall(SEC_WEBSOCKET_VERSION, []) != [VERSION]:
            found = headers.get(SEC_WEBSOCKET_VERSION)
            return HTTPUpgradeRequired(
                text=f"Sec-WebSocket-Version is {found!r}, expected {VERSION}",
                headers=(
                    (SEC_WEBSOCKET_VERSION, VERSION),
                    (UPGRADE, "websocket"),
                    (CONNECTION, "Upgrade"),
                ),
            )
        else:
            keys = headers.getall(SEC_WEBSOCKET_KEY, [])
            if len(keys) == 1 and is_key(keys[0]):
                return None
            text = f"Sec-WebSocket-Key is {keys!r:.100}, expected 16 octets in base64"
        return HTTPBadRequest(text=text)

    def _find_subprotocol(self, request: Any) -> str | None:
        offered = list_elements(",".join(request.headers.getall(SEC_WEBSOCKET_PROTOCOL, ())))
        return choose_subprotocol(offered, self._protocols) if offered else None

    def can_prepare(self, request: Any) -> WebSocketReady:
        """Whether `prepare` would accept the request. Never raises."""
        if self._refuse(request) is not None:
            return WebSocketReady(False, None)
        return WebSocketReady(True, self._find_subprotocol(request))

    async def prepare(self, request: Any) -> "WebSocketResponse":
        """Accept the handshake; the socket is open from then on. A second call does nothing.

        HTTPBadRequest, or HTTPUpgradeRequired for another version, where it can't be accepted.
        """
        if self._channel is not None:
            return self
        refusal = self._refuse(request)
        if refusal is not None:
            raise refusal
        headers = self.headers
        headers[UPGRADE] = "websocket"
        headers[CONNECTION] = "Upgrade"
        accept = accept_value(request.headers[SEC_WEBSOCKET_KEY])
        headers[SEC_WEBSOCKET_ACCEPT] = accept
        self._ws_protocol = self._find_subprotocol(request)
        if self._ws_protocol is not None:
            headers[SEC_WEBSOCKET_PROTOCOL] = self._ws_protocol
        agreement = self._settle_extensions(request)
        await self._start(request)
        self._pack_headers(accept)
        self._open(request, agreement)
        return self

    def _settle_extensions(self, request: Any) -> Agreement | None:
        self.headers.pop(SEC_WEBSOCKET_EXTENSIONS, None)
        offers = ",".join(request.headers.getall(SEC_WEBSOCKET_EXTENSIONS, ()))
        settled = settle_deflate(offers) if self._compress and offers else None
        if settled is None:
            self._compress = 0
            return None
        self.headers[SEC_WEBSOCKET_EXTENSIONS] = settled[1]
        self._compress = settled[0].server_bits
        return settled[0]

    def _open(self, request: Any, agreement: Agreement | None) -> None:
        protocol = request.protocol
        wire = Connection(
            True,
            self._max_msg_size,
            self._decode_text,
            agreement and Inflater(agreement.client_bits, agreement.client_takeover),
            agreement and Deflater(agreement.server_bits, agreement.server_takeover),
        )
        channel = Channel(
            protocol,
            wire,
            False,
            autoping=self._autoping,
            autoclose=self._autoclose,
            heartbeat=self._heartbeat,
        )
        transport = protocol.transport
        if transport is not None and self._writer_limit != 64 * 1024:
            transport.set_write_buffer_limits(high=self._writer_limit)
        self._channel = channel
        # A socket stays for long: what is made quickly again is not kept for it.
        self._added = None
        request._head.forget_headers()
        channel.start(protocol.take_over(channel))

    # State.

    @property
    def prepared(self) -> bool:
        """True once `prepare` has been called."""
        return self._channel is not None

    @property
    def ws_protocol(self) -> str | None:
        """The subprotocol that both sides know, or None."""
        return self._ws_protocol

    @property
    def compress(self) -> int | bool:
        """What was asked for; once prepared, the window bits of what is sent, 0 for none."""
        return self._compress

    # Messages.

    def _note_end(self, message: WSMessage) -> None:
        if message.type in _ENDED:
            self._asked_after_end += 1
            if self._asked_after_end > _MAX_ASKED_AFTER_END:
                raise RuntimeError("WebSocket connection is closed.")

    async def close(
        self,
        *,
        code: int = WSCloseCode.OK,
        message: str | bytes = b"",
        drain: bool = True,
    ) -> bool:
        """Shake hands for closing, from any task; False if that was done already.

        Waits for the peer's part for `timeout` seconds, then cuts the connection; with `drain`,
        what was sent leaves first. ValueError for a code or a message that can't be sent,
        RuntimeError before `prepare`.
        """
        return await self._close(code, message, drain)

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """RuntimeError: a WebSocket has messages, not a body."""
        raise RuntimeError("Cannot call .write() for websocket")

    async def write_eof(self, data: bytes | bytearray | memoryview = b"") -> None:
        """Close the socket, if that was not done: what happens when the handler ends."""
        if self._eof_sent:
            return
        if self._channel is None:
            raise RuntimeError("Response has not been started")
        await self.close()
        self._eof_sent = True
