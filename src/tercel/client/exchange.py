"""One request and its answer on one connection, and the connection that carries one after another.

In: an encoded head and pieces of a body; what the event loop brings. Out: the answer's head, its
body (whole where it came with the head, else a StreamReader), or the documented exception. Gives
its connection back by itself, the moment that both sides are done with it. The session knows
exchanges only: HTTP/2 joins below this line. Synchronous throughout; it never decides what to
send.
"""

from typing import Any

from tercel.client.body import AnswerBody
from tercel.client.errors import (
    AnswerError,
    ClientConnectionError,
    ClientConnectionResetError,
    ClientOSError,
    ClientPayloadError,
    ServerDisconnectedError,
    SocketTimeoutError,
)
from tercel.client.options import ReadOptions
from tercel.client.pool import Claim, Pool
from tercel.net.protocol import WireProtocol
from tercel.wire.errors import BadMessage, TruncatedMessage, WireError
from tercel.wire.h1.connection import Connection, EndOfMessage
from tercel.wire.h1.head import ResponseHead
from tercel.wire.limits import DEFAULT_LIMITS

__all__ = ("ROOM", "Asker", "ClientProtocol", "Exchange")

#: Answers of 1xx that may come before the final one: each costs the peer little and us a parse.
_MAX_INTERIM = 32
#: Octets that a transport may read at once, and those while a head is awaited.
ROOM = 262_144
_HEAD_ROOM = 65_536
#: Octets of a body still to come for which the reader's wish is waited for.
_MUCH = 262_144


class Asker:
    """Who is told of an answer at once, in place of somebody who awaits `Exchange.wait_head`."""

    __slots__ = ()

    def tell_head(self) -> None:
        """The head has come; nothing else is left to do for what the event loop has brought."""

    def tell_failure(self, error: BaseException) -> None:
        """There will be no head; the exchange is about to be abandoned."""


class Exchange(AnswerBody):
    """One request and its answer.

    `method` and `options` are the request's; `connection` is what the pool lent, None once it is
    given back; or it is `claim`, made a connection by `lender` when somebody asks for it. `head`
    is the answer's, `is_done` tells that nothing more will come or be written; until then the
    exchange may be in the set `watched`, whose owner calls `expire` when their time is over.
    `asker`, unless it is None, is told of the head, or of what prevents it.
    `informational` holds the heads of 1xx but 100 and 101 that came, or None; `on_informational` is
    called with each of them. `trailers` are the pairs that came after the body.
    """

    __slots__ = (
        "_waiter",
        "allows_upgrade",
        "asker",
        "claim",
        "connection",
        "continue_waiter",
        "deadline",
        "head",
        "informational",
        "interim",
        "is_done",
        "lender",
        "method",
        "on_informational",
        "sends_close",
        "trailers",
        "upload",
        "upload_done",
        "watched",
    )

    def __init__(
        self, protocol: "ClientProtocol", connection: Any, method: str, options: ReadOptions
    ) -> None:
        self.prepare(protocol, options)
        self.connection = connection
        self.method = method
        self.allows_upgrade = False
        self.sends_close = False
        self.head: ResponseHead | None = None
        self.upload: Any = None
        self.upload_done = True
        self.is_done = False
        self.interim = 0
        self.asker: Asker | None = None
        self.claim: Any = None
        self.continue_waiter: Any = None
        self.deadline: Any = None
        self.informational: list[ResponseHead] | None = None
        self.on_informational: Any = None
        self.trailers: tuple[tuple[bytes, bytes], ...] = ()
        self.lender: Any = None
        self.watched: set[Any] | None = None
        self._waiter: Any = None

    # --- the asking side -----------------------------------------------------------------------

    def wait_head(self) -> Any:
        """A future that is done once `head` is there, or has the exception that prevents it."""
        protocol = self.protocol
        waiter = protocol.loop.create_future()
        if self.error is not None:
            waiter.set_exception(self.error)
        elif self.head is not None:
            waiter.set_result(None)
        else:
            self._waiter = waiter
        return waiter

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Pass octets on to the transport; ClientConnectionResetError when it is gone."""
        protocol = self.protocol
        if protocol.is_closed or self.is_done:
            raise ClientConnectionResetError("Cannot write to closing transport")
        protocol.transport.write(data)
        if self.options.sock_read:
            protocol.set_deadline(self.options.sock_read)

    def write_late(self, parts: tuple[Any, ...]) -> None:
        """`write` of bytes and views of bytes that leave together, before the event loop turns."""
        protocol = self.protocol
        if protocol.is_closed or self.is_done:
            raise ClientConnectionResetError("Cannot write to closing transport")
        protocol.write_gathered(parts, True)
        if self.options.sock_read:
            protocol.set_deadline(self.options.sock_read)

    def finish_upload(self) -> None:
        """The request's body is written to its end."""
        self.upload_done = True
        if self.body_done:
            self._give_back()

    def fail_upload(self, error: BaseException) -> None:
        """The request's body can't be written on: the connection is lost for others."""
        self.upload_done = True
        self.protocol.should_close = True
        if self.head is None:
            self.fail(error)
            self.abandon()
        elif self.body_done:
            self._give_back()

    def upgrade(self) -> tuple[Any, bytes]:
        """After 101: the transport, and the octets that came after the answer's head.

        The caller sets a protocol of its own on the transport and closes the connection itself.
        """
        protocol = self.protocol
        protocol.should_close = True
        protocol.clear_deadline()
        return protocol.transport, protocol.switch()

    def abandon(self) -> None:
        """Nobody wants the rest: close the connection. Harmless once the exchange is done."""
        if self.is_done:
            return
        self.protocol.should_close = True
        if not self.body_done:
            self.fail(ClientConnectionError("Connection closed"))
            transport = self.protocol.transport
            if transport is not None and transport.get_extra_info("ssl_object") is not None:
                # A farewell over TLS would wait for a peer that is still busy with its answer.
                self.protocol.abort()
        self._cancel_upload()
        self._give_back()

    def expire(self) -> None:
        """The total timeout has passed."""
        if not self.is_done:
            if not self.body_done:
                self.fail(TimeoutError())
            self.abandon()

    def fail(self, error: BaseException) -> None:
        """Whoever waits for the answer, or reads it, gets `error`."""
        if self.error is not None or self.body_done:
            return
        self.error = error
        waiter = self._waiter
        self._waiter = None
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)
        asker = self.asker
        if asker is not None and self.head is None:
            self.asker = None
            asker.tell_failure(error)
        self._wake_continue()
        if self.stream is not None:
            self.stream.set_exception(error)

    # --- the answering side, called by the protocol --------------------------------------------

    def receive_head(self, head: ResponseHead, has_body: bool) -> None:
        """The final head has come."""
        self.head = head
        if has_body:
            self.begin_body(head)
        self._wake_continue()
        waiter = self._waiter
        self._waiter = None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def receive_continue(self) -> None:
        """100 Continue has come."""
        self._wake_continue()

    def receive_informational(self, head: ResponseHead) -> None:
        """Another head of 1xx has come; what `on_informational` raises ends the exchange."""
        if self.informational is None:
            self.informational = []
        self.informational.append(head)
        if self.on_informational is not None:
            try:
                self.on_informational(head)
            except Exception as error:
                self.fail(error)
                self.abandon()

    def receive_end(self) -> None:
        """The body has ended."""
        if self._decoder is not None:
            if self._undecoded or self._decoder.pending:
                self.protocol.holds_end = True
                return
            try:
                self._decoder.finish()
            except WireError as error:
                self.protocol.refuse(error)
                return
        self.body_done = True
        if self.stream is not None:
            self.stream.feed_eof()
        head = self.head
        if not self.upload_done and (head is None or head.status >= 400 or not head.keep_alive):
            self.protocol.should_close = True
            self._cancel_upload()
        if self.upload_done:
            self._give_back()

    def _wake_continue(self) -> None:
        waiter = self.continue_waiter
        self.continue_waiter = None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _cancel_upload(self) -> None:
        upload = self.upload
        self.upload = None
        self.upload_done = True
        if upload is not None:
            upload.cancel()

    def _give_back(self) -> None:
        """Both sides are done with the connection."""
        if self.is_done:
            return
        self.is_done = True
        if self.watched is not None:
            self.watched.discard(self)
            self.watched = None
        deadline = self.deadline
        self.deadline = None
        if deadline is not None:
            deadline.disarm()
        protocol = self.protocol
        if self.sends_close or (self.head is not None and not self.head.keep_alive):
            protocol.should_close = True
        protocol.end(self)
        connection = self.connection
        self.connection = None
        claim = self.claim
        self.claim = None
        if claim is not None:
            self._give_back_claim(claim, protocol)
        elif connection is not None:
            if protocol.should_close:
                connection.close()
            else:
                connection.release()

    def _give_back_claim(self, claim: Claim, protocol: "ClientProtocol") -> None:
        lender = self.lender
        pool: Pool = lender._pool
        if protocol.should_close or not pool.is_watched or not protocol.is_connected():
            lender._take_back(claim, protocol, protocol.should_close)
            return
        pool.give_back(claim, protocol, protocol.now())
        if pool.doomed or pool.granted:
            lender._settle()


class ClientProtocol(WireProtocol):
    """A connection of the client; the connector makes it, one exchange after another uses it.

    `room` is where transports read to, None for a room of its own: any number of connections of
    one event loop may share it, for what came is taken out of it at once.

    `should_close` is True once it can't serve another request, `exchanges` counts those it has
    served, `is_held` is True while the reader of the body asks for a pause.
    """

    __slots__ = (
        "_at",
        "_closed",
        "_exchange",
        "_limits",
        "_place",
        "_room",
        "_sock_read",
        "exchanges",
        "holds_end",
        "is_held",
        "should_close",
    )

    def __init__(self, loop: Any, room: memoryview | None = None) -> None:
        WireProtocol.__init__(self, loop, Connection(False))
        self._room = room
        self._place: memoryview | None = None
        self._at = 0
        self._exchange: Exchange | None = None
        self._limits = DEFAULT_LIMITS
        self._sock_read = 0.0
        self._closed: Any = None
        self.exchanges = 0
        self.should_close = False
        self.is_held = False
        self.holds_end = False

    @property
    def closed(self) -> Any:
        """A future that is done once the transport is gone."""
        if self._closed is None:
            self._closed = self.loop.create_future()
            if self.is_closed and self.transport is None:
                self._closed.set_result(None)
        return self._closed

    def now(self) -> float:
        """The event loop's time, in seconds."""
        return self.loop.time()

    def is_connected(self) -> bool:
        """True while requests can be written."""
        transport = self.transport
        return transport is not None and not self.is_closed and not transport.is_closing()

    def begin(self, exchange: Exchange) -> None:
        """Let `exchange` use the connection; ClientConnectionResetError when it is gone."""
        if self.transport is None or self.is_closed:
            raise ClientConnectionResetError("Cannot write to closing transport")
        if self._exchange is not None:
            raise RuntimeError("the connection serves another exchange")
        options = exchange.options
        if options.limits is not self._limits:
            self._limits = options.limits
            self._wire = Connection(False, options.limits)
        self._exchange = exchange
        self._wire.expect_response(exchange.method)
        self.exchanges += 1
        self._sock_read = options.sock_read or 0.0
        if self._sock_read:
            self.set_deadline(self._sock_read)

    def end(self, exchange: Exchange) -> None:
        """`exchange` is done."""
        if self._exchange is not exchange:
            return
        self._exchange = None
        self._place = None
        self.holds_end = False
        self.clear_deadline()
        if self._wire.held:
            self.should_close = True
        if self.is_held:
            self.resume_reading()

    def rest_of(self, exchange: Exchange) -> int:
        """Octets missing of the body, if they may be received past this protocol; else 0."""
        if self._exchange is not exchange or exchange._decoder is not None:
            return 0
        return self._wire.rest()

    def receive_into(self, place: memoryview) -> None:
        """Receive the rest of the body, as long as `rest_of` says, into `place`."""
        self._place = place
        self._at = 0

    def switch(self) -> bytes:
        """Leave HTTP; the octets that were received after the last head."""
        return self._wire.switch()

    def refuse(self, error: WireError) -> None:
        """The answer can't be read on."""
        self.on_error(error)

    # --- what the wire tells -------------------------------------------------------------------

    def on_head(self, head: Any) -> None:
        exchange = self._exchange
        if exchange is None or exchange.head is not None:
            self.should_close = True
            self.close()
            return
        status = head.status
        if status < 200 and (status != 101 or not exchange.allows_upgrade):
            exchange.interim += 1
            if status == 101:
                self.on_error(BadMessage("101 came, but the request did not ask for an upgrade"))
            elif exchange.interim > _MAX_INTERIM:
                self.on_error(BadMessage(f"more than {_MAX_INTERIM} answers of 1xx came"))
            elif status == 100:
                exchange.receive_continue()
            else:
                exchange.receive_informational(head)
            return
        has_body = self._wire.reads_body
        if has_body and not exchange.options.until_eof and not head.chunked:
            has_body = head.content_length is not None
        exchange.receive_head(head, has_body)
        if not has_body and status != 101:
            exchange.receive_end()

    def on_piece(self, piece: bytes) -> None:
        exchange = self._exchange
        if exchange is not None:
            exchange.receive_piece(piece, self._wire.chunk_ended)

    def on_end(self, end: EndOfMessage) -> None:
        exchange = self._exchange
        if exchange is not None:
            if end.trailers:
                exchange.trailers = end.trailers
            exchange.receive_end()

    def on_error(self, error: WireError) -> None:
        self.should_close = True
        exchange = self._exchange
        if exchange is not None:
            if exchange.head is None:
                exchange.fail(
                    ServerDisconnectedError(f"Server disconnected: {error.message}")
                    if isinstance(error, TruncatedMessage)
                    else AnswerError(error)
                )
            else:
                failure = ClientPayloadError(f"Response payload is not completed: {error.message}")
                failure.__cause__ = error
                exchange.fail(failure)
            exchange.abandon()
        self.abort()

    def on_eof(self) -> bool:
        self.should_close = True
        return False

    def on_lost(self, error: BaseException | None) -> None:
        self.should_close = True
        closed = self._closed
        if closed is not None and not closed.done():
            closed.set_result(None)
        exchange = self._exchange
        if exchange is None:
            return
        failure: Exception
        if exchange.head is not None:
            failure = ClientPayloadError(
                "Response payload is not completed: the connection was lost"
            )
        elif isinstance(error, OSError):
            failure = ClientOSError(*error.args)
        else:
            failure = ServerDisconnectedError()
        failure.__cause__ = error
        exchange.fail(failure)
        exchange.abandon()

    def on_deadline(self) -> None:
        exchange = self._exchange
        if exchange is not None and not exchange.body_done:
            exchange.fail(SocketTimeoutError("Timeout on reading data from socket"))
            exchange.abandon()

    # --- what the event loop and the body's reader call ----------------------------------------

    def get_buffer(self, hint: int) -> memoryview:
        """Where the transport may read to."""
        place = self._place
        if place is not None:
            return place[self._at :]
        room = self._room
        if room is None:
            room = self._room = memoryview(bytearray(ROOM))
        exchange = self._exchange
        if exchange is not None and exchange.head is None:
            # What comes with a head has to be moved once more, so let it be little.
            return room[:_HEAD_ROOM]
        return room

    def buffer_updated(self, size: int) -> None:
        """So many octets were read to where `get_buffer` said."""
        place = self._place
        if place is None:
            self.data_received(bytes(self._room[:size]))  # type: ignore[index]
            return
        self._at += size
        if self._at == len(place):
            self._place = None
        if self._sock_read:
            self.set_deadline(self._sock_read)
        exchange = self._exchange
        if exchange is not None:
            exchange.stream.total_bytes += size  # type: ignore[union-attr]
            self._wire.count_direct(size)
            self.pump()

    def data_received(self, data: bytes) -> None:
        place = self._place
        if place is not None:  # a transport that has no use for buffers
            rest = len(place) - self._at
            size = len(data)
            if size > rest:
                size = rest
            place[self._at : self._at + size] = data[:size]
            self.buffer_updated(size)
            data = data[size:]
            if not data:
                return
        exchange = self._exchange
        if exchange is None:
            # Nobody has asked: what comes on an idle connection can only be the server's farewell.
            self.should_close = True
            self.close()
            return
        if self._sock_read:
            self.set_deadline(self._sock_read)
        self._wire.feed_data(data)
        self.pump()
        if exchange.head is None:
            return
        stream: Any = None
        if not exchange.body_done and exchange.stream is None:
            stream = exchange.open_stream()
        asker = exchange.asker
        if asker is not None:
            exchange.asker = None
            asker.tell_head()
        if stream is not None and self._place is None and self._exchange is exchange:
            if exchange._decoder is None and self._wire.rest() >= _MUCH:
                stream.hold()  # until it is known where the rest is wanted

    def pause_reading(self) -> None:
        self.is_held = True
        self.clear_deadline()
        WireProtocol.pause_reading(self)

    def resume_reading(self) -> None:
        self.is_held = False
        exchange = self._exchange
        if exchange is not None:
            exchange.go_on()
            if self.is_held:
                return
            if self.holds_end and not exchange.is_done:
                self.holds_end = False
                exchange.receive_end()
        if self._sock_read and self._exchange is not None:
            self.set_deadline(self._sock_read)
        WireProtocol.resume_reading(self)
