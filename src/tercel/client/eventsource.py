"""EventSource: the events of a stream, over as many connections as it takes.

In: a session, a URL and the options of a request. Out: an async iterator of `ServerSentEvent`s that
goes on with Last-Event-ID where a connection has ended (HTML standard, "Server-sent events"). What
can't become better by asking again is raised. Delays and their jitter are arguments.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from multidict import CIMultiDict

from tercel.client.errors import (
    ClientConnectionError,
    ClientPayloadError,
    ClientResponseError,
    ContentTypeError,
    InvalidURL,
)
from tercel.client.options import ClientTimeout
from tercel.wire.errors import BadMessage
from tercel.wire.octets import is_field_text
from tercel.wire.sse import EventStreamDecoder, ServerSentEvent

if TYPE_CHECKING:
    from yarl import URL

    from tercel.client.response import ClientResponse

__all__ = ("EventSource", "ServerSentEvent")

#: What a proxy says while the server behind it is being replaced.
_PASSING = frozenset({502, 503, 504})
#: Seconds for TCP and TLS: the stream itself may last for ever.
_CONNECT_TIME = 30.0


class Session(Protocol):
    """What makes the requests: a `ClientSession`."""

    def request(self, method: str, url: Any, **options: Any) -> Any: ...


class EventSource:
    """The events at `url`: an async iterator, and a context manager that closes it.

        async with tercel.EventSource(session, url) as events:
            async for event in events:
                print(event.event, event.data)

    `reconnect`: connect again where the connection has ended or failed; by default for GET only,
    since another method may not be repeated. Then the iterator ends with an answer of 204, without
    it with its stream. `retry`: seconds before that (3), until the stream says otherwise; doubled
    for each failure in a row up to `max_delay` (60). `attempts`: connections that may fail in a row
    before the error is raised (8; None: any number). `idle_timeout`: seconds without an octet after
    which the connection counts as lost (None: never); choose more than the server's ping interval.
    `last_event_id`: where to go on at first. `jitter` gives a number from 0 to 1 by which a delay
    grows by up to a quarter. `max_event_size`: octets (4 MiB). `options` are those of
    `ClientSession.request`, `headers` among them.

    Cancelling a wait for the next event loses nothing: `asyncio.timeout` may stand around it.

    The iterator raises ClientResponseError for a status other than 200 (502, 503 and 504 count as
    failures), ContentTypeError for another type than text/event-stream, ClientPayloadError for an
    event that is too large, and the last failure's ClientConnectionError, ClientPayloadError or
    TimeoutError.
    """

    def __init__(
        self,
        session: Session,
        url: str | URL,
        *,
        method: str = "GET",
        headers: Any = None,
        last_event_id: str = "",
        reconnect: bool | None = None,
        retry: float = 3.0,
        max_delay: float = 60.0,
        attempts: int | None = 8,
        idle_timeout: float | None = None,
        max_event_size: int = 4 * 2**20,
        jitter: Callable[[], float] = random.random,
        **options: Any,
    ) -> None:
        self._session = session
        self._url = url
        self._method = method
        self._headers: CIMultiDict[str] = CIMultiDict(headers or {})
        self._reconnects = method.upper() == "GET" if reconnect is None else reconnect
        self._retry = retry
        self._max_delay = max_delay
        self._attempts = attempts
        self._max_event_size = max_event_size
        self._jitter = jitter
        self._options = options
        options.setdefault(
            "timeout",
            ClientTimeout(total=None, sock_connect=_CONNECT_TIME, sock_read=idle_timeout),
        )
        self._last_event_id = last_event_id
        self._failures = 0
        self._has_begun = False
        self._response: ClientResponse | None = None
        self._decoder: EventStreamDecoder | None = None
        self._ready: deque[ServerSentEvent] = deque()
        self._closed = asyncio.Event()

    @property
    def last_event_id(self) -> str:
        """The id that the next connection will go on from, "" for none."""
        decoder = self._decoder
        return self._last_event_id if decoder is None else decoder.last_event_id

    @property
    def retry(self) -> float:
        """Seconds before the next connection, as the stream has set them."""
        decoder = self._decoder
        return self._retry if decoder is None or decoder.retry is None else decoder.retry / 1000

    @property
    def response(self) -> ClientResponse | None:
        """The answer whose events come now, None between connections."""
        return self._response

    @property
    def closed(self) -> bool:
        """True once no more events come."""
        return self._closed.is_set()

    async def close(self) -> None:
        """End the iterator, also for a task that waits in it, and close the connection."""
        self._closed.set()
        self._ready.clear()
        self._let_go()

    async def __aenter__(self) -> EventSource:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    def __aiter__(self) -> EventSource:
        return self

    async def __anext__(self) -> ServerSentEvent:
        while not self._ready:
            if self._closed.is_set():
                raise StopAsyncIteration
            try:
                await self._go_on()
            except Exception as error:
                if self._closed.is_set() and isinstance(error, ClientConnectionError):
                    raise StopAsyncIteration from None
                await self.close()
                raise
        return self._ready.popleft()

    async def _go_on(self) -> None:
        """Take one more piece of the stream, connecting first where there is none."""
        try:
            if self._response is None:
                await self._connect()
                return
            piece = await self._response.content.readany()
        except InvalidURL:
            raise
        except (ClientConnectionError, ClientPayloadError, TimeoutError):
            self._failures += 1
            if not self._may_try_again():
                raise
            self._let_go()
            return
        decoder = self._decoder
        assert decoder is not None
        if piece:
            try:
                self._ready.extend(decoder.feed_data(piece))
            except BadMessage as error:
                raise ClientPayloadError(str(error)) from error
        elif self._reconnects:
            self._let_go()
        else:
            await self.close()

    def _may_try_again(self) -> bool:
        return (
            self._reconnects
            and not self._closed.is_set()
            and (self._attempts is None or self._failures < self._attempts)
        )

    async def _connect(self) -> None:
        if self._has_begun and await self._is_closed_within(self._delay()):
            return
        self._has_begun = True
        headers = self._headers.copy()
        headers.setdefault("Accept", "text/event-stream")
        headers.setdefault("Cache-Control", "no-store")
        if self._last_event_id and is_field_text(self._last_event_id.encode()):
            headers["Last-Event-ID"] = self._last_event_id
        response = await self._session.request(
            self._method, self._url, headers=headers, raise_for_status=False, **self._options
        )
        if self._closed.is_set():
            response.close()
            return
        if response.status == 204:
            response.release()
            await self.close()
            return
        try:
            self._check(response)
        except ClientResponseError as error:
            response.close()
            self._failures += 1
            if error.status in _PASSING and self._may_try_again():
                return
            raise
        self._failures = 0
        self._response = response
        decoder = EventStreamDecoder(self._last_event_id, max_size=self._max_event_size)
        self._decoder = decoder

    def _check(self, response: ClientResponse) -> None:
        if response.status != 200:
            raise ClientResponseError(
                response.request_info,
                response.history,
                status=response.status,
                message=f"{response.reason}, expected 200 and a stream of events",
                headers=response.headers,
            )
        if response.content_type != "text/event-stream":
            raise ContentTypeError(
                response.request_info,
                response.history,
                status=response.status,
                message=f"the type is {response.content_type}, expected text/event-stream",
                headers=response.headers,
            )

    def _delay(self) -> float:
        """Seconds before the next connection."""
        delay = self._retry
        if self._failures > 1:
            delay = max(delay, min(delay * 2.0 ** min(self._failures - 1, 32), self._max_delay))
        return delay * (1 + self._jitter() / 4)

    async def _is_closed_within(self, seconds: float) -> bool:
        """Wait, and say whether `close()` was called meanwhile."""
        try:
            async with asyncio.timeout(seconds):
                await self._closed.wait()
        except TimeoutError:
            return False
        return True

    def _let_go(self) -> None:
        """Keep what the stream has said, and close its connection."""
        self._last_event_id = self.last_event_id
        self._retry = self.retry
        self._decoder = None
        response, self._response = self._response, None
        if response is not None:
            response.close()
