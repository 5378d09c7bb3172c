"""Jobs: limits, waiting, closing, errors that are told, and none left running."""

import asyncio
from typing import Any

import pytest

from tercel.ext.jobs import Scheduler, create_scheduler


class Told(list[dict[str, Any]]):
    """An exception handler that remembers."""

    def __call__(self, scheduler: Scheduler, context: dict[str, Any]) -> None:
        self.append(context)


class Work:
    """Coroutines that begin, wait to be let go, and end."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.go = asyncio.Event()

    async def __call__(self, name: str, error: Exception | None = None) -> str:
        self.begun.append(name)
        try:
            await self.go.wait()
        finally:
            self.ended.append(name)
        if error is not None:
            raise error
        return name


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_states_and_results() -> None:
    work = Work()
    async with Scheduler(limit=1) as scheduler:
        assert repr(scheduler) == "<Scheduler jobs=0>"
        one = await scheduler.spawn(work("one"), name="first")
        two = await scheduler.spawn(work("two"))
        assert (one.active, one.pending, one.closed) == (True, False, False)
        assert (two.active, two.pending, two.closed) == (False, True, False)
        assert one.get_name() == "first"
        assert "<Job pending coro=<" in repr(two)
        assert (len(scheduler), scheduler.active_count, scheduler.pending_count) == (2, 1, 1)
        assert one in scheduler
        assert two in scheduler
        assert set(scheduler) == {one, two}
        await settle()
        assert work.begun == ["one"]
        work.go.set()
        assert await one.wait() == "one"
        assert await one.wait() == "one"
        assert one.closed
        assert "<Job closed coro=<" in repr(one)
        assert await two.wait(timeout=20) == "two"
        assert len(scheduler) == 0
    assert scheduler.closed
    assert repr(scheduler) == "<Scheduler closed jobs=0>"


async def test_so_many_at_a_time() -> None:
    work = Work()
    async with Scheduler(limit=3) as scheduler:
        jobs = [await scheduler.spawn(work(str(number))) for number in range(10)]
        await settle()
        assert work.begun == ["0", "1", "2"]
        await jobs[1].close()
        await jobs[5].close()
        await settle()
        assert work.begun == ["0", "1", "2", "3"]
        work.go.set()
        results = await asyncio.gather(*(job.wait() for job in jobs), return_exceptions=True)
    assert [result for result in results if isinstance(result, str)] == list("02346789")
    for number in (1, 5):
        assert isinstance(results[number], asyncio.CancelledError)


async def test_no_limit() -> None:
    work = Work()
    async with Scheduler(limit=None) as scheduler:
        for number in range(200):
            await scheduler.spawn(work(str(number)))
        assert scheduler.active_count == 200
        work.go.set()
    assert len(work.ended) == 200


async def test_spawn_waits_where_too_many_wait() -> None:
    work = Work()
    scheduler = Scheduler(limit=1, pending_limit=1)
    await scheduler.spawn(work("a"))
    second = await scheduler.spawn(work("b"))
    spawning = [asyncio.create_task(scheduler.spawn(work(name))) for name in "cde"]
    await settle()
    assert not any(task.done() for task in spawning)
    assert scheduler.pending_count == 1
    spawning[0].cancel()
    await settle()
    await second.close()
    await settle()
    assert [task.done() for task in spawning] == [True, True, False]
    assert scheduler.pending_count == 1
    await scheduler.close()
    with pytest.raises(RuntimeError, match="Scheduling a new job after closing"):
        await spawning[2]
    with pytest.raises(asyncio.CancelledError):
        await spawning[0]
    assert (await spawning[1]).closed
    assert work.begun == ["a"]
    assert len(scheduler) == 0


async def test_a_cancelled_spawn_leaves_its_room_to_the_next() -> None:
    work = Work()
    scheduler = Scheduler(limit=1, pending_limit=1)
    first = await scheduler.spawn(work("a"))
    second = await scheduler.spawn(work("b"))
    spawning = [asyncio.create_task(scheduler.spawn(work(name))) for name in "cd"]
    await settle()
    assert first._task is not None
    # At its end the second starts, and the first who waits is woken, but cancelled before it runs.
    first._task.add_done_callback(lambda task: spawning[0].cancel())
    await first.close()
    assert second.active
    await settle()
    assert spawning[1].done()
    await scheduler.close()
    assert spawning[0].cancelled()


async def test_errors_are_told_where_nobody_waits() -> None:
    told = Told()
    work = Work()
    work.go.set()
    async with Scheduler(exception_handler=told) as scheduler:
        error = ValueError("x")
        job = await scheduler.spawn(work("a", error))
        await settle()
        assert told == [{"message": "Job processing failed", "job": job, "exception": error}]
        with pytest.raises(ValueError, match="x"):
            await job.wait()
        job = await scheduler.spawn(work("b", error))
        with pytest.raises(ValueError, match="x"):
            await job.wait()
        assert len(told) == 1
    assert len(told) == 1


async def test_errors_are_told_where_a_waiter_was_cancelled() -> None:
    told = Told()
    work = Work()
    async with Scheduler(exception_handler=told) as scheduler:
        job = await scheduler.spawn(work("a", ValueError("x")))
        waiter = asyncio.create_task(job.wait())
        await settle()
        waiter.cancel()
        await settle()
        assert job.active
        work.go.set()
        await settle()
    assert len(told) == 1
    assert waiter.cancelled()


@pytest.mark.loop_errors
async def test_the_event_loop_is_told_by_default() -> None:
    told: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    before = loop.get_exception_handler()
    loop.set_exception_handler(lambda loop, context: told.append(context))
    try:
        work = Work()
        work.go.set()
        async with Scheduler() as scheduler:
            await scheduler.spawn(work("a", ValueError("x")))
    finally:
        loop.set_exception_handler(before)
        loop.set_debug(False)
    assert [str(context["exception"]) for context in told] == ["x"]
    assert "test_scheduler" in str(told[0]["source_traceback"])


async def test_wait_with_a_timeout_closes() -> None:
    work = Work()
    async with Scheduler() as scheduler:
        job = await scheduler.spawn(work("a"))
        with pytest.raises(TimeoutError):
            await job.wait(timeout=0.01)
        assert job.closed
        assert work.ended == ["a"]
        with pytest.raises(asyncio.CancelledError):
            await job.wait()
        await job.close()


async def test_a_job_that_won_t_end() -> None:
    told = Told()
    go = asyncio.Event()

    async def stubborn() -> None:
        while not go.is_set():
            try:
                await go.wait()
            except asyncio.CancelledError:
                continue

    scheduler = Scheduler(exception_handler=told, close_timeout=0.01)
    one = await scheduler.spawn(stubborn())
    two = await scheduler.spawn(stubborn())
    await settle()
    with pytest.raises(TimeoutError):
        await one.close(timeout=0.01)
    assert one.closed
    await scheduler.close()
    assert [context["message"] for context in told] == ["Job closing timed out"]
    assert told[0]["job"] is two
    go.set()
    await settle()


async def test_errors_at_the_end_of_a_cancelled_job() -> None:
    told = Told()

    async def untidy() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("at the end")

    scheduler = Scheduler(exception_handler=told)
    one = await scheduler.spawn(untidy())
    two = await scheduler.spawn(untidy())
    await settle()
    with pytest.raises(ValueError, match="at the end"):
        await one.close()
    await scheduler.close()
    assert [context["job"] for context in told] == [two]


async def test_wait_and_close() -> None:
    work = Work()
    scheduler = Scheduler(limit=1)
    jobs = [await scheduler.spawn(work(name)) for name in "ab"]
    asyncio.get_running_loop().call_later(0.01, work.go.set)
    await scheduler.wait_and_close()
    assert [await job.wait() for job in jobs] == ["a", "b"]

    work = Work()
    scheduler = Scheduler(limit=1, wait_timeout=0.01)
    jobs = [await scheduler.spawn(work(name)) for name in "ab"]
    await scheduler.wait_and_close()
    assert all(job.closed for job in jobs)
    assert work.begun == work.ended == ["a"]


async def test_shield() -> None:
    work = Work()
    async with Scheduler() as scheduler:
        waiter = asyncio.create_task(_await(scheduler.shield(work("a"))))
        await settle()
        waiter.cancel()
        await settle()
        assert waiter.cancelled()
        assert not work.ended
        asyncio.get_running_loop().call_later(0.01, work.go.set)
    assert work.ended == ["a"]
    with pytest.raises(RuntimeError, match="after closing"):
        scheduler.shield(work("b"))

    work = Work()
    scheduler = await create_scheduler(limit=2)
    shielded = scheduler.shield(work("c"))
    await settle()
    await scheduler.close()
    assert work.ended == ["c"]
    assert shielded.cancelled()


async def _await(future: "asyncio.Future[Any]") -> Any:
    return await future


async def test_a_job_that_closes_its_scheduler() -> None:
    scheduler = Scheduler()

    async def end() -> str:
        with pytest.raises(RuntimeError, match="a job can't close itself"):
            await job.close()
        await scheduler.close()
        return "ended"

    job = await scheduler.spawn(end())
    assert await job.wait() == "ended"


async def test_arguments() -> None:
    scheduler = Scheduler(limit=5, pending_limit=7, close_timeout=3)
    assert (scheduler.limit, scheduler.pending_limit, scheduler.close_timeout) == (5, 7, 3)
    assert scheduler.exception_handler is None
    with pytest.raises(ValueError, match="limit is at least 1"):
        Scheduler(limit=0)
    with pytest.raises(TypeError, match="A callable object or None"):
        Scheduler(exception_handler=1)  # type: ignore[arg-type]
