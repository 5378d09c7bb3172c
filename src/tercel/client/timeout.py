"""The total timeout of a request: one deadline that follows it from the first step to the last
octet.

In: a loop, seconds, and who is to be ended: the task that asks (until it has its answer), then a
callback (while the body is read). Out: `TimeoutError` in the task, once, and never a stray
cancellation. Deadlines on full seconds share one timer of the loop, so a request costs a set's
entry.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import ceil
from typing import Protocol

from tercel.client.exchange import Exchange

__all__ = ("Deadline", "Deadlines", "ceiled")


def ceiled(now: float, seconds: float, threshold: float) -> float:
    """When `seconds` from `now` end: on a full second from `threshold` seconds on."""
    when = now + seconds
    return float(ceil(when)) if seconds >= threshold else when


class Expiring(Protocol):
    """What a deadline can end."""

    def expire(self) -> None: ...


class Deadline:
    """One request's end of patience. Expires at most once; `disarm` may be called at any time."""

    __slots__ = ("_bucket", "_cancelling", "_on_expiry", "_task", "_timer", "expired")

    def __init__(self, task: asyncio.Task[object] | None) -> None:
        self._task = task
        self._cancelling = task.cancelling() if task is not None else 0
        self._bucket: set[Expiring] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._on_expiry: Callable[[], None] | None = None
        self.expired = False

    def disarm(self) -> None:
        """Never expire any more."""
        self._task = None
        self._on_expiry = None
        if self._bucket is not None:
            self._bucket.discard(self)
            self._bucket = None
        elif self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def hand_over(self, on_expiry: Callable[[], None]) -> None:
        """From now on call `on_expiry` instead of cancelling the task."""
        self._task = None
        self._on_expiry = on_expiry

    def claims(self, error: BaseException) -> bool:
        """True if `error` is the cancellation by this deadline and no other's; True but once."""
        task = self._task
        if not self.expired or task is None or not isinstance(error, asyncio.CancelledError):
            return False
        self._task = None
        return task.uncancel() <= self._cancelling

    def expire(self) -> None:
        """The time is over."""
        self._bucket = None
        self._timer = None
        self.expired = True
        if self._task is not None:
            self._task.cancel()
        elif self._on_expiry is not None:
            on_expiry, self._on_expiry = self._on_expiry, None
            on_expiry()


class Deadlines:
    """The deadlines of one session on one loop."""

    __slots__ = ("_buckets", "_latest", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._buckets: dict[float, tuple[set[Expiring], asyncio.TimerHandle]] = {}
        self._latest: tuple[float, set[Expiring]] = (0.0, set())

    def arm(
        self,
        seconds: float,
        threshold: float,
        begun: float | None = None,
        task: asyncio.Task[object] | None = None,
    ) -> Deadline:
        """A deadline `seconds` from `begun`, now by default, for the task, the current one by
        default.
        """
        deadline = Deadline(asyncio.current_task(self._loop) if task is None else task)
        when = ceiled(self._loop.time() if begun is None else begun, seconds, threshold)
        if seconds < threshold:
            deadline._timer = self._loop.call_at(when, deadline.expire)
            return deadline
        deadline._bucket = bucket = self._bucket(when)
        bucket.add(deadline)
        return deadline

    def watch(self, exchange: Exchange, due: float) -> None:
        """Expire `exchange` on the full second after `due`, unless it is done then."""
        when, bucket = self._latest
        if not when - 1 < due <= when:
            when = float(ceil(due))
            bucket = self._bucket(when)
            self._latest = (when, bucket)
        bucket.add(exchange)
        exchange.watched = bucket

    def _bucket(self, when: float) -> set[Expiring]:
        found = self._buckets.get(when)
        if found is None:
            found = (set(), self._loop.call_at(when, self._expire, when))
            self._buckets[when] = found
        return found[0]

    def _expire(self, when: float) -> None:
        if self._latest[0] == when:
            self._latest = (0.0, set())
        deadlines, _ = self._buckets.pop(when)
        for deadline in list(deadlines):
            if deadline in deadlines:
                deadline.expire()

    def close(self) -> None:
        """Give the loop its timers back, but those that somebody still relies on."""
        self._latest = (0.0, set())
        for when, (deadlines, timer) in list(self._buckets.items()):
            if not deadlines:
                timer.cancel()
                del self._buckets[when]
