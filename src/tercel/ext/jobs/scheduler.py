"""Background jobs with an end: so many at a time, errors told, none left running.

In: coroutines. Out: jobs, which can be waited for and closed; what fails without anybody waiting
for it goes to the exception handler. Documented by aiojobs (API). Knows nothing of HTTP.
"""

import asyncio
import traceback
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator
from types import TracebackType
from typing import Any, Generic, TypeVar

__all__ = ("Job", "Scheduler", "create_scheduler")

_T = TypeVar("_T")
ExceptionHandler = Callable[["Scheduler", dict[str, Any]], None]
_DEFAULT: Any = object()


class Job(Generic[_T]):
    """A coroutine that a scheduler runs (aiojobs, Job): pending, then active, then closed."""

    def __init__(
        self, coro: Coroutine[Any, Any, _T], scheduler: "Scheduler", name: str | None
    ) -> None:
        self._coro = coro
        self._scheduler = scheduler
        self._name = name
        self._task: asyncio.Task[_T] | None = None
        self._closed = False
        self._done = asyncio.Event()
        self._waiters = 0
        is_debug = asyncio.get_running_loop().get_debug()
        self._source = traceback.extract_stack()[:-2] if is_debug else None

    @property
    def active(self) -> bool:
        """True while it runs."""
        return self._task is not None and not self._closed

    @property
    def pending(self) -> bool:
        """True while the scheduler's limit keeps it from running."""
        return self._task is None and not self._closed

    @property
    def closed(self) -> bool:
        """True once it has finished or was stopped."""
        return self._closed

    def get_name(self) -> str | None:
        """The name that `spawn` was given."""
        return self._name

    async def wait(self, *, timeout: float | None = None) -> _T:
        """What the coroutine returns; what it raises is raised.

        After `timeout` seconds the job is closed and TimeoutError raised. Being cancelled does not
        cancel the job. CancelledError for a job that was closed.
        """
        self._waiters += 1
        try:
            try:
                async with asyncio.timeout(timeout):
                    await self._done.wait()
            except TimeoutError:
                await self.close()
                raise
        finally:
            self._waiters -= 1
        if self._task is None or not self._task.done():
            raise asyncio.CancelledError
        return self._task.result()

    async def close(self, *, timeout: float | None = _DEFAULT) -> None:
        """Stop it: cancel it and wait for its end.

        TimeoutError where that takes more than `timeout` seconds, the scheduler's `close_timeout`
        by default, None for any time; the job counts as closed then too. Raises what the
        coroutine raised at its end, other than CancelledError.
        """
        if self._closed:
            return
        if self._task is None:
            self._scheduler._drop(self)
            self._coro.close()
            self._end()
            return
        if self._task is asyncio.current_task():
            raise RuntimeError("a job can't close itself: return from it")
        self._waiters += 1
        try:
            self._task.cancel()
            limit = self._scheduler.close_timeout if timeout is _DEFAULT else timeout
            await asyncio.wait([self._task], timeout=limit)
            if not self._task.done():
                self._end()
                raise TimeoutError
        finally:
            self._waiters -= 1
        if not self._task.cancelled():
            self._task.result()

    def _start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._coro, name=self._name)
        self._task.add_done_callback(self._finish)

    def _finish(self, task: "asyncio.Task[_T]") -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and not self._waiters:
            self._report("Job processing failed", error)
        self._end()

    def _end(self) -> None:
        if not self._closed:
            self._closed = True
            self._done.set()
            self._scheduler._forget(self)

    def _report(self, message: str, error: BaseException) -> None:
        context: dict[str, Any] = {"message": message, "job": self, "exception": error}
        if self._source is not None:
            context["source_traceback"] = self._source
        self._scheduler.call_exception_handler(context)

    def __repr__(self) -> str:
        state = "closed " if self._closed else "pending " if self._task is None else ""
        return f"<Job {state}coro=<{self._coro}>>"


class Scheduler(Collection[Job[Any]]):
    """Runs jobs (aiojobs, Scheduler).

    At most `limit` at a time, None for any number; `pending_limit` may wait for their turn, 0 for
    any number. Cancelled ones have `close_timeout` seconds to end, `wait_and_close` lets them go on
    for `wait_timeout` seconds; None for any time. `exception_handler(scheduler, context)` hears of
    errors nobody waited for, the event loop's by default.
    """

    def __init__(
        self,
        *,
        close_timeout: float | None = 0.1,
        wait_timeout: float | None = 60,
        limit: int | None = 100,
        pending_limit: int = 10000,
        exception_handler: ExceptionHandler | None = None,
    ) -> None:
        if limit is not None and limit < 1:
            raise ValueError(f"limit is at least 1, or None for no limit, got {limit}")
        if exception_handler is not None and not callable(exception_handler):
            raise TypeError(f"A callable object or None is expected, got {exception_handler!r}")
        self._close_timeout = close_timeout
        self._wait_timeout = wait_timeout
        self._limit = limit
        self._pending_limit = pending_limit
        self._exception_handler = exception_handler
        self._active: set[Job[Any]] = set()
        self._pending: deque[Job[Any]] = deque()
        self._shields: set[asyncio.Future[Any]] = set()
        self._spawners: deque[asyncio.Future[None]] = deque()
        self._closed = False

    @property
    def limit(self) -> int | None:
        """How many jobs run at a time."""
        return self._limit

    @property
    def pending_limit(self) -> int:
        """How many jobs may wait for their turn, 0 for any number."""
        return self._pending_limit

    @property
    def close_timeout(self) -> float | None:
        """Seconds that a cancelled job has to end."""
        return self._close_timeout

    @property
    def active_count(self) -> int:
        """How many jobs run now."""
        return len(self._active)

    @property
    def pending_count(self) -> int:
        """How many jobs wait for their turn."""
        return len(self._pending)

    @property
    def closed(self) -> bool:
        """True from the beginning of `close()` on."""
        return self._closed

    @property
    def exception_handler(self) -> ExceptionHandler | None:
        """What hears of errors, None for the event loop."""
        return self._exception_handler

    def __len__(self) -> int:
        return len(self._active) + len(self._pending)

    def __iter__(self) -> Iterator[Job[Any]]:
        return iter([*self._active, *self._pending])

    def __contains__(self, job: object) -> bool:
        return job in self._active or job in self._pending

    def __repr__(self) -> str:
        closed = "closed " if self._closed else ""
        return f"<Scheduler {closed}jobs={len(self)}>"

    async def __aenter__(self) -> "Scheduler":
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.wait_and_close()

    async def spawn(self, coro: Coroutine[Any, Any, _T], name: str | None = None) -> Job[_T]:
        """Run `coro` as a job, at once or when its turn comes; the task is named `name`.

        Waits where `pending_limit` jobs wait already. RuntimeError once the scheduler is closed.
        """
        try:
            while not self._closed and self._is_full():
                await self._wait_for_room()
            if self._closed:
                raise RuntimeError("Scheduling a new job after closing")
        except BaseException:
            coro.close()
            raise
        job = Job(coro, self, name)
        if self._limit is None or len(self._active) < self._limit:
            self._start(job)
        else:
            self._pending.append(job)
        return job

    def shield(self, arg: Awaitable[_T]) -> "asyncio.Future[_T]":
        """As `asyncio.shield`; the scheduler waits for what is shielded before it closes.

        RuntimeError once the scheduler is closed.
        """
        if self._closed:
            if asyncio.iscoroutine(arg):
                arg.close()
            raise RuntimeError("Shielding a new task after closing")
        inner = asyncio.ensure_future(arg)
        self._shields.add(inner)
        inner.add_done_callback(self._shields.discard)
        return asyncio.shield(inner)

    async def wait_and_close(self, timeout: float | None = None) -> None:
        """Let the jobs end for `timeout` seconds, `wait_timeout` by default, then `close()`."""
        limit = self._wait_timeout if timeout is None else timeout
        try:
            async with asyncio.timeout(limit):
                while running := self._list_running():
                    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                    await asyncio.sleep(0)  # jobs that had to wait start
        except TimeoutError:
            pass
        finally:
            await self.close()

    async def close(self) -> None:
        """Cancel all jobs and wait for their ends; those that take too long are told."""
        self._closed = True
        for waiter in self._spawners:
            if not waiter.done():
                waiter.set_result(None)
        current = asyncio.current_task()
        for job in [*self._pending]:
            await job.close()
        ending = [job for job in self._active if job._task is not current]
        results = await asyncio.gather(*(job.close() for job in ending), return_exceptions=True)
        for job, error in zip(ending, results, strict=True):
            if isinstance(error, TimeoutError) and not (job._task and job._task.done()):
                job._report("Job closing timed out", error)
            elif isinstance(error, Exception):
                job._report("Job processing failed", error)
        shields = [future for future in self._shields if future is not current]
        for future in shields:
            future.cancel()
        if shields:
            await asyncio.wait(shields, timeout=self._close_timeout)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Tell the exception handler of an error (aiojobs, call_exception_handler)."""
        if self._exception_handler is None:
            asyncio.get_running_loop().call_exception_handler(context)
        else:
            self._exception_handler(self, context)

    def _list_running(self) -> list["asyncio.Future[Any]"]:
        current = asyncio.current_task()
        tasks = [job._task for job in self._active if job._task is not None]
        return [task for task in [*tasks, *self._shields] if task is not current]

    def _is_full(self) -> bool:
        if self._limit is None or len(self._active) < self._limit or not self._pending_limit:
            return False
        return len(self._pending) >= self._pending_limit

    async def _wait_for_room(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._spawners.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._wake_spawner()  # the room is somebody else's
            raise
        finally:
            if waiter in self._spawners:
                self._spawners.remove(waiter)

    def _wake_spawner(self) -> None:
        while self._spawners:
            waiter = self._spawners.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _start(self, job: Job[Any]) -> None:
        self._active.add(job)
        job._start()

    def _drop(self, job: Job[Any]) -> None:
        if job in self._pending:
            self._pending.remove(job)
            self._wake_spawner()

    def _forget(self, job: Job[Any]) -> None:
        self._active.discard(job)
        while (
            self._pending
            and not self._closed
            and (self._limit is None or len(self._active) < self._limit)
        ):
            self._start(self._pending.popleft())
        self._wake_spawner()


async def create_scheduler(
    *,
    close_timeout: float | None = 0.1,
    limit: int | None = 100,
    pending_limit: int = 10000,
    exception_handler: ExceptionHandler | None = None,
) -> Scheduler:
    """A `Scheduler`; the old way to make one."""
    return Scheduler(
        close_timeout=close_timeout,
        limit=limit,
        pending_limit=pending_limit,
        exception_handler=exception_handler,
    )
