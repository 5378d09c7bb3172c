"""The total timeout: cancels its own task only, shares timers, never fires twice."""

import asyncio

import pytest

from tercel.client.timeout import Deadline, Deadlines, ceiled


def test_ceiled() -> None:
    assert ceiled(12345.67, 10, 5) == 12356.0
    assert ceiled(12345.67, 5, 5) == 12351.0
    assert ceiled(12345.5, 4.75, 5) == 12350.25


async def _bounded(deadlines: Deadlines, seconds: float) -> str:
    deadline = deadlines.arm(seconds, 5)
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError as error:
        if deadline.claims(error):
            raise TimeoutError from error
        raise
    finally:
        deadline.disarm()
    return "never"


async def test_expiry_is_a_timeout_and_leaves_no_cancellation() -> None:
    deadlines = Deadlines(asyncio.get_running_loop())
    with pytest.raises(TimeoutError):
        await _bounded(deadlines, 0.01)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_cancellation_from_outside_stays_one() -> None:
    deadlines = Deadlines(asyncio.get_running_loop())
    task = asyncio.ensure_future(_bounded(deadlines, 1))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_both_at_once_is_a_cancellation() -> None:
    deadlines = Deadlines(asyncio.get_running_loop())
    found: list[Deadline] = []
    claimed: list[bool] = []

    async def work() -> None:
        deadline = deadlines.arm(1, 5)
        found.append(deadline)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            claimed.append(deadline.claims(error))
            raise
        finally:
            deadline.disarm()

    task = asyncio.ensure_future(work())
    await asyncio.sleep(0)
    found[0].expire()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert claimed == [False]


async def test_full_seconds_share_one_timer() -> None:
    deadlines = Deadlines(asyncio.get_running_loop())
    armed = [deadlines.arm(300, 5) for _ in range(100)]
    assert len(deadlines._buckets) <= 2
    for deadline in armed:
        deadline.disarm()
    assert not any(waiting for waiting, _ in deadlines._buckets.values())
    deadlines.close()
    assert not deadlines._buckets


async def test_handed_over_it_calls() -> None:
    deadlines = Deadlines(asyncio.get_running_loop())
    called = asyncio.Event()
    deadline = deadlines.arm(0.01, 5)
    deadline.hand_over(called.set)
    await called.wait()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_disarmed_it_is_silent() -> None:
    deadlines = Deadlines(asyncio.get_running_loop())
    called: list[None] = []
    deadline = deadlines.arm(0.001, 5)
    deadline.hand_over(lambda: called.append(None))
    deadline.disarm()
    await asyncio.sleep(0.02)
    assert called == []
