"""A request as its caller holds it: awaited, entered with `async with`, or made a task.

In: a call of the session. Out: an awaitable, a coroutine to whoever wants one, that is an
asynchronous context manager too. The request is made when it is awaited: at once, by the short way,
where an idle connection serves it, and then the waiting task gets its answer the moment it comes;
by the session's coroutines in every other case.
"""

import warnings
from collections.abc import Awaitable, Coroutine, Generator
from typing import Any

from yarl import URL

from tercel.client.cookies import CookieJar
from tercel.client.errors import ClientOSError, ServerDisconnectedError
from tercel.client.exchange import Asker, Exchange
from tercel.client.pending import PendingResult
from tercel.client.response import ClientResponse
from tercel.client.retry import IDEMPOTENT
from tercel.client.shortcut import (
    Ground,
    Own,
    Way,
    answer_of,
    begin,
    failure_of,
    find_plan,
    find_way,
    is_final,
    whole_plan,
)
from tercel.net.sending import SENT
from tercel.net.waking import wake

__all__ = ("STALE", "PendingRequest", "ask")

#: What a kept connection that the server has closed ends in.
STALE = (ClientOSError, ServerDisconnectedError)
_STALE = STALE
_Response = ClientResponse
_Jar = CookieJar
_LEFT = SENT


def _has_cookies(jar: Any) -> bool:
    # Its own `len` looks at the clock first, and is a call in a call.
    if type(jar) is _Jar and not jar._store.size:
        return False
    return len(jar) != 0


def ask(session: Any, method: str, url: str | URL, kwargs: dict[str, Any]) -> "PendingRequest":
    """A request to be made: by the session's own `_request` where that is not ours."""
    asked: Any
    if getattr(session._request, "__func__", None) is not session._own_request:
        asked = session._request(method, url, **kwargs)
    else:
        asked = PendingRequest(session, method, url, kwargs)
        if session._response_class is _Response:
            return asked  # type: ignore[no-any-return]
    # It has the same calls, and lets answers of another class enter and leave by their own.
    return PendingResult(asked)  # type: ignore[return-value]


class PendingRequest(Asker):
    """A request that can be awaited, or entered with `async with`, once."""

    __slots__ = (
        "_begun",
        "_exchange",
        "_ground",
        "_is_asked",
        "_is_entered",
        "_kwargs",
        "_method",
        "_on_done",
        "_own",
        "_response",
        "_session",
        "_slow",
        "_steps",
        "_task",
        "_url",
        "_waiter",
        "_way",
    )

    def __init__(self, session: Any, method: str, url: str | URL, kwargs: dict[str, Any]) -> None:
        self._session = session
        self._ground: Ground = session._ground
        self._method = method
        self._url = url
        self._kwargs = kwargs
        self._begun = 0.0
        self._is_asked = False
        self._is_entered = False
        self._exchange: Exchange | None = None
        self._own: Own | None = None
        self._way: Way | None = None
        self._response: ClientResponse | None = None
        # Where the short way is not enough: the session's coroutine, or a task of ours for it.
        self._slow: PendingResult[ClientResponse] | None = None
        self._task: Any = None
        self._steps: Any = None
        self._waiter: Any = None
        self._on_done: Any = None

    def __del__(self) -> None:
        if not self._is_asked:
            warnings.warn(
                "coroutine 'ClientSession._request' was never awaited",
                RuntimeWarning,
                stacklevel=2,
                source=self,
            )

    # --- the asking side -----------------------------------------------------------------------

    def __await__(self) -> Generator[Any, Any, ClientResponse]:
        awaited = self._ask()
        if awaited is None:
            awaited = self._slow
        return awaited.__await__()  # type: ignore[no-any-return]

    def send(self, value: Any) -> Any:
        """One step, as a coroutine takes it."""
        if self._steps is None:
            self._steps = self.__await__()
        return self._steps.send(value)

    def throw(self, *error: Any) -> Any:
        """An error for the one who awaits the answer."""
        if self._steps is None:  # nothing was asked yet, and nothing will be
            self._is_asked = True
            raise error[1] if len(error) > 1 and error[1] is not None else error[0]
        return self._steps.throw(*error)

    def close(self) -> None:
        """Make no request, or want its answer no more."""
        self._is_asked = True
        if self._steps is not None:
            self._steps.close()
        self._give_up()

    def __aenter__(self) -> Awaitable[ClientResponse]:
        self._is_entered = True
        waiter = self._ask()
        if waiter is not None:
            return waiter  # type: ignore[no-any-return]
        slow: Any = self._slow
        return slow.__aenter__()  # type: ignore[no-any-return]

    def __aexit__(self, exc_type: Any, exc: Any, traceback: Any) -> Awaitable[None]:
        response = self._response
        if response is None:
            slow: Any = self._slow
            return slow.__aexit__(exc_type, exc, traceback)  # type: ignore[no-any-return]
        exchange: Any = response._exchange
        if exchange is None or not exchange.is_done or exchange.upload is not None:
            return response.leave()
        response._in_context = False
        response._released = True
        return _LEFT

    def _ask(self) -> Any:
        """Make the request; a future of the answer, or None where `_slow` is to be awaited."""
        if self._is_asked:
            raise RuntimeError("cannot reuse already awaited coroutine")
        self._is_asked = True
        ground = self._ground
        session = self._session
        connector = session._connector
        if connector is None or connector._closed:
            raise RuntimeError("Session is closed")
        is_short = ground.may_be_short and not ground.traces and not _has_cookies(ground.jar)
        plan, own = find_plan(session, ground, self._method, self._url, self._kwargs, is_short)
        way = find_way(plan) if is_short else None
        if way is not None:
            self._way = way
            self._own = own
            self._begun = ground.time()
            exchange = begin(ground, way, own, connector, self._begun, self)
            if exchange is not None:
                return self._wait(exchange)
        self._slow = PendingResult(session._finish(whole_plan(plan, own), None, None))
        return None

    def _wait(self, exchange: Exchange) -> Any:
        """A future of the answer to what `begin` has begun."""
        self._exchange = exchange
        self._waiter = waiter = self._ground.loop.create_future()
        self._on_done = on_done = self._end
        waiter.add_done_callback(on_done)
        if exchange.head is not None:  # there is a transport that answers while it is written to
            self.tell_head()
        elif exchange.error is not None:
            self.tell_failure(exchange.error)
        return waiter

    def _end(self, waiter: Any) -> None:
        """The caller was cancelled, or has got an error."""
        if waiter.cancelled():
            self._give_up()
        self._exchange = None
        self._waiter = None
        self._on_done = None

    def _give_up(self) -> None:
        """Nobody wants the answer."""
        if self._task is not None:
            self._task.cancel()
        elif self._exchange is not None and self._response is None:
            self._exchange.abandon()

    # --- the answering side --------------------------------------------------------------------

    def tell_head(self) -> None:
        waiter = self._waiter
        exchange: Any = self._exchange
        if waiter is None:
            return
        if waiter.done():
            exchange.abandon()
            return
        way: Any = self._way
        try:
            response = answer_of(self._session, self._ground, way, self._own, exchange)
            if not is_final(exchange):
                self._go_on(response)
                return
        except BaseException as error:
            exchange.abandon()
            waiter.set_exception(error)
            return
        self._hand_out(response, waiter)

    def _hand_out(self, response: ClientResponse, waiter: Any) -> None:
        on_done = self._on_done
        if self._is_entered:
            response._in_context = True
        self._response = response
        self._exchange = None
        self._waiter = None
        self._on_done = None
        wake(self._ground.loop, waiter, response, on_done)

    def tell_failure(self, error: BaseException) -> None:
        waiter = self._waiter
        if waiter is None or waiter.done():
            return
        way: Any = self._way
        try:
            if (
                isinstance(error, _STALE)
                and self._session._retry_stale
                and way.method in IDEMPOTENT
            ):
                self._go_on(None)
                return
            error = failure_of(way.plan, self._own, error)
        except BaseException as failure:
            error = failure
        waiter.set_exception(error)

    def _go_on(self, first: ClientResponse | None) -> None:
        """Let a task of our own do what is left: follow a redirect, keep cookies, ask again."""
        session = self._session
        way: Any = self._way
        whole = whole_plan(way.plan, self._own)
        rest = session._finish(whole, first, self._begun)
        callbacks = self._waiter._callbacks
        # The caller's context: that of the callback that it has added after our own.
        context = None if callbacks is None else callbacks[-1][1]
        self._task = session._loop.create_task(rest, context=context)
        self._task.add_done_callback(self._take_over)

    def _take_over(self, task: Any) -> None:
        """What the task of our own has come to."""
        waiter = self._waiter
        if waiter is None or waiter.done():
            if not task.cancelled() and task.exception() is None:
                task.result().close()
        elif task.cancelled():
            waiter.cancel()
        elif task.exception() is not None:
            waiter.set_exception(task.exception())
        else:
            self._hand_out(task.result(), waiter)


Coroutine.register(PendingRequest)
