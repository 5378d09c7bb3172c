import asyncio
import contextvars
import gc
import weakref
from typing import Any

import pytest

from tercel.net.tasks import start_eagerly

variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable", default=0)


def start(coro: Any) -> "asyncio.Task[Any]":
    """Start as a protocol's callback does: outside of any task."""
    loop = asyncio.get_running_loop()
    made: asyncio.Future[asyncio.Task[Any]] = loop.create_future()
    loop.call_soon(lambda: made.set_result(start_eagerly(loop, coro)))
    return made  # type: ignore[return-value]


async def test_the_first_step_runs_at_once() -> None:
    steps: list[int] = []
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    async def work() -> str:
        steps.append(1)
        await asyncio.sleep(0)
        steps.append(2)
        return "done"

    def callback() -> None:
        task = start_eagerly(loop, work())
        steps.append(0)
        task.add_done_callback(done.set_result)

    loop.call_soon(callback)
    assert (await done).result() == "done"
    assert steps == [1, 0, 2]


@pytest.mark.parametrize("waits", [False, True])
async def test_results_and_errors(waits: bool) -> None:
    async def work(outcome: Any) -> Any:
        if waits:
            await asyncio.sleep(0)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    assert await (await start(work(5))) == 5
    with pytest.raises(ValueError, match="x"):
        await (await start(work(ValueError("x"))))
    task = await start(work(asyncio.CancelledError()))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_the_current_task_is_the_same_before_and_after_a_suspension() -> None:
    seen: list[Any] = []

    async def work() -> None:
        seen.append(asyncio.current_task())
        await asyncio.sleep(0)
        seen.append(asyncio.current_task())
        await asyncio.sleep(0)
        seen.append(asyncio.current_task())

    task = await start(work())
    await task
    assert seen == [task] * 3
    assert asyncio.current_task() is not task


async def test_a_done_first_step_leaves_no_current_task() -> None:
    async def work() -> None:
        return

    await (await start(work()))
    loop = asyncio.get_running_loop()
    seen = loop.create_future()
    loop.call_soon(lambda: seen.set_result(asyncio.current_task()))
    assert await seen is None


async def test_timeouts_and_groups_begun_in_the_first_step() -> None:
    async def child(n: int) -> int:
        await asyncio.sleep(0)
        return n

    async def work() -> int:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.sleep(100)
        except TimeoutError:
            pass
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(child(n)) for n in range(3)]
        with pytest.raises(ExceptionGroup):
            async with asyncio.TaskGroup() as group:
                group.create_task(fail())
                await asyncio.sleep(100)
        return sum(task.result() for task in tasks)

    async def fail() -> None:
        raise ValueError

    async def grouped_first() -> int:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(child(n)) for n in range(4)]
        return sum(task.result() for task in tasks)

    async def failing_first() -> int:
        caught = 0
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(fail())
                await asyncio.sleep(100)
        except* ValueError:
            caught = 1
        return caught

    assert await (await start(work())) == 3
    assert await (await start(grouped_first())) == 6
    assert await (await start(failing_first())) == 1


async def test_cancel_in_the_first_step() -> None:
    async def work() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(100)

    task = await start(work())
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cancel_after_the_first_step() -> None:
    cleaned = False

    async def work() -> None:
        nonlocal cleaned
        try:
            await asyncio.sleep(100)
        finally:
            cleaned = True

    task = await start(work())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleaned


async def test_callbacks_added_in_the_first_step() -> None:
    called: list[Any] = []

    async def work(waits: bool) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.add_done_callback(called.append)
        task.add_done_callback(called.append)
        if waits:
            await asyncio.sleep(0)

    for waits in (False, True):
        called.clear()
        task = await start(work(waits))
        await task
        await asyncio.sleep(0)
        assert called == [task, task]


async def test_a_task_may_be_asked_about_itself_in_its_first_step() -> None:
    asked: list[Any] = []

    async def work() -> None:
        task = asyncio.current_task()
        assert task is not None
        asked.extend([repr(task), str(task), task.get_name(), task.get_coro(), task.done()])
        asked.extend([task.get_stack(), task.cancelling(), task.cancelled(), task.get_loop()])
        task.set_name("mine")
        assert task.get_name() == "mine"
        assert hash(task) is not None
        with pytest.raises(asyncio.InvalidStateError):
            task.result()
        with pytest.raises(asyncio.InvalidStateError):
            task.exception()
        import io

        task.print_stack(file=io.StringIO())
        task.uncancel()
        await asyncio.sleep(0)
        asked.extend([repr(task), task.get_stack(), task.get_coro()])
        assert task.get_name() == "mine"
        assert task in asyncio.all_tasks()

    await (await start(work()))
    assert len(asked) == 12


async def test_each_has_a_context_of_its_own_that_lasts() -> None:
    seen: list[int] = []

    async def work(n: int) -> None:
        assert variable.get() == 0
        variable.set(n)
        await asyncio.sleep(0)
        seen.append(variable.get())

    tasks = [await start(work(n)) for n in range(1, 4)]
    await asyncio.gather(*tasks)
    assert seen == [1, 2, 3]
    assert variable.get() == 0


async def test_started_within_a_task() -> None:
    me = asyncio.current_task()

    async def work() -> Any:
        await asyncio.sleep(0)
        return asyncio.current_task()

    task = start_eagerly(asyncio.get_running_loop(), work())
    assert asyncio.current_task() is me
    assert await task is task


async def test_nothing_stays() -> None:
    class Thing:
        pass

    thing = Thing()
    ref = weakref.ref(thing)

    async def work(held: Thing) -> None:
        await asyncio.sleep(0)

    task = await start(work(thing))
    del thing
    await task
    del task
    gc.collect()
    assert ref() is None


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("waits", [False, True])
def test_the_end_of_the_program_comes_out_of_the_loop(
    error: type[BaseException], waits: bool
) -> None:
    async def work() -> None:
        if waits:
            await asyncio.sleep(0)
        raise error

    loop = asyncio.new_event_loop()
    try:
        loop.call_soon(lambda: start_eagerly(loop, work()))
        loop.call_later(5, loop.stop)
        with pytest.raises(error):
            loop.run_forever()
    finally:
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def test_in_debug_mode() -> None:
    async def main() -> int:
        async def work() -> int:
            await asyncio.sleep(0)
            task = asyncio.current_task()
            assert "work" in repr(task)
            return 7

        return int(await (await start(work())))

    assert asyncio.run(main(), debug=True) == 7


async def test_what_the_first_step_waited_for_is_not_kept() -> None:
    class Result:
        pass

    loop = asyncio.get_running_loop()
    waited: list[asyncio.Future[Result]] = [loop.create_future()]
    goes_on = loop.create_future()

    async def work() -> None:
        await waited.pop()
        await goes_on

    first = waited[0]
    task = await start(work())
    result = Result()
    known = weakref.ref(result)
    first.set_result(result)
    del first, result
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gc.collect()
    assert not task.done()
    assert known() is None
    goes_on.set_result(None)
    await task
