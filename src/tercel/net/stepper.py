"""Stepper: first steps of handlers as tasks, with one task and one `drive` for all that end in it.

In: a loop; then for each handler `enter`, `run`, and `leave` or `hand_over`. Out: what the handler
gave, or its own task where it suspends. Between `enter` and `leave` the task is the loop's current
one. A task that somebody holds on to, or has changed, is its handler's alone: the next step gets
another.
"""

import asyncio
from sys import getrefcount
from typing import Any
from weakref import getweakrefcount

from tercel.net.tasks import (
    DONE,
    copy_context,
    current_tasks,
    drive,
    make_step_task,
    promote,
    release,
    resume,
    set_result,
)

__all__ = ("Stepper",)

_DONE = DONE
_count_references = getrefcount
_count_weak = getweakrefcount
_copy_context = copy_context
_current_tasks = current_tasks
_drive = drive
_make_step_task = make_step_task
_promote = promote
_release = release
_resume = resume
_set_result = set_result


class Stepper:
    """Runs first steps on `loop`, one at a time, where the loop runs no task.

    `awaitable` is what the step under way awaits; `is_touched` is set by a task that was changed.
    """

    __slots__ = (
        "_context",
        "_driver",
        "_ends",
        "_references",
        "_send",
        "_task",
        "awaitable",
        "is_touched",
        "loop",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.awaitable: Any = None
        self.is_touched = False
        self._context: Any = None
        self._driver: Any = None
        self._ends: list[Any] = []
        self._references = 0
        self._send: Any = None
        self._task: Any = None

    def can_step(self) -> bool:
        """False while the loop runs a task."""
        return self.loop not in _current_tasks

    def enter(self) -> None:
        """Begin a step: the loop has a current task from now on."""
        task = self._task
        if task is None:
            self._task = task = _make_step_task(self, self.loop)
            self.is_touched = False
        self._references = _count_references(task)
        _current_tasks[self.loop] = task

    def run(self, awaitable: Any) -> bool:
        """Await `awaitable` in a context of its own; True if it has ended.

        What it gave is in `awaitable` then; else what it has yielded. Raises what it raises.
        """
        send = self._send
        if send is None:
            self._ends = []
            self._driver = _drive(self._ends)
            send = self._driver.send
            send(None)
        self._send = None
        self.awaitable = awaitable
        self._context = context = _copy_context()
        given = context.run(send, awaitable)
        self.awaitable = given
        if type(given) is tuple and given[0] is _DONE:
            self._send = send
            self.awaitable = given[1]
            return True
        return False

    def leave(self) -> None:
        """The step has ended, for good or with an error."""
        task = self._task
        del _current_tasks[self.loop]
        self._context = None
        if self.is_touched or _count_references(task) != self._references or _count_weak(task):
            self._task = None
            _release(task, None)
            _set_result(task, None)

    def hand_over(self, serve: Any, connection: Any, request: Any) -> Any:
        """The step has suspended: the task goes on with `serve(connection, request, rest)`.

        `rest` awaits what the step awaits. Returns the task.
        """
        task = self._task
        self._task = None
        del _current_tasks[self.loop]
        self._ends.append(True)
        rest = _resume(self._driver, self.awaitable)
        self.awaitable = None
        coro = serve(connection, request, rest)
        _release(task, coro)
        _promote(task, coro, self.loop, self._context)
        self._context = None
        return task
