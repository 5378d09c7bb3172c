"""The raw side of a WebSocket: a listener that is called, and the transport it answers with.

In: what `net.channel` delivers. Out: calls of a listener's methods, with no queue, task or message
object between, and frames, sent at once. An exception of the listener is logged, and closes the
connection with 1011. Never calls after `on_lost`.
"""

import logging
from collections.abc import Callable
from typing import Any

from tercel.net.awaited import Delivery
from tercel.net.channel import Channel
from tercel.net.tasks import fail_later

__all__ = ("WebSocketTransport",)

logger = logging.getLogger("tercel.websocket")
_logger = logger
_fail_later = fail_later


class WebSocketTransport(Delivery):
    """What a listener sends with; it is the first argument of each of its methods.

    `socket` is the `WebSocketResponse` or `ClientWebSocketResponse` that is listened to. What is
    sent leaves at once, without waiting for a slow peer: the calls return False where the listener
    had better send no more until `on_writable`. Meanwhile nothing is read from that peer.
    """

    __slots__ = (
        "_channel",
        "_close_timeout",
        "_ended",
        "_listener",
        "_on_binary",
        "_on_frame",
        "_on_text",
        "socket",
    )

    def __init__(
        self,
        channel: Channel,
        socket: Any,
        listener: Any,
        by_frame: bool,
        close_timeout: float | None,
        ended: Callable[[], None],
    ) -> None:
        self._channel = channel
        self.socket = socket
        self._listener = listener
        # Looked up once: these are called for every message.
        self._on_text: Any = listener.on_text
        self._on_binary: Any = listener.on_binary
        self._on_frame: Any = listener.on_frame if by_frame else None
        self._close_timeout = close_timeout
        self._ended = ended

    # What the channel tells.

    def tell(self, kind: int, payload: Any, is_final: bool) -> None:
        try:
            if kind >= 8:
                if kind == 9:
                    self._listener.on_ping(self, payload)
                else:
                    self._listener.on_pong(self, payload)
            elif self._on_frame is not None:
                data = payload.encode() if isinstance(payload, str) else payload
                self._on_frame(self, kind, data, is_final)
            elif kind == 1:
                self._on_text(self, payload)
            else:
                self._on_binary(self, payload)
        except BaseException as error:
            self._fail(error)

    def tell_close(self, code: int, reason: str) -> None:
        try:
            self._listener.on_close(self, code, reason)
        except BaseException as error:
            self._fail(error)

    def tell_writable(self) -> None:
        try:
            self._listener.on_writable(self)
        except BaseException as error:
            self._fail(error)

    def tell_lost(self, error: BaseException | None) -> None:
        try:
            self._listener.on_lost(self, error)
        except BaseException as raised:
            self._fail(raised)
        self._ended()

    def begin(self) -> None:
        """Tell the listener that the socket is open, then what comes."""
        try:
            self._listener.on_open(self)
        except BaseException as error:
            self._fail(error)
        self._channel.deliver_to(self, self._on_frame is not None)

    def _fail(self, error: BaseException) -> None:
        """The listener has raised: it is not called any more, but for the end."""
        channel = self._channel
        if isinstance(error, ConnectionResetError) and (channel.is_lost or channel.sent_close):
            # It has sent to a socket that had been closed before it could know.
            return
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            _fail_later(channel.loop, error)
        else:
            _logger.error("Error in a WebSocket listener", exc_info=error)
        if channel.error is None:
            channel.error = error
        channel.fail()

    # State.

    @property
    def closed(self) -> bool:
        """True once either side has begun to close the connection, or it is lost."""
        return self._channel.is_closed

    @property
    def close_code(self) -> int | None:
        """The peer's close code, 1006 where it went without one; None while it is open."""
        return self._channel.close_code

    @property
    def can_write(self) -> bool:
        """False while the peer does not take what was sent; `on_writable` follows."""
        return not (self._channel.protocol.must_drain or self._channel.is_lost)

    def exception(self) -> BaseException | None:
        """What ended the connection, if not a closing handshake."""
        return self._channel.error

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the asyncio transport knows under `name`, else `default`."""
        transport = self._channel.protocol.transport
        return default if transport is None else transport.get_extra_info(name, default)

    # Sending.

    def send_str(self, data: str, compress: int | None = None) -> bool:
        """Send a TEXT message; False if the peer is slow.

        `compress`: zlib's level for this message, 0 for none. TypeError for anything but str,
        ClientConnectionResetError once the connection is closing.
        """
        if not isinstance(data, str):
            raise TypeError(f"data argument must be str ({type(data)!r})")
        return self._send(1, data.encode(), compress)

    def send_bytes(self, data: bytes | bytearray | memoryview, compress: int | None = None) -> bool:
        """Send a BINARY message; see `send_str`. TypeError for what is not bytes-like."""
        return self._send(2, data if type(data) is bytes else _octets(data), compress)

    def send_frame(
        self, message: bytes | bytearray | memoryview, opcode: int, compress: int | None = None
    ) -> bool:
        """Send what is encoded already, as one frame of TEXT, BINARY, PING or PONG.

        ValueError for another opcode.
        """
        if opcode not in (1, 2, 9, 10):
            raise ValueError(f"{opcode!r} is no frame that can be sent by itself")
        return self._send(opcode, _octets(message), compress)

    def ping(self, message: str | bytes = b"") -> bool:
        """Send a PING, with 125 octets at most (ValueError)."""
        return self._send(9, _octets_of(message), 0)

    def pong(self, message: str | bytes = b"") -> bool:
        """Send a PONG, with 125 octets at most (ValueError)."""
        return self._send(10, _octets_of(message), 0)

    def _send(self, opcode: int, payload: bytes, compress: int | None) -> bool:
        if compress is None:
            return not self._channel.send(opcode, payload, -1)
        level = min(int(compress), 9) if compress > 0 else 0
        return not self._channel.send(opcode, payload, level)

    # Reading and closing.

    def pause_reading(self) -> None:
        """Have no more messages delivered, nor read from the peer beyond a few, until resumed."""
        self._channel.hold(True)

    def resume_reading(self) -> None:
        """Go on with what has come meanwhile."""
        self._channel.hold(False)

    def close(self, code: int = 1000, message: str | bytes = b"") -> None:
        """Begin to shake hands for closing; a second call does nothing.

        The connection is cut if the peer's part does not come within the socket's time for that.
        ValueError for a code or a message that can't be sent.
        """
        channel = self._channel
        if channel.sent_close or channel.is_lost:
            return
        if channel.begin_close(code, message):
            channel.close_within(self._close_timeout)

    def abort(self) -> None:
        """Cut the connection at once; the peer finds 1006."""
        self._channel.give_up(None)


def _octets(data: Any) -> bytes:
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"data argument must be byte-ish ({type(data)!r})")
    return bytes(data)


def _octets_of(message: str | bytes) -> bytes:
    return message.encode() if isinstance(message, str) else _octets(message)
