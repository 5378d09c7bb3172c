"""How a program ends: the exception that signals raise, and the end of what is still running.

In: an event loop. Out: signal handlers that raise `GracefulExit` in it; tasks cancelled and waited
for, with a report of those that failed meanwhile. Knows nothing of servers.
"""

import asyncio
import signal
from typing import NoReturn

__all__ = ("DEAF_TIME", "GracefulExit", "cancel_tasks", "ignore_signals", "raise_on_signals")

#: Seconds that a cancelled task has, at the end of a program, before it is left behind.
DEAF_TIME = 10.0

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class GracefulExit(SystemExit):
    """Raised by a signal, to end the program in good order (web_reference, GracefulExit).

    `run_app` takes it as the end of its work; elsewhere it exits with code 1.
    """

    code = 1


def _raise_graceful_exit() -> NoReturn:
    raise GracefulExit


def raise_on_signals(loop: asyncio.AbstractEventLoop) -> None:
    """Have SIGINT and SIGTERM raise GracefulExit out of `loop`, where loops can handle signals."""
    try:
        for number in _SIGNALS:
            loop.add_signal_handler(number, _raise_graceful_exit)
    except NotImplementedError:
        return


def ignore_signals(loop: asyncio.AbstractEventLoop) -> None:
    """Undo `raise_on_signals`."""
    try:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
    except NotImplementedError:
        return


def cancel_tasks(
    tasks: set[asyncio.Task[object]], loop: asyncio.AbstractEventLoop, limit: float = DEAF_TIME
) -> None:
    """Cancel `tasks`, run `loop` until they are done, and report what they raised instead.

    Those that go on for `limit` seconds all the same are reported and left behind.
    """
    if not tasks:
        return
    for task in tasks:
        task.cancel()
    _, deaf = loop.run_until_complete(asyncio.wait(tasks, timeout=limit))
    for task in deaf:
        loop.call_exception_handler(
            {
                "message": f"A task went on for {limit:g} seconds after it was cancelled at the "
                "end of run_app(): it is left behind",
                "task": task,
            }
        )
    for task in tasks - deaf:
        if task.cancelled():
            continue
        error = task.exception()
        if error is not None:
            loop.call_exception_handler(
                {
                    "message": "A task that was cancelled at the end of run_app() failed",
                    "exception": error,
                    "task": task,
                }
            )
