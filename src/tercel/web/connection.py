"""A server's connection: requests in order, one handler at a time, and the ways in which it ends.

In: what `net.protocol` tells (heads, pieces, errors, deadlines). Out: for each head an `Exchange`
and a request, handed to `server.serve` as a task that begins at once. Pipelined requests wait in
the wire's buffer; unread bodies are drained for `lingering_time`; every refusal is answered before
the connection closes.
"""

import asyncio
from typing import Any

from tercel.net.progress import WatchedProtocol
from tercel.net.stepper import Stepper
from tercel.net.streams import EMPTY_PAYLOAD, StreamReader
from tercel.net.tasks import CAN_STEP, fail_later, start_eagerly
from tercel.web.badpayload import bad_payload
from tercel.web.exchange import Exchange, date_and_server
from tercel.web.response import Response
from tercel.web.router import Entry
from tercel.web.stream import StreamResponse
from tercel.wire.errors import TruncatedMessage, WireError
from tercel.wire.h1.connection import Connection, EndOfMessage
from tercel.wire.h1.encode import encode_common_fields, encode_response_head

__all__ = ("HttpConnection",)

_start_eagerly = start_eagerly
_can_step = CAN_STEP
_fail_later = fail_later
_Response = Response
_StreamResponse = StreamResponse
_encode_common_fields = encode_common_fields
_EMPTY = EMPTY_PAYLOAD

#: Octets of requests to come that wait in memory while a handler runs.
_MAX_WAITING = 65536
#: Seconds for the peer to take a refusal and close, before we do.
_REFUSAL_TIME = 2.0


class HttpConnection(WatchedProtocol):
    """One connection of a `web.Server`, whose settings it reads from `server`.

    `exchange` is the one under way, None between requests; `requests_count` counts them.
    """

    __slots__ = (
        "_closing",
        "_discarding",
        "_entry",
        "_handler",
        "_handler_ended",
        "_head_timed",
        "_in_pump",
        "_keepalive",
        "_logs_access",
        "_lost_waiters",
        "_max_fields",
        "_max_size",
        "_receiver",
        "_request_class",
        "_serve",
        "_serve_outcome",
        "_started_at",
        "_stepper",
        "_to_start",
        "exchange",
        "reader",
        "requests_count",
        "server",
    )

    def __init__(self, server: Any, loop: asyncio.AbstractEventLoop) -> None:
        WatchedProtocol.__init__(
            self,
            loop,
            Connection(True, server.limits),
            server.body_timeout,
            server.send_timeout,
        )
        self.server = server
        self.exchange: Any = None
        self.reader: Any = None
        self.requests_count = 0
        self._to_start: Any = None
        self._closing = False
        self._discarding = False
        self._head_timed = False
        self._in_pump = False
        self._handler_ended = False
        self._receiver: Any = None
        self._lost_waiters: Any = None
        self._started_at = 0.0
        self._keepalive: float = server.keepalive_timeout
        self._logs_access: bool = server.logs_access
        self._handler = server.handler
        self._entry: Entry | None = server.handler if type(server.handler) is Entry else None
        self._max_size: int = server.client_max_size
        self._max_fields: int = server.client_max_fields
        self._serve = server.serve
        self._stepper: Stepper | None = server.stepper_of(loop) if _can_step else None
        self._serve_outcome = server.serve_outcome
        self._request_class = server.request_class

    # What the event loop calls.

    def connection_made(self, transport: Any) -> None:
        WatchedProtocol.connection_made(self, transport)
        self.server.connection_made(self, transport)
        # Without a keep-alive time the first request has the time of a head.
        self.set_deadline(self._keepalive if self._keepalive > 0 else self.server.head_timeout)

    def data_received(self, data: bytes) -> None:
        if self._receiver is not None:
            self._receiver.data_received(data)
            return
        if self._discarding and self.exchange is None and self.reader is None:
            return
        self._wire.feed_data(data)
        self._read_on()

    def eof_received(self) -> bool:
        if self._receiver is not None:
            return bool(self._receiver.eof_received())
        self._wire.feed_eof()
        self._read_on()
        return self.on_eof()

    def _read_on(self) -> None:
        """Take what the wire has, then start the handler whose request came with it."""
        self._in_pump = True
        try:
            self.pump()
            while self._to_start is not None:
                request = self._to_start
                self._to_start = None
                self._run(request)
                self.pump()
        finally:
            self._in_pump = False
        if self.exchange is None:
            if self._wire.held and not self._head_timed and not self.is_closed:
                self._head_timed = True
                limit = self.server.head_timeout
                self.set_deadline(min(limit, self._keepalive) if self._keepalive > 0 else limit)
        else:
            if self.reader is not None:
                self.note_body()
            if self._wire.held > _MAX_WAITING:
                self.pause_reading()

    # What the wire tells.

    def on_head(self, head: Any) -> None:
        self._head_timed = False
        self.forget_body()
        self.requests_count += 1
        if self._wire.reads_body:
            server = self.server
            stream = StreamReader(self, server.read_bufsize, loop=self.loop)
            if head.chunked:
                stream.begin_http_chunk_receiving()
            self.reader = stream
            if head.may_be_coded and server.auto_decompress:
                self.reader = server.inflate(self, head, stream)
            exchange = Exchange(self, head, stream)
            self.exchange = exchange
            if self._keepalive <= 0 or head.expects_continue:
                # Answered without 100 Continue, the peer may send the body or leave it out.
                exchange.keep_alive = False
            self._to_start = self._make_request(exchange)
        else:
            exchange = Exchange(self, head, _EMPTY)
            self.exchange = exchange
            if self._keepalive <= 0:
                exchange.keep_alive = False
            self._run(self._make_request(exchange))

    def on_piece(self, piece: bytes) -> None:
        if self._discarding:
            return
        reader = self.reader
        reader.feed_data(piece)
        if self._wire.chunk_ended:
            reader.end_http_chunk_receiving()

    def on_end(self, end: EndOfMessage) -> None:
        reader = self.reader
        self.reader = None
        if self._discarding:
            self._discarding = False
            self.exchange = None
            self._next()
            return
        if end.trailers:
            self.exchange.trailers = end.trailers
        reader.feed_eof()

    def on_error(self, error: WireError) -> None:
        exchange = self.exchange
        if self._discarding:
            self.close()
        elif exchange is not None:
            exchange.keep_alive = False
            reader = self.reader
            self.reader = None
            if reader is None:
                return
            if isinstance(error, TruncatedMessage):
                if self.server.handler_cancellation:
                    # The loss of the connection cancels the handler, then fails its read.
                    self.reader = reader
                else:
                    reader.set_exception(
                        ConnectionResetError("the peer left in the middle of its body")
                    )
                self.close()
            else:
                reader.set_exception(bad_payload(error))
        elif self._wire.is_eof:
            self.close()
        else:
            self.refuse(error.status, error.message)

    def on_eof(self) -> bool:
        if self.exchange is None or self._discarding:
            self.close()
            return False
        if self._closing or self.server.handler_cancellation or self._lost_waiters is not None:
            return False
        return self.transport is not None and self.transport.get_extra_info("sslcontext") is None

    def on_lost(self, error: BaseException | None) -> None:
        exchange = self.exchange
        if exchange is not None and self.server.handler_cancellation:
            # Before its read fails, which would wake the handler with another exception.
            task = exchange.task
            if task is not None:
                task.cancel()
        receiver = self._receiver
        self._receiver = None
        if receiver is not None:
            receiver.connection_lost(error)
        reader = self.reader
        self.reader = None
        self._to_start = None
        if reader is not None and not reader.is_eof():
            reader.set_exception(ConnectionResetError("Connection lost"))
        waiters = self._lost_waiters
        self._lost_waiters = None
        if waiters is not None:
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)
        self.exchange = None
        self.server.connection_lost(self, error)

    def on_deadline(self) -> None:
        if self.is_closed or (self.exchange is not None and not self._discarding):
            self.check_progress()
            return
        if self._head_timed and not self._discarding:
            self.refuse(408, f"no whole request came within {self.server.head_timeout:g} seconds")
        else:
            self.close()

    def on_body_stuck(self) -> bool:
        exchange = self.exchange
        if exchange.head.expects_continue:
            return False
        seconds = self.server.body_timeout
        error = WireError(f"nothing more of the body came within {seconds:g} seconds", 408)
        exchange.keep_alive = False
        self.reader.set_exception(bad_payload(error))
        return True

    def on_send_stuck(self) -> None:
        self.server.log_stuck(self)
        self.abort()

    # One exchange.

    def _make_request(self, exchange: Exchange) -> Any:
        """The request that the handler gets: of the server's class, or made by its factory."""
        if self._request_class is None:
            return self.server.make_request(exchange)
        request = self._request_class(exchange.head, exchange.body, self, exchange, None, self.loop)
        request._client_max_size = self._max_size
        request._client_max_fields = self._max_fields
        return request

    def _run(self, request: Any) -> None:
        exchange = self.exchange
        if self._logs_access:
            self._started_at = self.loop.time()
        self._handler_ended = False
        stepper = self._stepper
        if stepper is not None and stepper.can_step():
            self._step(stepper, request, exchange)
        else:
            self._start(exchange, self._serve(self, request))

    def _start(self, exchange: Exchange, coro: Any) -> None:
        """Run a coroutine that ends in `finish_exchange` as the handler's task."""
        task = _start_eagerly(self.loop, coro)
        if not self._handler_ended:
            exchange.task = task
            self.server.keep_task(task)

    def _step(self, stepper: Stepper, request: Any, exchange: Exchange) -> None:
        """Run the handler up to its first suspension; most answers need no more than that."""
        response = None
        error = None
        stepper.enter()
        try:
            entry = self._entry
            awaitable = self._handler(request) if entry is None else entry.start(request)
            if stepper.run(awaitable):
                response = stepper.awaitable
            else:
                exchange.task = task = stepper.hand_over(self._serve, self, request)
                self.server.keep_task(task)
                return
        except BaseException as raised:
            error = raised
        stepper.awaitable = None
        stepper.leave()
        self._finish_step(request, exchange, response, error)

    def _finish_step(
        self, request: Any, exchange: Exchange, response: Any, error: BaseException | None
    ) -> None:
        """The handler has ended in its first step: answer at once, or start a task that does."""
        failure = None
        if error is None:
            known = type(response) is _Response or (
                isinstance(response, _StreamResponse) and not isinstance(response, Exception)
            )
            if known and not self._logs_access:
                if exchange.finished and exchange.status >= 200 and not self.must_drain:
                    # The handler itself has sent its answer, and that to the end.
                    if response._exchange is exchange and request._form is None:
                        self.finish_exchange(exchange)
                        return
                try:
                    if self.answer(request, response) and not self.must_drain:
                        self.finish_exchange(exchange)
                        return
                except Exception as raised:
                    failure = raised
        elif isinstance(error, (KeyboardInterrupt, SystemExit)):
            _fail_later(self.loop, error)
            self.finish_exchange(exchange)
            return
        self._start(exchange, self._serve_outcome(self, request, response, error, failure))

    def answer(self, request: Any, response: Any) -> bool:
        """Send `response` whole, if it is at hand and nobody else has a say in it; False if not."""
        exchange = self.exchange
        if request._has_prepare_hook or exchange is None or exchange.head_sent:
            return False
        if type(response) is _Response and self._answer_octets(response, exchange):
            return True
        if exchange.is_tunnel():
            # Its answer has no framing fields where it succeeds, and no request follows a tunnel.
            exchange.keep_alive = False
            return False
        parts = response._answer_at_once(request, exchange)
        if parts is None:
            return bool(exchange.finished)  # True where it has gone by another way: a file
        exchange.respond(parts[0], parts[1], parts[2], parts[3])
        return True

    def _answer_octets(self, response: Any, exchange: Exchange) -> bool:
        """`answer` for a body of bytes and common fields."""
        body = response._body
        if type(body) is not bytes or not body or response._exchange is not None:
            return False
        if exchange.is_tunnel():
            return False
        if response._is_plain:
            kind = response._type
            if kind is None:
                return False
            response._exchange = exchange
            response._eof_sent = True
            exchange.respond_plainly(kind, body)
            return True
        status = response._status
        if status < 200 or status == 204 or status == 304:
            return False
        if response._long_way or response._cookies is not None or response._added is not None:
            return False
        headers = response._headers
        fields = response._type if headers is None else _encode_common_fields(headers.items())
        if fields is None:
            return False
        response._exchange = exchange
        response._eof_sent = True
        exchange.respond(status, response._reason, fields, body)
        return True

    def finish_exchange(self, exchange: Exchange) -> None:
        """The handler of `exchange` has ended and its answer is written: go on, or close."""
        self._handler_ended = True
        if self._lost_waiters is not None:
            self._cancel_lost_waiters()
        if self.exchange is not exchange:
            return
        if self._receiver is not None:
            self.exchange = None
            self.close()
            return
        if not exchange.finished:
            self.abort()
            return
        if exchange.keep_alive and not self._closing:
            if self._wire.message_done:
                self.exchange = None
                self.reader = None
                self._next()
            elif self.server.lingering_time <= 0:
                self._close_gently(self.server.lingering_time)
            else:
                self._drop_rest_of_body()
        elif self._wire.is_eof or (
            self._wire.message_done and not self._wire.held and not self._pauses
        ):
            self.exchange = None
            self.close()
        else:
            self._close_gently(self.server.lingering_time)

    def _drop_rest_of_body(self) -> None:
        """Read over what the handler left unread, for a while; the next request follows it."""
        reader = self.reader
        self.reader = None
        self._discarding = True
        if reader is not None:
            reader.set_exception(ConnectionResetError("the request was answered and is over"))
        self.resume_reading()
        self.set_deadline(self.server.lingering_time)
        if not self._in_pump:
            self._read_on()

    def _next(self) -> None:
        """Go on to the next request, which may have come already."""
        if self._closing:
            self.close()
            return
        self._wire.next_message()
        if self._wire.is_eof and not self._wire.held:
            self.close()
            return
        self._wait_idle()
        self.resume_reading()
        if not self._in_pump:
            self._read_on()

    def _wait_idle(self) -> None:
        self.set_deadline(self._keepalive)

    def refuse(self, status: int, message: str) -> None:
        """Answer what is no request, and close."""
        server = self.server
        server.log_refusal(self, status, message)
        if self.transport is None:
            return
        reason = server.reason_of(status)
        text = f"{status}: {reason}\n\n{message}\n".encode("utf-8", "replace")
        head = encode_response_head(
            status,
            reason,
            (
                ("Content-Type", "text/plain; charset=utf-8"),
                ("Content-Length", str(len(text))),
                ("Connection", "close"),
            ),
        )
        head = head[:-2] + date_and_server() + b"\r\n"
        self.transport.write(self.take_late(head + text))
        self._close_gently(_REFUSAL_TIME)

    def _close_gently(self, seconds: float) -> None:
        """Close our side, and the connection once the peer has, or after `seconds`.

        Closing at once while octets of the peer wait unread would reset the connection, and the
        peer might lose the answer (RFC 9112 section 9.6).
        """
        transport = self.transport
        self.exchange = None
        self.reader = None
        self._to_start = None
        if transport is None:
            return
        if seconds <= 0 or self._wire.is_eof or not transport.can_write_eof():
            self.close()
            return
        self._discarding = True
        self._closing = True
        self.let_go()
        transport.write_eof()
        self.resume_reading()
        self.set_deadline(seconds)

    # What others ask.

    def stop_soon(self) -> None:
        """Close as soon as no exchange is under way."""
        self._closing = True
        if self.exchange is None:
            self.close()
        else:
            self.exchange.keep_alive = False

    def leave_soon(self) -> None:
        """Close after the next answer, which says so; until it is asked for, stay open."""
        self._keepalive = 0.0
        if self.exchange is not None:
            self.exchange.keep_alive = False

    def lost_waiter(self) -> asyncio.Future[None]:
        """A future that is done once the peer is gone, cancelled when the handler ends before."""
        waiter = self.loop.create_future()
        if self.is_closed or self._wire.is_eof:
            waiter.set_result(None)
            return waiter
        if self._lost_waiters is None:
            self._lost_waiters = []
        self._lost_waiters.append(waiter)
        return waiter

    def _cancel_lost_waiters(self) -> None:
        waiters = self._lost_waiters
        self._lost_waiters = None
        for waiter in waiters:
            waiter.cancel()

    def take_over(self, receiver: Any) -> bytes:
        """Leave HTTP: `receiver` gets what comes from now on; returns what has come already.

        `receiver` has `data_received(bytes)`, `eof_received() -> bool`, `connection_lost(error)`
        and `fail()`, which is called where the handler ends without its own answer.
        """
        self.let_go()
        self._receiver = receiver
        self._deadline = 0.0
        return self._wire.switch()

    @property
    def has_left_http(self) -> bool:
        """True once the connection was handed to a receiver."""
        return self._receiver is not None

    @property
    def receiver(self) -> Any:
        """What the connection was handed to, None while it speaks HTTP."""
        return self._receiver

    @property
    def started_at(self) -> float:
        """Loop time at which the handler under way was started; 0 where nobody logs it."""
        return self._started_at
