"""Retries: what is asked for again, how long it waits, when it stops."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

import tercel
from tercel import ClientSession, RetryBudget, RetryMiddleware
from tests.client.peer import answer, scripted, serving_peer


def retrying(waits: list[float], **arguments: Any) -> RetryMiddleware:
    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    arguments.setdefault("chance", lambda: 0.0)
    return RetryMiddleware(sleep=sleep, now=lambda: 784111777.0, **arguments)


async def ask(retry: RetryMiddleware, *answers: bytes, method: str = "GET", **kwargs: Any) -> Any:
    """Status of the answer in the end, and how many requests it took."""
    async with (
        serving_peer(scripted(*answers)) as peer,
        ClientSession(middlewares=(retry,)) as session,
        session.request(method, peer.url, **kwargs) as response,
    ):
        return response.status, len(peer.asked)


async def test_statuses_are_retried_with_growing_waits() -> None:
    waits: list[float] = []
    retry = retrying(waits, attempts=4, delay=1, factor=3)
    assert await ask(retry, answer(503), answer(502), answer(200)) == (200, 3)
    assert waits == [1, 3]


async def test_the_last_answer_is_given_back() -> None:
    waits: list[float] = []
    assert await ask(retrying(waits, attempts=3), answer(503)) == (503, 3)
    assert len(waits) == 2


@pytest.mark.parametrize("status", [200, 404, 500, 501])
async def test_other_statuses_are_not(status: int) -> None:
    assert await ask(retrying([]), answer(status)) == (status, 1)


@pytest.mark.parametrize(("method", "count"), [("GET", 2), ("PUT", 2), ("POST", 1), ("PATCH", 1)])
async def test_only_idempotent_methods(method: str, count: int) -> None:
    assert (await ask(retrying([]), answer(503), answer(200), method=method))[1] == count


async def test_methods_can_be_chosen() -> None:
    retry = retrying([], methods=("post",))
    assert await ask(retry, answer(503), answer(200), method="POST", data=b"x") == (200, 2)


async def test_exceptions_are_retried() -> None:
    waits: list[float] = []
    async with ClientSession(middlewares=(retrying(waits, attempts=3),)) as session:
        with pytest.raises(tercel.ClientConnectorError):
            await session.get("http://127.0.0.1:1/")
    assert len(waits) == 2


async def test_a_consumed_body_is_sent_once() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"x"

    assert await ask(retrying([]), answer(503), answer(200), method="PUT", data=pieces()) == (
        503,
        1,
    )


AFTER = [
    ("7", 7.0),
    ("0", 0.1),
    ("Sun, 06 Nov 1994 08:49:47 GMT", 10.0),
    ("Sun, 06 Nov 1994 08:00:00 GMT", 0.1),
    ("soon", 0.1),
    ("-5", 0.1),
]


@pytest.mark.parametrize(("value", "wait"), AFTER)
async def test_retry_after(value: str, wait: float) -> None:
    waits: list[float] = []
    said = answer(429, b"", ("Retry-After", value))
    assert await ask(retrying(waits), said, answer(200)) == (200, 2)
    assert waits == [wait]


@pytest.mark.parametrize("value", ["31", "9" * 400])
async def test_retry_after_too_long(value: str) -> None:
    said = answer(429, b"", ("Retry-After", value))
    assert await ask(retrying([], max_delay=30), said, answer(200)) == (429, 1)


async def test_jitter_shortens_the_wait() -> None:
    waits: list[float] = []
    retry = retrying(waits, delay=8, jitter=0.5, chance=lambda: 1.0)
    await ask(retry, answer(503), answer(200))
    assert waits == [4]


async def test_budget_stops_a_storm() -> None:
    budget = RetryBudget(ratio=0.1, reserve=3)
    retry = retrying([], attempts=10, budget=budget)
    assert await ask(retry, answer(503)) == (503, 4)
    assert await ask(retry, answer(503)) == (503, 1)
    for _ in range(10):
        await ask(retry, answer(200))
    assert await ask(retry, answer(503)) == (503, 2)


async def test_sends_nothing_once_cancelled() -> None:
    gate = asyncio.Event()

    async def sleep(seconds: float) -> None:
        gate.set()
        await asyncio.Event().wait()

    retry = RetryMiddleware(sleep=sleep)
    async with (
        serving_peer(scripted(answer(503))) as peer,
        ClientSession(middlewares=(retry,)) as session,
    ):
        task = asyncio.create_task(session.get(peer.url))
        await gate.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(peer.asked) == 1


@pytest.mark.parametrize("arguments", [{"attempts": 0}, {"jitter": 2}])
def test_nonsense_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        RetryMiddleware(**arguments)
