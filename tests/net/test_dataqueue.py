"""Queues from a protocol to a coroutine: order, ends, cancellation and the flow."""

import asyncio

import pytest

from tercel import DataQueue, EofStream, FlowControlDataQueue


def make() -> DataQueue[object]:
    return DataQueue(asyncio.get_running_loop())


async def test_objects_in_their_order_then_the_end() -> None:
    queue = make()
    queue.feed_data("a")
    queue.feed_data("b", 5)
    assert (len(queue), queue.is_eof(), queue.at_eof()) == (2, False, False)
    queue.feed_eof()
    assert (queue.is_eof(), queue.at_eof()) == (True, False)
    assert [await queue.read(), await queue.read()] == ["a", "b"]
    assert queue.at_eof()
    for _ in range(2):
        with pytest.raises(EofStream):
            await queue.read()


async def test_iterated() -> None:
    queue = make()
    queue.feed_data(1)
    queue.feed_data(2)
    queue.feed_eof()
    assert [each async for each in queue] == [1, 2]


async def test_a_reader_waits() -> None:
    queue = make()
    reading = asyncio.ensure_future(queue.read())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="another read"):
        await queue.read()
    queue.feed_data("late")
    assert await reading == "late"
    reading = asyncio.ensure_future(queue.read())
    await asyncio.sleep(0)
    queue.feed_eof()
    with pytest.raises(EofStream):
        await reading


async def test_a_read_that_was_cancelled_takes_nothing() -> None:
    queue = make()
    reading = asyncio.ensure_future(queue.read())
    await asyncio.sleep(0)
    reading.cancel()
    queue.feed_data("kept")
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await queue.read() == "kept"


async def test_an_exception_comes_after_what_was_fed() -> None:
    queue = make()
    queue.feed_data(1)
    error, cause = ValueError("x"), OSError("y")
    queue.set_exception(error, cause)
    assert (queue.exception(), queue.is_eof(), queue.at_eof()) == (error, True, False)
    assert await queue.read() == 1
    with pytest.raises(ValueError, match="x") as caught:
        await queue.read()
    assert caught.value.__cause__ is cause


async def test_the_flow() -> None:
    class Protocol:
        told: list[str]

        def __init__(self) -> None:
            self.told = []

        def pause_reading(self) -> None:
            self.told.append("pause")

        def resume_reading(self) -> None:
            self.told.append("resume")

    protocol = Protocol()
    queue: FlowControlDataQueue[int] = FlowControlDataQueue(
        protocol, 10, loop=asyncio.get_running_loop()
    )
    for number in range(4):
        queue.feed_data(number, 5)
    assert protocol.told == []
    queue.feed_data(4, 5)
    queue.feed_data(5, 5)
    assert protocol.told == ["pause"]
    for _ in range(2):
        await queue.read()
    assert protocol.told == ["pause"]
    await queue.read()
    assert protocol.told == ["pause", "resume"]
