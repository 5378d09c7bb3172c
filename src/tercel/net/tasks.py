"""Handlers as tasks that begin at once: no trip around the event loop for an answer at hand.

In: a loop and a coroutine. Out: the task, which may be done already. `asyncio.current_task()`,
`asyncio.timeout()` and cancellation work from the coroutine's first line on. Python 3.12 and later
have eager tasks of their own; for 3.11, whose C code changes no more, a subclass of Task runs the
first step itself.
"""

import asyncio
import sys
from collections.abc import Coroutine, Generator
from contextvars import Context, copy_context
from types import CoroutineType, coroutine
from typing import Any

__all__ = (
    "CAN_STEP",
    "DONE",
    "copy_context",
    "current_task",
    "current_tasks",
    "drive",
    "fail_later",
    "make_step_task",
    "promote",
    "release",
    "resume",
    "set_result",
    "start_eagerly",
)

#: What `drive` puts before an outcome; no coroutine can yield it.
DONE = object()


def fail_later(loop: asyncio.AbstractEventLoop, error: BaseException) -> asyncio.Task[Any]:
    """A task that raises `error` out of the loop: a protocol's callback is no place to do so.

    uvloop takes it there for a fault of the connection and goes on.
    """

    async def fail() -> None:
        raise error

    task = loop.create_task(fail())
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task


@coroutine
def drive(ends: list[Any]) -> Generator[Any, Any, Any]:
    """Await one thing after another: `send` takes an awaitable and returns (DONE, outcome).

    Whatever else it returns comes from an awaitable that suspends. One generator for many handlers
    saves each of them a coroutine, and a value that is yielded needs no StopIteration. Once there
    is something in `ends`, the awaitable under way is the last, and its outcome is returned.
    """
    awaitable = yield None
    while True:
        if type(awaitable) is not CoroutineType:
            awaitable = _await(awaitable)
        # No name holds what came out: between two requests nothing of the last one may stay.
        ends.append((yield from awaitable))
        if len(ends) > 1:
            return ends.pop()
        awaitable = yield (DONE, ends.pop())


async def _await(awaitable: Any) -> Any:
    return await awaitable


if sys.version_info >= (3, 12):
    #: True where a caller may run a task's first step itself: see `stepper.Stepper`.
    CAN_STEP = False
    current_tasks: dict[Any, Any] = {}
    #: The task of a loop that runs now, or None.
    current_task: Any = asyncio.current_task
    make_step_task: Any = None
    release: Any = None
    promote: Any = None
    resume: Any = None
    set_result: Any = None

    def start_eagerly(
        loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any]
    ) -> asyncio.Task[Any]:
        """Run `coro` up to its first suspension; the task is done if there was none."""
        try:
            return asyncio.Task(coro, loop=loop, eager_start=True)
        except (KeyboardInterrupt, SystemExit) as error:
            return fail_later(loop, error)

else:
    CAN_STEP = True
    current_tasks: dict[Any, Any] = vars(asyncio.tasks)["_current_tasks"]
    current_task: Any = current_tasks.get
    _init_task = asyncio.Task.__init__
    set_result = asyncio.Future.set_result
    _set_exception = asyncio.Future.set_exception
    _cancel = asyncio.Future.cancel
    _cancel_task = asyncio.Task.cancel
    _add_done_callback = asyncio.Task.add_done_callback
    _set_slot = object.__setattr__

    @coroutine
    def resume(coro: Any, yielded: Any) -> Generator[Any, Any, Any]:
        """Go on with a coroutine, or the last of a `drive`, that has yielded once: its outcome."""
        while True:
            try:
                yield yielded
                break
            except GeneratorExit:
                coro.close()
                raise
            except BaseException as error:
                try:
                    yielded = coro.throw(error)
                except StopIteration as stop:
                    return stop.value
        # What was waited for is not kept while it runs on, which may be for days.
        yielded = None
        # It has what a task sends, which is None.
        return (yield from coro)

    def _touch(task: Any) -> None:
        stepper = getattr(task, "_stepper", None)
        if stepper is not None:
            stepper.is_touched = True

    class _EagerTask(asyncio.Task[Any]):
        """A task whose first step ran before the task's own machinery was set up.

        Until then its Future half works; the Task half must not be asked for its coroutine or name:
        its C code has none yet. What changes it leaves a mark in `_stepper.is_touched`, if there is
        one: an untouched task serves again (`stepper.Stepper`).
        """

        __slots__ = ("_first", "_label", "_stepper")
        __init__ = asyncio.Future.__init__

        def get_coro(self) -> Any:
            stepper = getattr(self, "_stepper", None)
            return getattr(self, "_first", None) if stepper is None else stepper.awaitable

        def get_name(self) -> str:
            return getattr(self, "_label", "") or f"Task-{id(self):#x}"

        def set_name(self, value: object) -> None:
            self._label = str(value)

        def cancel(self, msg: Any = None) -> bool:
            _touch(self)
            return _cancel_task(self, msg)

        def add_done_callback(self, *args: Any, **kwargs: Any) -> None:
            _touch(self)
            _add_done_callback(self, *args, **kwargs)

        def __setattr__(self, name: str, value: Any) -> None:
            _touch(self)
            _set_slot(self, name, value)

        def __repr__(self) -> str:
            state = "done" if self.done() else "pending"
            return f"<Task {state} name={self.get_name()!r} coro={self.get_coro()!r}>"

    def start_eagerly(
        loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any]
    ) -> asyncio.Task[Any]:
        """Run `coro` up to its first suspension; the task is done if there was none."""
        if loop in current_tasks:
            return loop.create_task(coro)
        task = _EagerTask(loop=loop)
        _set_slot(task, "_first", coro)
        made: asyncio.Task[Any] = task
        context = copy_context()
        current_tasks[loop] = task
        try:
            yielded = context.run(coro.send, None)
        except StopIteration as stop:
            set_result(task, stop.value)
            return made
        except asyncio.CancelledError:
            _cancel(task)
            return made
        except (KeyboardInterrupt, SystemExit) as error:
            _cancel(task)
            return fail_later(loop, error)
        except BaseException as error:
            _set_exception(task, error)
            return made
        finally:
            del current_tasks[loop]
        promote(task, resume(coro, yielded), loop, context)
        return made

    def make_step_task(stepper: Any, loop: asyncio.AbstractEventLoop) -> Any:
        """A task for the steps of `stepper`."""
        task = _EagerTask(loop=loop)
        _set_slot(task, "_stepper", stepper)
        return task

    def release(task: Any, coro: Any) -> None:
        """A task leaves its stepper: it is `coro`'s for good."""
        _set_slot(task, "_stepper", None)
        _set_slot(task, "_first", coro)

    def promote(task: Any, coro: Any, loop: asyncio.AbstractEventLoop, context: Context) -> None:
        """Make `coro`, which goes on from the first step, the task's; keep what that step asked."""
        cancels = task.cancelling()
        callbacks = task._callbacks
        # A name of its own is made when somebody asks.
        _init_task(task, coro, loop=loop, context=context, name="")
        if callbacks:
            for callback, callback_context in callbacks:
                task.add_done_callback(callback, context=callback_context)
        for _ in range(cancels):
            task.cancel()
