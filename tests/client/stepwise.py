"""Cancels a coroutine at each of its await points in turn, while it waits and as it is woken."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import Any

__all__ = ("cancel_everywhere",)


class Steps:
    """Awaits a coroutine and has its task cancelled at one step.

    With `late` the task is cancelled when what it waits for is done and it was not told yet: the
    result is there and nobody will take it.
    """

    def __init__(self, work: Any, at: int, late: bool) -> None:
        self.work = work
        self.at = at
        self.late = late
        self.task: asyncio.Task[Any] | None = None
        self.taken = 0

    def __await__(self) -> Generator[Any, Any, Any]:
        inner = self.work.__await__()
        sent: Any = None
        error: BaseException | None = None
        while True:
            try:
                waits = inner.send(sent) if error is None else inner.throw(error)
            except StopIteration as end:
                return end.value
            self.taken += 1
            if self.taken == self.at:
                self._cancel_at(waits)
            error = None
            try:
                sent = yield waits
            except BaseException as thrown:
                error = thrown

    def _cancel_at(self, waits: Any) -> None:
        task = asyncio.current_task()
        assert task is not None
        if self.late and waits is not None:
            waits.add_done_callback(lambda _: task.cancel())
        else:
            asyncio.get_running_loop().call_soon(task.cancel)


async def cancel_everywhere(
    make: Callable[[], Awaitable[Any]], tidy: Callable[[], Awaitable[None]], *, most: int = 300
) -> int:
    """Run `make()` again and again, cancelled one step later each time; `tidy` after each run.

    Returns how many steps it takes, once it was not reached any more.
    """
    for late in (False, True):
        for at in range(1, most):
            steps = Steps(make(), at, late)

            async def run(steps: Steps = steps) -> None:
                await steps

            task = asyncio.create_task(run())
            await asyncio.wait((task,))
            if not task.cancelled():
                task.result()
            await tidy()
            if steps.taken < at:
                break
        else:
            raise AssertionError(f"{most} steps, and no end")
    return at - 1
