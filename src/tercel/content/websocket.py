"""What a program says to a WebSocket and hears from it, the same on both sides.

In: text, bytes, JSON. Out: messages and their data, with the documented errors
(web_reference, WebSocketResponse; client_reference, ClientWebSocketResponse). Sending queues the
frame at once; what it returns may be awaited, for the peer's pace and for errors. Owns no
connection: a subclass sets `_channel`.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from tercel.content.jsontext import dump_text, load_text
from tercel.content.listener import WebSocketListener
from tercel.net.awaited import Messages
from tercel.net.channel import Channel
from tercel.net.errors import ClientConnectionResetError, WSMessageTypeError
from tercel.net.listening import WebSocketTransport
from tercel.net.sending import Draining, Failed, Sending
from tercel.wire.ws.codes import WSMessage, WSMsgType

__all__ = ("WebSocketCalls",)

_TEXT = WSMsgType.TEXT
_BINARY = WSMsgType.BINARY
_CLOSE = WSMsgType.CLOSE
_PING = WSMsgType.PING
_PONG = WSMsgType.PONG
_FRAMES = frozenset((WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.PING, WSMsgType.PONG))
_ENDS = frozenset((WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED))


def _octets(data: Any) -> bytes:
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"data argument must be byte-ish ({type(data)!r})")
    return bytes(data)


def _octets_of(message: str | bytes) -> bytes:
    return message.encode() if isinstance(message, str) else _octets(message)


class WebSocketCalls:
    """The calls that a WebSocket has on both sides."""

    _channel: Channel | None = None
    _receive_timeout: float | None = None
    _close_timeout: float | None = 10.0
    #: True where a subclass has its own `receive`, which iterating asks then.
    _iterates_itself = False

    def _started(self) -> Channel:
        channel = self._channel
        if channel is None:
            raise RuntimeError("Call .prepare() first")
        return channel

    # State.

    @property
    def closed(self) -> bool:
        """True once either side has begun to close the connection, or it is lost."""
        channel = self._channel
        return channel is not None and channel.is_closed

    @property
    def close_code(self) -> int | None:
        """The peer's close code, 1006 where it went without one; None while it is open."""
        channel = self._channel
        return None if channel is None else channel.close_code

    def exception(self) -> BaseException | None:
        """What ended the connection, if not a closing handshake."""
        channel = self._channel
        return None if channel is None else channel.error

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the transport knows under `name`, else `default`."""
        channel = self._channel
        transport = None if channel is None else channel.protocol.transport
        return default if transport is None else transport.get_extra_info(name, default)

    # Sending.

    def send_str(self, data: str, compress: int | None = None) -> Sending:
        """Send a TEXT message.

        `compress`: zlib's level for this message, 0 for none. Awaiting raises TypeError for
        anything but str, ClientConnectionResetError once the connection is closing. RuntimeError
        before it is started.
        """
        channel = self._channel
        if channel is None:
            raise RuntimeError("Call .prepare() first")
        return channel.post_text(data, compress)  # type: ignore[no-any-return]

    def send_bytes(
        self, data: bytes | bytearray | memoryview, compress: int | None = None
    ) -> Sending:
        """Send a BINARY message; see `send_str`. TypeError for what is not bytes-like."""
        channel = self._channel
        if channel is None:
            raise RuntimeError("Call .prepare() first")
        return channel.post_bytes(data, compress)  # type: ignore[no-any-return]

    def send_json(
        self,
        data: Any,
        compress: int | None = None,
        *,
        dumps: Callable[[Any], str] = json.dumps,
    ) -> Sending:
        """Send `data` as JSON in a TEXT message: `send_str` of what `dumps` makes of it."""
        self._started()
        try:
            text = dump_text(data, dumps)
        except Exception as error:
            return Failed(error)
        return self.send_str(text, compress)

    def send_json_bytes(
        self, data: Any, compress: int | None = None, *, dumps: Callable[[Any], bytes]
    ) -> Sending:
        """Send `data` as JSON in a BINARY message; `dumps` gives bytes. See `send_json`."""
        self._started()
        try:
            octets = dumps(data)
        except Exception as error:
            return Failed(error)
        return self.send_bytes(octets, compress)

    def send_frame(self, message: bytes, opcode: WSMsgType, compress: int | None = None) -> Sending:
        """Send what is encoded already, as one frame of TEXT, BINARY, PING or PONG.

        ValueError for another opcode.
        """
        channel = self._started()
        if opcode not in _FRAMES:
            return Failed(ValueError(f"{opcode!r} is no frame that can be sent by itself"))
        try:
            payload = _octets(message)
        except TypeError as error:
            return Failed(error)
        return channel.post(opcode, payload, compress)  # type: ignore[no-any-return]

    def ping(self, message: str | bytes = b"") -> Sending:
        """Send a PING, with 125 octets at most (ValueError)."""
        return self._started().post(_PING, _octets_of(message), 0)  # type: ignore[no-any-return]

    def pong(self, message: str | bytes = b"") -> Sending:
        """Send a PONG nobody asked for, with 125 octets at most (ValueError)."""
        return self._started().post(_PONG, _octets_of(message), 0)  # type: ignore[no-any-return]

    # Receiving.

    async def receive(self, timeout: float | None = None) -> WSMessage:
        """The next message; one reader at a time (RuntimeError for a second one).

        `timeout` in seconds overrides the socket's own; TimeoutError when it passes, and the
        connection stays open. Pings, pongs and the closing handshake are taken care of unless
        `autoping` or `autoclose` say otherwise.
        """
        channel = self._started()
        message = channel.take()
        while message is None:
            waiter = channel.wait()
            seconds = self._receive_timeout if timeout is None else timeout
            try:
                if seconds:
                    async with asyncio.timeout(seconds):
                        await waiter
                else:
                    await waiter
            finally:
                channel.stop_waiting()
            message = channel.take()
        if message[0] >= _CLOSE:
            self._note_end(message)
        return message

    def _note_end(self, message: WSMessage) -> None:
        """The reader gets a control frame, or learns what became of the connection."""

    async def receive_str(self, *, timeout: float | None = None) -> str:
        """The data of the next message; WSMessageTypeError unless it is TEXT."""
        message = await self.receive(timeout)
        if message.type is not _TEXT:
            raise WSMessageTypeError(
                f"Received message {message.type}:{message.data!r} is not WSMsgType.TEXT"
            )
        return message.data  # type: ignore[no-any-return]

    async def receive_bytes(self, *, timeout: float | None = None) -> bytes:
        """The data of the next message; WSMessageTypeError unless it is BINARY."""
        message = await self.receive(timeout)
        if message.type is not _BINARY:
            raise WSMessageTypeError(
                f"Received message {message.type}:{message.data!r} is not WSMsgType.BINARY"
            )
        return message.data  # type: ignore[no-any-return]

    async def receive_json(
        self, *, loads: Callable[[Any], Any] = json.loads, timeout: float | None = None
    ) -> Any:
        """The data of the next TEXT message as JSON; TypeError and ValueError otherwise."""
        return load_text(await self.receive_str(timeout=timeout), loads)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "receive" in vars(cls) or "__anext__" in vars(cls):
            cls._iterates_itself = True

    def __aiter__(self) -> AsyncIterator[WSMessage]:
        channel = self._channel
        if channel is None or self._receive_timeout is not None or self._iterates_itself:
            return self
        # What `__anext__` does, without a coroutine for each message.
        return Messages(channel, self._end_iteration)

    async def __anext__(self) -> WSMessage:
        message = await self.receive()
        if message[0] in _ENDS:
            raise StopAsyncIteration
        return message

    def _end_iteration(self, message: WSMessage) -> None:
        """What is no data came while somebody iterates: StopAsyncIteration for an end."""
        if message[0] >= _CLOSE:
            self._note_end(message)
        if message[0] in _ENDS:
            raise StopAsyncIteration

    def listen(
        self, listener: WebSocketListener, *, frames: bool = False
    ) -> "asyncio.Future[int | None]":
        """Have `listener` called for each message, from now on, in place of a reader.

        What has come already is told before this returns. The future is done when the connection
        is gone; it gives the close code. With `frames`, `on_frame` is called for each frame.
        RuntimeError while somebody reads or listens, or before the socket is started.
        """
        channel = self._started()
        if channel.is_read:
            raise RuntimeError("Concurrent call to receive() is not allowed")
        ended: asyncio.Future[int | None] = channel.loop.create_future()

        def end() -> None:
            if not ended.done():
                ended.set_result(channel.close_code)

        transport = WebSocketTransport(channel, self, listener, frames, self._close_timeout, end)
        transport.begin()
        return ended

    # Closing.

    async def _close(self, code: int, message: str | bytes, drain: bool) -> bool:
        """Shake hands for closing; False if that was done, or the connection is gone."""
        channel = self._started()
        if channel.sent_close or channel.is_lost:
            return False
        is_awaited = channel.begin_close(code, message)
        try:
            async with asyncio.timeout(self._close_timeout):
                if drain and channel.protocol.must_drain:
                    await Draining(channel.protocol)
                if is_awaited:
                    await channel.wait_close()
        except TimeoutError as error:
            channel.give_up(error)
        except asyncio.CancelledError:
            channel.give_up(None)
            raise
        except ClientConnectionResetError as error:
            channel.give_up(error)
        return True
