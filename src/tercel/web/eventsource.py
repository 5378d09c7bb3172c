"""EventSourceResponse: server-sent events to one client (HTML standard, "Server-sent events").

In: events from a handler. Out: a stream that is kept awake by comments, and ends with its client:
when that leaves, or the server shuts down, the handler is cancelled. No task of its own, and no
event is ever dropped: `send()` waits while the client reads too slowly.
"""

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tercel.content.jsontext import dump_text
from tercel.hdrs import CACHE_CONTROL, CONTENT_TYPE
from tercel.web.stream import StreamResponse
from tercel.wire.sse import encode_comment, encode_event

if TYPE_CHECKING:
    from tercel.web.answerhead import Pairs

__all__ = ("EventSourceResponse",)

_PING = encode_comment()


class EventSourceResponse(StreamResponse):
    """An answer of server-sent events.

    `ping_interval`: seconds without an event after which a comment is sent, so that proxies keep
    the connection and a client that has gone is noticed (15; None: never). `retry`: milliseconds
    that the client is told to wait before it connects again. `cancels_handler`: cancel the
    handler's task when the client has left or the server shuts down (True); without, watch
    `closed` or await `wait_closed()`. `status`, `reason` and `headers` are as for StreamResponse.

    The handler prepares it, sends events, and returns it to end the stream; a browser then connects
    again. To have it stop, answer the next request with 204.
    """

    _flushes = True

    def __init__(
        self,
        *,
        status: int = 200,
        reason: str | None = None,
        headers: "Pairs | None" = None,
        ping_interval: float | None = 15.0,
        retry: int | None = None,
        cancels_handler: bool = True,
    ) -> None:
        super().__init__(status=status, reason=reason, headers=headers)
        if ping_interval is not None and ping_interval <= 0:
            raise ValueError(
                f"ping_interval is {ping_interval!r}, expected seconds above 0 or None"
            )
        self._first = b"" if retry is None else encode_event(None, retry=retry)
        self._ping_interval = ping_interval
        self._cancels_handler = cancels_handler
        self._is_over = False
        self._over_waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._sent_at = 0.0
        self._started_at = 0.0
        fields = self.headers
        fields.setdefault(CONTENT_TYPE, "text/event-stream")
        fields.setdefault(CACHE_CONTROL, "no-store")
        fields.setdefault("X-Accel-Buffering", "no")  # nginx would hold events back

    @property
    def last_event_id(self) -> str:
        """The id of the last event that the client has got on an earlier connection, "" for none.

        RuntimeError before `prepare()`.
        """
        if self._request is None:
            raise RuntimeError("last_event_id is known once the response is prepared")
        return self._request.headers.get("Last-Event-ID", "")

    @property
    def closed(self) -> bool:
        """True once no more events can be sent."""
        return self._is_over or self._eof_sent

    async def wait_closed(self) -> None:
        """Wait until the client has left, the server shuts down, or the response has ended."""
        if self.closed:
            return
        if self._over_waiter is None:
            self._over_waiter = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._over_waiter)

    async def send(
        self,
        data: str,
        *,
        event: str | None = None,
        id: str | None = None,
        retry: int | None = None,
    ) -> None:
        """Send one event; waits while the client reads too slowly.

        `event` is its type, `id` what the client says as `last_event_id` when it connects again,
        `retry` the milliseconds before it does. Line breaks in `data` arrive as LF. Raises
        TypeError for what is no str, ValueError for a line break in `event` or `id`, RuntimeError
        before `prepare()`, ConnectionResetError once `closed`.
        """
        await self._send(encode_event(data, event=event, id=id, retry=retry))

    async def send_json(
        self,
        data: Any,
        *,
        event: str | None = None,
        id: str | None = None,
        retry: int | None = None,
        dumps: Callable[[Any], str] = json.dumps,
    ) -> None:
        """`send` of `data` as JSON that `dumps` makes."""
        await self.send(dump_text(data, dumps), event=event, id=id, retry=retry)

    async def send_comment(self, text: str = "") -> None:
        """Send a comment, which the client skips."""
        await self._send(encode_comment(text))

    async def _send(self, octets: bytes) -> None:
        if self.closed:
            raise ConnectionResetError("Cannot send to a stream of events that is over")
        self._sent_at = asyncio.get_running_loop().time()
        await self.write(octets)

    async def _start(self, request: Any) -> None:
        if request.method == "HEAD":
            self.force_close()
        await super()._start(request)
        loop = asyncio.get_running_loop()
        self._sent_at = self._started_at = loop.time()
        protocol = request.protocol
        lost = protocol.lost_waiter()
        lost.add_done_callback(self._on_lost)
        protocol.server.watch_stream(self)
        if request.method == "HEAD":
            loop.call_soon(self.stop)
            return
        if self._first:
            await self.write(self._first)
        if self._ping_interval is not None:
            self._timer = loop.call_later(self._ping_interval, self._ping)

    def _on_lost(self, lost: "asyncio.Future[None]") -> None:
        if not lost.cancelled():  # it is where the handler has ended first
            self._finish_early()

    def _ping(self) -> None:
        interval, exchange = self._ping_interval, self._exchange
        if interval is None or exchange is None or self.closed or exchange.closed:
            return
        loop = asyncio.get_running_loop()
        idle = loop.time() - self._sent_at
        if idle + 0.001 >= interval:
            idle = 0.0
            self._sent_at = loop.time()
            if not exchange.must_drain:
                if self._encoder is None:
                    exchange.write(_PING)
                else:
                    self._encoder.write_now(exchange, _PING)
        self._timer = loop.call_later(interval - idle, self._ping)

    def stop(self) -> None:
        """End the stream at once, in good order, and the handler with it; the server shuts down."""
        exchange = self._exchange
        if exchange is None or self.closed:
            return
        if not exchange.closed:
            exchange.keep_alive = False
            rest = b"" if self._encoder is None else self._encoder.finish_now()
            if rest is not None:
                exchange.finish(rest)
                self._eof_sent = True
        self._finish_early()

    def _finish_early(self) -> None:
        """No more events: tell whoever waits, and cancel the handler."""
        if self._is_over:
            return
        self._note_end()
        task = self.task
        if self._cancels_handler and task is not None and not task.done():
            task.add_done_callback(self._log)
            task.cancel()

    def _log(self, task: "asyncio.Task[Any]") -> None:
        """The line in the access log, which a handler that is cancelled does not get otherwise."""
        if task.cancelled():
            request: Any = self._request
            request.protocol.log_access(request, self, self._started_at)

    def _note_end(self) -> None:
        self._is_over = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._over_waiter is not None and not self._over_waiter.done():
            self._over_waiter.set_result(None)

    async def write_eof(self, data: bytes | bytearray | memoryview = b"") -> None:
        """End the stream. A second call does nothing."""
        self._note_end()
        await super().write_eof(data)
