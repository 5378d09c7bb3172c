"""A WebSocket in use: what server and client have in common once HTTP is left behind.

In: octets from the event loop; messages to send. Out: messages, one after another, to one reader or
to a `Delivery`. Answers pings, sends heartbeats, keeps the closing handshake. A reader that falls
behind stops the peer: few messages are parsed ahead of it, few octets wait unparsed. All of it is
synchronous; whoever waits gets a future, and goes on before `data_received` returns.
"""

from collections.abc import Callable
from typing import Any

from tercel.net.awaited import Awaited, Delivery
from tercel.net.errors import ClientConnectionResetError
from tercel.net.protocol import WireProtocol
from tercel.net.pulse import Pulse, pulse_of
from tercel.wire.ws.codes import (
    CLOSED_MESSAGE,
    CLOSING_MESSAGE,
    WebSocketError,
    WSCloseCode,
    WSMessage,
    WSMsgType,
)
from tercel.wire.ws.connection import Connection
from tercel.wire.ws.frames import encode_close

__all__ = ("Channel",)

_TEXT = WSMsgType.TEXT
_BINARY = WSMsgType.BINARY
_CLOSE = WSMsgType.CLOSE
_ERROR = WSMsgType.ERROR
_pulse_of = pulse_of
_ABNORMAL = int(WSCloseCode.ABNORMAL_CLOSURE)
_INTERNAL_ERROR = int(WSCloseCode.INTERNAL_ERROR)
#: Messages parsed ahead of the reader, and the octets of theirs from which on no more are parsed.
_MAX_QUEUED = 32
_MAX_QUEUED_OCTETS = 65536
#: Octets that wait unparsed before the transport is paused.
_MAX_HELD = 65536
#: Seconds for the peer to close the connection after both have said goodbye (RFC 6455 7.1.1).
_LINGER = 1.0


class Channel(Awaited):
    """One WebSocket over the transport of `protocol`, from the handshake to the end.

    It is the transport's protocol, or that protocol's receiver. `is_closed` is True from the moment
    that closing has begun on either side; `close_code` is the peer's, or 1006 where it gave none;
    `error` is what ended the connection, if not a closing handshake. `dead_peer` makes the error
    of a peer that does not answer a heartbeat.
    """

    __slots__ = (
        "_autoclose",
        "_autoping",
        "_awaits_pong",
        "_beat",
        "_close_waiter",
        "_dead_peer",
        "_heard",
        "_heartbeat",
        "_is_delivering",
        "_is_held",
        "_is_paused",
        "_linger_timer",
        "_pulse",
        "close_code",
        "error",
        "got_close",
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
        Awaited.__init__(self, protocol, wire, is_client)
        self._autoping = autoping
        self._autoclose = autoclose
        self._heartbeat = heartbeat or 0.0
        self._dead_peer = dead_peer
        self._close_waiter: Any = None
        self._is_delivering = False
        self._is_held = False
        self._is_paused = False
        self._heard = 0.0
        self._awaits_pong = False
        self._pulse: Pulse | None = None
        self._beat: Any = None
        self._linger_timer: Any = None
        self.got_close = False
        self.close_code: int | None = None
        self.error: BaseException | None = None

    def start(self, data: bytes) -> None:
        """Begin, with the octets that came right behind the handshake."""
        transport = self.protocol.transport
        if transport is not None:
            # Transports look at the kind of their protocol only where reading begins.
            WireProtocol.pause_reading(self.protocol)
            transport.set_protocol(self)
            self._know_transport(transport)
        self.protocol.stop_timer()
        WireProtocol.resume_reading(self.protocol)
        if self._heartbeat:
            self._heard = self.loop.time()
            self._pulse = _pulse_of(self.loop)
            self._beat_at(self._heard + self._heartbeat)
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
        self._is_corking = True
        try:
            self._parse()
            if wire.count_held() > _MAX_HELD and not self._is_paused:
                self._is_paused = True
                WireProtocol.pause_reading(self.protocol)
            if self._waiter is not None:
                self._go_on()
        finally:
            self._is_corking = False
            if self._corked is not None:
                self._flush()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: BaseException | None) -> None:
        if self.is_lost:
            return
        self.is_lost = True
        self._corked = None
        if self._window is not None:
            self._window.end()
        if self.protocol.transport is not None:
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
        delivery = self._delivery
        if delivery is not None:
            self._deliver()
            self._delivery = None
            delivery.tell_lost(self.error)
        self._known = None

    def pause_writing(self) -> None:
        self.protocol.pause_writing()

    def resume_writing(self) -> None:
        self.protocol.resume_writing()
        if self._owed_pong is not None:
            self._pay_pong()
        if self._delivery is not None and not self.sent_close:
            self._delivery.tell_writable()
            if self._delivery is not None:
                self._parse_on()

    # Reading.

    def _parse(self) -> None:
        """Parse ahead of the reader as far as it goes, or deliver."""
        if self._delivery is not None:
            self._deliver()
            return
        wire = self._wire
        count = len(self._queue) if self._queue is not None else 0
        try:
            while count < _MAX_QUEUED and self._queued_octets < _MAX_QUEUED_OCTETS:
                kind = wire.next_kind()
                if kind < 0:
                    return
                if kind < 8:
                    if self.sent_close:
                        continue
                    self._queued_octets += len(wire.payload)
                elif kind == 8:
                    self.got_close = True
                    if self.sent_close:
                        self._end(wire.payload)
                        return
                elif self._autoping:
                    if kind == 9:
                        self._answer_ping(wire.payload)
                    continue
                elif self.sent_close:
                    continue
                message = wire.take_message(kind)
                if self._first is not None:
                    count += 1
                self._push(message)
        except WebSocketError as error:
            self._fail(error)

    def _deliver(self) -> None:
        """Tell what has come, until it is asked to stop or the peer does not take what is sent."""
        if self._is_delivering:
            return
        wire = self._wire
        self._is_delivering = True
        try:
            while not self._is_held and (
                self.is_lost or self.sent_close or not self.protocol.must_drain
            ):
                kind = wire.next_kind()
                if kind < 0:
                    break
                self._deliver_one(kind)
        except WebSocketError as error:
            self._take_error(error)
        finally:
            self._is_delivering = False

    def _deliver_one(self, kind: int) -> None:
        wire = self._wire
        delivery: Any = self._delivery
        if kind == 8:
            self.got_close = True
            if self.sent_close:
                self._end(wire.payload)
                return
            code = wire.payload
            delivery.tell_close(code, wire.reason)
            self._take_close(code)
        elif self.sent_close:
            return
        elif kind < 8 or not self._autoping:
            delivery.tell(kind, wire.payload, wire.is_final)
        elif kind == 9:
            self._answer_ping(wire.payload)

    def deliver_to(self, delivery: Delivery, by_frame: bool) -> None:
        """Tell `delivery` from now on what comes, and what waits already, by frames or messages.

        RuntimeError while somebody reads or listens.
        """
        if self._is_taken():
            raise RuntimeError("Concurrent call to receive() is not allowed")
        self._delivery = delivery
        self._wire.by_frame = by_frame
        self._is_delivering = True
        while self._first is not None and not self.sent_close:
            message = self._shift()
            kind = message[0]
            if kind is _CLOSE:
                delivery.tell_close(message[1], message[2] or "")
                self._take_close(message[1])
            elif kind is _ERROR:
                if isinstance(message[1], WebSocketError):
                    self._take_error(message[1])
            else:
                delivery.tell(kind, message[1], True)
        self._first = None
        self._queue = None
        self._queued_octets = 0
        self._is_delivering = False
        if self.is_lost:
            delivery.tell_lost(self.error)
        else:
            self._parse_on()

    def hold(self, is_held: bool) -> None:
        """Deliver no more until this is called with False."""
        self._is_held = is_held
        if not is_held and not self.is_lost:
            self._parse_on()

    def _fail(self, error: WebSocketError) -> None:
        """The peer broke the protocol: tell it, once what came before has been read."""
        is_next = self._first is None
        self._push(WSMessage(WSMsgType.ERROR, error, None))
        if is_next or self.sent_close:
            self._take_error(error)
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

    def take(self) -> WSMessage | None:
        """The next message, None if there is none yet. RuntimeError while another waits for it.

        Takes note of a Close and answers it, unless `autoclose` is False.
        """
        if (self._waiter is not None or self._delivery is not None) and self._is_taken():
            raise RuntimeError("Concurrent call to receive() is not allowed")
        if self._first is None:
            if self._wire.count_held() and not self.sent_close:
                self._parse_on()
            if self._first is None:
                if self.is_closed:
                    return CLOSED_MESSAGE if self.sent_close or self.is_lost else CLOSING_MESSAGE
                return None
        message = self._shift()
        kind = message[0]
        if kind is _TEXT or kind is _BINARY:
            self._queued_octets -= len(message[1])
            if self._first is None and self._wire.count_held():
                self._parse_on()
        elif kind is _CLOSE:
            self._take_close(message[1])
        elif kind is _ERROR and isinstance(message[1], WebSocketError):
            self._take_error(message[1])
        return message  # type: ignore[no-any-return]

    def _parse_on(self) -> None:
        """The reader has caught up: parse what was held back, and let the peer go on."""
        self._parse()
        if self._waiter is not None and (self._first is not None or self.is_closed):
            self._wake()
        if self._is_paused and self._wire.count_held() <= _MAX_HELD:
            self._is_paused = False
            WireProtocol.resume_reading(self.protocol)

    def _take_close(self, code: int) -> None:
        """The reader has come to the peer's Close."""
        self.is_closed = True
        self.close_code = code
        if isinstance(self.error, ClientConnectionResetError):
            self.error = None  # the peer had said goodbye before it went
        if self._autoclose and not self.sent_close:
            self._send_close(code, b"")
            self._end(code)

    # Closing.

    def _send_close(self, code: int, reason: str | bytes) -> None:
        payload = encode_close(code, reason)
        self.sent_close = True
        self._owed_pong = None
        self._write(8, payload, 0)

    def begin_close(self, code: int, reason: str | bytes) -> bool:
        """Send a Close; True if the peer's is still to come. Whoever reads is told.

        ValueError for a code or a reason that can't be sent; nothing has happened then.
        """
        self._send_close(code, reason)
        self.is_closed = True
        self._is_held = False
        closes = []
        while self._first is not None:
            message = self._shift()
            if message[0] is _CLOSE:
                closes.append(message)
            elif message[0] is _ERROR and self.error is None:
                self.error = message[1]
                self.close_code = _ABNORMAL
                self._linger()
        self._queued_octets = 0
        if self._waiter is not None:
            self._push(CLOSING_MESSAGE)
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

    def close_within(self, seconds: float | None) -> None:
        """Cut the connection if the peer's Close does not come in time; None waits forever."""
        if seconds is not None and not (self.got_close or self.is_lost):
            self._linger_timer = self.loop.call_later(seconds, self._time_out)

    def _time_out(self) -> None:
        self.give_up(TimeoutError("the peer's Close did not come in time"))

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
        self._flush()
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
        if self._beat is not None and self._pulse is not None:
            self._pulse.cancel(self._beat)
            self._beat = None
        if self._linger_timer is not None:
            self._linger_timer.cancel()
            self._linger_timer = None
        self._heartbeat = 0.0

    # Heartbeats.

    def _beat_at(self, due: float) -> None:
        pulse: Any = self._pulse
        self._beat = pulse.call_at(due, self)

    def beat(self) -> None:
        """Send a ping if nothing was heard for a while; a peer that has not answered is dead."""
        self._beat = None
        now = self.loop.time()
        beat = self._heartbeat
        if self.sent_close or not beat:
            return
        if self._is_paused:
            # The answer would wait behind what our reader has not taken.
            self._awaits_pong = False
            self._beat_at(now + beat)
        elif self._awaits_pong:
            self._lose_peer(beat / 2)
        elif now - self._heard >= beat * 0.99:
            self._awaits_pong = True
            self._write(9, b"", 0)
            self._beat_at(now + beat / 2)
        else:
            self._beat_at(self._heard + beat)

    def _lose_peer(self, seconds: float) -> None:
        error = self._dead_peer(f"No PONG received after {seconds:g} seconds")
        self.error = error
        self.close_code = _ABNORMAL
        self.is_closed = True
        self.sent_close = True
        if self._delivery is None:
            self._push(WSMessage(WSMsgType.ERROR, error, None))
        self._wake()
        self._wake_closer()
        self._stop_timers()
        self.protocol.abort()
