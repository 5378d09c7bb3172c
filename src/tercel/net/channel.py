"""A WebSocket in use: what server and client have in common once HTTP is left behind.

In: octets from the event loop; messages to send. Out: messages, one after another, to one reader;
frames on the transport. Answers pings, sends heartbeats, keeps the closing handshake. A reader that
falls behind stops the peer: few messages are parsed ahead of it, few octets wait unparsed. All of
it is synchronous; whoever waits gets a future.
"""

import os
from collections import deque
from collections.abc import Callable
from typing import Any

from tercel.net.errors import ClientConnectionResetError
from tercel.net.protocol import WireProtocol
from tercel.wire.ws.codes import (
    CLOSED_MESSAGE,
    CLOSING_MESSAGE,
    WebSocketError,
    WSCloseCode,
    WSMessage,
    WSMsgType,
)
from tercel.wire.ws.connection import Connection
from tercel.wire.ws.frames import encode_close, encode_frame_head

__all__ = ("Channel", "next_key")

_CLOSE = WSMsgType.CLOSE
_ERROR = WSMsgType.ERROR
_PING = WSMsgType.PING
_PONG = WSMsgType.PONG
_ABNORMAL = int(WSCloseCode.ABNORMAL_CLOSURE)
_INTERNAL_ERROR = int(WSCloseCode.INTERNAL_ERROR)
#: Messages parsed ahead of the reader, and the octets of theirs from which on no more are parsed.
_MAX_QUEUED = 32
_MAX_QUEUED_OCTETS = 65536
#: Octets that wait unparsed before the transport is paused.
_MAX_HELD = 65536
#: A payload over so many octets is not copied behind its head.
_JOIN_LIMIT = 65536
#: Seconds for the peer to close the connection after both have said goodbye (RFC 6455 7.1.1).
_LINGER = 1.0


class _Keys:
    """Masking keys from the system's random octets, fetched for many frames at once."""

    octets = b""
    pos = 0


def next_key() -> bytes:
    """A masking key nobody can foresee (RFC 6455 section 10.3)."""
    pos = _Keys.pos
    if pos >= len(_Keys.octets):
        _Keys.octets = os.urandom(4096)
        pos = 0
    _Keys.pos = pos + 4
    return _Keys.octets[pos : pos + 4]


class Channel:
    """One WebSocket over the transport of `protocol`, from the handshake to the end.

    It is the protocol's receiver, or the transport's protocol. `is_closed` is True from the moment
    that closing has begun on either side; `close_code` is the peer's, or 1006 where it gave none;
    `error` is what ended the connection, if not a closing handshake. `dead_peer` makes the error
    of a peer that does not answer a heartbeat.
    """

    __slots__ = (
        "_autoclose",
        "_autoping",
        "_awaits_pong",
        "_beat_timer",
        "_close_waiter",
        "_dead_peer",
        "_heard",
        "_heartbeat",
        "_is_client",
        "_is_paused",
        "_linger_timer",
        "_owed_pong",
        "_queue",
        "_queued_octets",
        "_waiter",
        "_wire",
        "close_code",
        "error",
        "got_close",
        "is_closed",
        "is_lost",
        "loop",
        "protocol",
        "sent_close",
    )

    def __init__(
        self,
        protocol: WireProtocol,
        wire: Connection,
        is_client: bool,
        *,
        autoping: bool = True,
        autoclose: bool = True,
        heartbeat: float | None = None,
        dead_peer: Callable[[str], Exception] = TimeoutError,
    ) -> None:
        self.protocol = protocol
        self.loop = protocol.loop
        self._wire = wire
        self._is_client = is_client
        self._autoping = autoping
        self._autoclose = autoclose
        self._heartbeat = heartbeat or 0.0
        self._dead_peer = dead_peer
        self._queue: deque[WSMessage] = deque()
        self._queued_octets = 0
        self._waiter: Any = None
        self._close_waiter: Any = None
        self._is_paused = False
        self._owed_pong: bytes | None = None
        self._heard = 0.0
        self._awaits_pong = False
        self._beat_timer: Any = None
        self._linger_timer: Any = None
        self.is_closed = False
        self.sent_close = False
        self.got_close = False
        self.is_lost = False
        self.close_code: int | None = None
        self.error: BaseException | None = None

    def start(self, data: bytes) -> None:
        """Begin, with the octets that came right behind the handshake."""
        WireProtocol.resume_reading(self.protocol)
        if self._heartbeat:
            self._heard = self.loop.time()
            self._arm_heartbeat(self._heard + self._heartbeat)
        if data:
            self.data_received(data)
        if self.protocol.transport is None:
            self.connection_lost(None)

    # What the event loop calls, directly or through the server's protocol.

    def data_received(self, data: bytes) -> None:
        if self._heartbeat:
            self._heard = self.loop.time()
            self._awaits_pong = False
        wire = self._wire
        if wire.is_done:
            return
        if self._owed_pong is not None and not self.protocol.must_drain:
            self._pay_pong()
        wire.feed_data(data)
        self._parse()
        if wire.held > _MAX_HELD and not self._is_paused:
            self._is_paused = True
            WireProtocol.pause_reading(self.protocol)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: BaseException | None) -> None:
        if self.is_lost:
            return
        self.is_lost = True
        if self._is_client and self.protocol.transport is not None:
            self.protocol.connection_lost(error)
        self._stop_timers()
        if not self.got_close and self.close_code is None:
            self.close_code = _ABNORMAL
            if self.error is None:
                self.error = ClientConnectionResetError("Cannot write to closing transport")
                self.error.__cause__ = error
        self.is_closed = True
        self._wake()
        self._wake_closer()

    def pause_writing(self) -> None:
        self.protocol.pause_writing()

    def resume_writing(self) -> None:
        self.protocol.resume_writing()

    # Reading.

    def _parse(self) -> None:
        """Parse ahead of the reader as far as it goes."""
        wire = self._wire
        queue = self._queue
        try:
            while len(queue) < _MAX_QUEUED and self._queued_octets < _MAX_QUEUED_OCTETS:
                event = wire.next_event()
                if event is None:
                    break
                kind = event[0]
                if kind < 8:
                    if self.sent_close:
                        continue
                    self._queued_octets += len(event[1])
                elif kind is _CLOSE:
                    self.got_close = True
                    if self.sent_close:
                        self._end(event[1])
                        return
                elif self._autoping:
                    if kind is _PING:
                        self._answer_ping(event[1])
                    continue
                elif self.sent_close:
                    continue
                queue.append(event)
        except WebSocketError as error:
            self._fail(error)
            return
        if queue:
            self._wake()

    def _answer_ping(self, data: bytes) -> None:
        """A pong for the ping; a peer that does not read gets one for the last of its pings."""
        if self.sent_close:
            return
        if self.protocol.must_drain:
            self._owed_pong = data
            return
        self._write(_PONG, data, 0)

    def _fail(self, error: WebSocketError) -> None:
        """The peer broke the protocol: tell it, once what came before has been read."""
        is_next = not self._queue
        self._queue.append(WSMessage(WSMsgType.ERROR, error, None))
        if is_next or self.sent_close:
            self._take_error(error)
        self._wake()
        self._wake_closer()

    def _take_error(self, error: WebSocketError) -> None:
        """Close the connection with the code of the peer's offence."""
        if self.error is error:
            return
        self.error = error
        self.close_code = error.code
        if not self.sent_close:
            self._send_close(error.code, b"")
        self.is_closed = True
        self._linger()

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def take(self) -> WSMessage | None:
        """The next message, None if there is none yet. RuntimeError while somebody waits for it.

        Takes note of a Close and answers it, unless `autoclose` is False.
        """
        if self._waiter is not None:
            raise RuntimeError("Concurrent call to receive() is not allowed")
        queue = self._queue
        if not queue:
            if self._wire.held and not self.sent_close:
                self._parse_on()
            if not queue:
                if self.is_closed:
                    return CLOSED_MESSAGE if self.sent_close or self.is_lost else CLOSING_MESSAGE
                return None
        message = queue.popleft()
        kind = message[0]
        if kind < 8:
            self._queued_octets -= len(message[1])
            if not queue and self._wire.held:
                self._parse_on()
        elif kind is _CLOSE:
            self._take_close(message)
        elif kind is _ERROR and isinstance(message[1], WebSocketError):
            self._take_error(message[1])
        return message

    def _parse_on(self) -> None:
        """The reader has caught up: parse what was held back, and let the peer go on."""
        self._parse()
        if self._is_paused and self._wire.held <= _MAX_HELD:
            self._is_paused = False
            WireProtocol.resume_reading(self.protocol)

    def _take_close(self, message: WSMessage) -> None:
        """The reader has come to the peer's Close."""
        self.is_closed = True
        self.close_code = message[1]
        if isinstance(self.error, ClientConnectionResetError):
            self.error = None  # the peer had said goodbye before it went
        if self._autoclose and not self.sent_close:
            self._send_close(message[1], b"")
            self._end(message[1])

    def wait(self) -> Any:
        """A future that is done when `take` has something to say; `stop_waiting` must follow."""
        self._waiter = self.loop.create_future()
        return self._waiter

    def stop_waiting(self) -> None:
        """The reader waits no longer."""
        self._waiter = None

    # Writing.

    def _write(self, opcode: int, payload: bytes, level: int) -> None:
        transport = self.protocol.transport
        if transport is None or self.protocol.is_closed:
            return
        if len(payload) > _JOIN_LIMIT and not self._is_client and self._wire.deflater is None:
            transport.write(encode_frame_head(128 | opcode, len(payload), False))
            transport.write(payload)
            return
        key = next_key() if self._is_client else None
        transport.write(self._wire.encode(opcode, payload, key, level))

    def send(self, opcode: int, payload: bytes, level: int = -1) -> bool:
        """Write a frame; True if the transport asks for a pause.

        `level`: 0 to send it uncompressed, 1 to 9 for this message alone.
        ClientConnectionResetError once closing has begun, ValueError for a control frame over 125
        octets.
        """
        if opcode >= 8 and len(payload) > 125:
            raise ValueError(f"a control frame of {len(payload)} octets, expected 125 at most")
        self._check_open()
        if self._owed_pong is not None and not self.protocol.must_drain:
            self._pay_pong()
        self._write(opcode, payload, level)
        return self.protocol.must_drain

    @property
    def window_bits(self) -> int:
        """The window bits of what is sent, 0 where it is not compressed."""
        deflater = self._wire.deflater
        return deflater.window_bits if deflater is not None and deflater.can_deflate else 0

    def send_encoded(self, frame: bytes) -> bool:
        """Write a frame that was encoded for many; True if the transport asks for a pause.

        It must come uncompressed, or from a window of its own. ClientConnectionResetError as in
        `send`.
        """
        self._check_open()
        deflater = self._wire.deflater
        if deflater is not None and frame[0] & 64:
            deflater.forget()
        self.protocol.transport.write(frame)
        return self.protocol.must_drain

    def _check_open(self) -> None:
        if self.sent_close or self.is_lost or self.protocol.is_closed:
            raise ClientConnectionResetError("Cannot write to closing transport")

    def _pay_pong(self) -> None:
        owed = self._owed_pong
        self._owed_pong = None
        if owed is not None:
            self._write(_PONG, owed, 0)

    # Closing.

    def _send_close(self, code: int, reason: str | bytes) -> None:
        payload = encode_close(code, reason)
        self.sent_close = True
        self._write(_CLOSE, payload, 0)

    def begin_close(self, code: int, reason: str | bytes) -> bool:
        """Send a Close; True if the peer's is still to come. Whoever reads is told.

        ValueError for a code or a reason that can't be sent; nothing has happened then.
        """
        self._send_close(code, reason)
        self.is_closed = True
        self._owed_pong = None
        closes = [message for message in self._queue if message[0] is _CLOSE]
        for message in self._queue:
            if message[0] is _ERROR and self.error is None:
                self.error = message[1]
                self.close_code = _ABNORMAL
                self._linger()
        self._queue.clear()
        self._queued_octets = 0
        if self._waiter is not None:
            self._queue.append(CLOSING_MESSAGE)
            self._wake()
        if closes:
            self.close_code = closes[0][1]
        if self.got_close or self.is_lost:
            if not self.is_lost:
                self._end(self.close_code or 0)
            return False
        self._parse_on()
        return not (self.got_close or self.is_lost or self._wire.is_done)

    def wait_close(self) -> Any:
        """A future that is done when the peer's Close has come, or it is gone."""
        waiter = self.loop.create_future()
        if self.got_close or self.is_lost or self._wire.is_done:
            waiter.set_result(None)
        else:
            self._close_waiter = waiter
        return waiter

    def give_up(self, error: BaseException | None) -> None:
        """The peer's Close did not come in time, or the peer is too slow: cut the connection."""
        self.is_closed = True
        if self.close_code is None:
            self.close_code = _ABNORMAL
        if self.error is None:
            self.error = error
        self._stop_timers()
        self.protocol.abort()

    def fail(self) -> None:
        """Our side can't go on: say so (1011) and close, without waiting for the peer."""
        if not self.sent_close:
            self._send_close(_INTERNAL_ERROR, b"")
            self.is_closed = True
        self.finish()

    def finish(self) -> None:
        """Close the connection, once what was written is sent."""
        self._stop_timers()
        self.protocol.close()

    def _end(self, code: int) -> None:
        """Both sides have said goodbye: the server closes the connection, the client waits."""
        self.close_code = code
        self.is_closed = True
        self._wake_closer()
        if self._is_client:
            self._linger()
        else:
            self.finish()

    def _linger(self) -> None:
        self._stop_timers()
        if not self.is_lost:
            self._linger_timer = self.loop.call_later(_LINGER, self.finish)

    def _wake_closer(self) -> None:
        waiter = self._close_waiter
        self._close_waiter = None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _stop_timers(self) -> None:
        if self._beat_timer is not None:
            self._beat_timer.cancel()
            self._beat_timer = None
        if self._linger_timer is not None:
            self._linger_timer.cancel()
            self._linger_timer = None
        self._heartbeat = 0.0

    # Heartbeats.

    def _arm_heartbeat(self, due: float) -> None:
        self._beat_timer = self.loop.call_at(due, self._beat)

    def _beat(self) -> None:
        """Send a ping if nothing was heard for a while; a peer that has not answered is dead."""
        now = self.loop.time()
        beat = self._heartbeat
        if self.sent_close:
            return
        if self._is_paused:
            # The answer would wait behind what our reader has not taken.
            self._awaits_pong = False
            self._arm_heartbeat(now + beat)
        elif self._awaits_pong:
            self._lose_peer(beat / 2)
        elif now - self._heard >= beat * 0.99:
            self._awaits_pong = True
            self._write(_PING, b"", 0)
            self._arm_heartbeat(now + beat / 2)
        else:
            self._arm_heartbeat(self._heard + beat)

    def _lose_peer(self, seconds: float) -> None:
        error = self._dead_peer(f"No PONG received after {seconds:g} seconds")
        self.error = error
        self.close_code = _ABNORMAL
        self.is_closed = True
        self.sent_close = True
        self._queue.append(WSMessage(WSMsgType.ERROR, error, None))
        self._wake()
        self._wake_closer()
        self._stop_timers()
        self.protocol.abort()
