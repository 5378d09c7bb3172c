"""Waking a task at once: what it waits for has come, and nothing else is left to do.

In: a future, its result, and the callbacks that it is known to have. Out: the future done, and its
task one step further, a trip around the event loop earlier than by `set_result` alone.
"""

from typing import Any

from tercel.net.tasks import current_task, fail_later

__all__ = ("claim", "step", "wake")

_current_task = current_task
_fail_later = fail_later


def claim(waiter: Any, known: Any) -> Any:
    """The callback and context of the task that awaits `waiter`, which that callback has left.

    None where it can't be stepped: nobody waits, or more than one, or it is done. `known` is what
    this gave for the task that waited before, or None.
    """
    if known is not None and waiter.remove_done_callback(known[0]):
        return known
    callbacks = waiter._callbacks
    if not callbacks or len(callbacks) != 1 or waiter.done():
        return None
    known = callbacks[0]
    waiter.remove_done_callback(known[0])
    return known


def step(loop: Any, known: Any, waiter: Any) -> None:
    """Have the task that `claim` found go on, with `waiter`, which is done by now.

    No task may be under way. Called last in what the loop has called.
    """
    wakeup, context = known
    try:
        context.run(wakeup, waiter)
    except RuntimeError:
        # Its context is in use further up the stack: the event loop's turn, then.
        loop.call_soon(wakeup, waiter, context=context)
    except (KeyboardInterrupt, SystemExit) as error:
        _fail_later(loop, error)


def wake(loop: Any, waiter: Any, result: Any, own: Any) -> None:
    """Give `waiter`, which is not done, its result, and step the task that awaits it.

    `own` is a callback that was added first and is not to be called, or None. The task is stepped
    by its future's callback, which the event loop would come to as well; where there is another
    one, or a task is under way, the event loop does it. Called last in what the loop has called.
    """
    callbacks = waiter._callbacks
    awaited = 0 if own is None else 1
    if own is not None:
        waiter.remove_done_callback(own)
    if callbacks is None or len(callbacks) != awaited + 1 or _current_task(loop) is not None:
        waiter.set_result(result)
        return
    known = callbacks[awaited]
    waiter.remove_done_callback(known[0])
    waiter.set_result(result)
    step(loop, known, waiter)
