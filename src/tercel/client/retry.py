"""Trying again, as a middleware: what failed for a while is asked for once more, within bounds.

In: statuses, exceptions and methods that may be retried, and how long to wait. Out: the first good
answer, or the last one. A body that can't be replayed is sent once; a budget keeps retries from
becoming a storm. Time and chance are arguments.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable

from tercel.client.errors import ClientConnectionError
from tercel.client.middleware import ClientHandlerType
from tercel.client.request import ClientRequest
from tercel.client.response import ClientResponse
from tercel.content.payload import Payload
from tercel.wire.dates import parse_http_date

__all__ = ("IDEMPOTENT", "RetryBudget", "RetryMiddleware", "can_replay")

#: RFC 9110 section 9.2.2.
IDEMPOTENT = frozenset(("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"))
TRANSIENT = frozenset((429, 502, 503, 504))


def can_replay(request: ClientRequest) -> bool:
    """True if the request's body can be sent once more."""
    body = request.body
    return not (isinstance(body, Payload) and body.consumed)


class RetryBudget:
    """How many retries can be afforded: `reserve`, and one more for `1 / ratio` requests."""

    def __init__(self, ratio: float = 0.2, reserve: float = 10.0) -> None:
        self.ratio = ratio
        self.reserve = reserve
        self.tokens = reserve

    def deposit(self) -> None:
        """A request was made."""
        self.tokens = min(self.tokens + self.ratio, self.reserve * 2)

    def withdraw(self) -> bool:
        """Take one retry; False where none is left."""
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class RetryMiddleware:
    """Send a request up to `attempts` times.

    `statuses`, `exceptions`, `methods`: what is retried. The wait is `delay` seconds, times
    `factor` for each further attempt, `max_delay` at most, shortened by chance to between `1 -
    jitter` and 1 of itself; Retry-After (seconds or date) lengthens it, and ends the retrying
    where it asks for more than `max_delay`. `budget` is shared by all requests through this
    object.
    """

    def __init__(
        self,
        attempts: int = 3,
        *,
        statuses: Iterable[int] = TRANSIENT,
        exceptions: tuple[type[BaseException], ...] = (ClientConnectionError,),
        methods: Iterable[str] = IDEMPOTENT,
        delay: float = 0.1,
        factor: float = 2.0,
        max_delay: float = 30.0,
        jitter: float = 0.5,
        budget: RetryBudget | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
        now: Callable[[], float] = time.time,
    ) -> None:
        if attempts < 1:
            raise ValueError(f"attempts is {attempts}, expected 1 or more")
        if not 0 <= jitter <= 1:
            raise ValueError(f"jitter is {jitter}, expected 0 to 1")
        self.attempts = attempts
        self.statuses = frozenset(statuses)
        self.exceptions = exceptions
        self.methods = frozenset(method.upper() for method in methods)
        self.delay = delay
        self.factor = factor
        self.max_delay = max_delay
        self.jitter = jitter
        self.budget = RetryBudget() if budget is None else budget
        self._sleep = sleep
        self._chance = chance
        self._now = now

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        self.budget.deposit()
        attempt = 1
        while True:
            try:
                response = await handler(request)
            except self.exceptions:
                if not self._may_retry(request, attempt):
                    raise
                wait = self._backoff(attempt)
            else:
                if response.status not in self.statuses or not self._may_ask(request, attempt):
                    return response
                asked = self._wait_after(response, attempt)
                if asked is None or not self.budget.withdraw():
                    return response
                wait = asked
                response.release()
            attempt += 1
            await self._sleep(wait)

    def _may_ask(self, request: ClientRequest, attempt: int) -> bool:
        return attempt < self.attempts and request.method in self.methods and can_replay(request)

    def _may_retry(self, request: ClientRequest, attempt: int) -> bool:
        return self._may_ask(request, attempt) and self.budget.withdraw()

    def _backoff(self, attempt: int) -> float:
        wait = min(self.delay * self.factor ** (attempt - 1), self.max_delay)
        return wait * (1 - self.jitter * self._chance())

    def _wait_after(self, response: ClientResponse, attempt: int) -> float | None:
        """Seconds until the next attempt; None where the server asks for too many."""
        wait = self._backoff(attempt)
        asked = response.headers.get("Retry-After", "").strip()
        if asked.isascii() and asked.isdecimal():
            wanted = float(asked[:12])
        else:
            date = parse_http_date(asked)
            if date is None:
                return wait
            wanted = date.timestamp() - self._now()
        if wanted > self.max_delay:
            return None
        return max(wait, wanted)
