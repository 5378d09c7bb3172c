"""Several workers that know each other by Redis."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tercel import WSCloseCode, WSMsgType, web
from tercel.test_utils import TestClient, TestServer
from tests.services import RedisServer

from .people import person

pytest.importorskip("redis")


@pytest.fixture
async def workers(redis_server: RedisServer) -> AsyncIterator[list[TestClient]]:
    from chat.app import make_app
    from chat.redis_board import RedisBoard

    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                TestClient(TestServer(make_app(RedisBoard(redis_server.url))))
            )
            for _ in range(2)
        ]


async def test_two_workers_are_one_chat(workers: list[TestClient]) -> None:
    first, second = workers
    async with person(first, "Ada") as ada, person(second, "Ben") as ben:
        await ada.see("Ada", "Ben")
        for number in range(20):
            await ada.say(f"a{number}")
            await ben.say(f"b{number}")
        while len(ada.said) < 40:
            await ada.hear()
        while len(ben.said) < 40:
            await ben.hear()
        assert ada.said == ben.said
        assert ada.ids == ben.ids == sorted(set(ada.ids))
        async with person(second, "Ada", key="f" * 16) as other:
            assert other.name == "Ada 2"
            assert other.said == ada.said
            await ada.see("Ada", "Ada 2", "Ben")
        await ada.see("Ada", "Ben")
        await ben.say('"quotes", \\ and 🥊')
        await ada.hear_until('"quotes", \\ and 🥊')


async def test_people_of_a_worker_that_died_are_forgotten(
    workers: list[TestClient], redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chat import redis_board

    board = redis_board.RedisBoard(redis_server.url)
    with monkeypatch.context() as patch:
        patch.setattr(redis_board, "STAY", 0)
        assert await board.enter("lobby", "Ghost", "0" * 16)
    async with person(workers[0], "Ada") as ada:
        assert ada.people == ["Ada"]
    async with person(workers[0], "Ghost", key="f" * 16) as other:
        assert other.name == "Ghost"
    await board._redis.aclose()


async def test_redis_goes_and_comes_back(
    workers: list[TestClient], redis_server: RedisServer
) -> None:
    async with person(workers[0], "Ada") as ada:
        await ada.say("before")
        await ada.hear_until("before")
        redis_server.stop()
        await ada.say("into the void")
        while not ada.problems:
            await ada.hear()
        assert ada.problems == ["The others can't be reached right now."]
        redis_server.start()
        while (message := await ada.socket.receive()).type is WSMsgType.TEXT:
            pass
        assert message == (WSMsgType.CLOSE, WSCloseCode.SERVICE_RESTART, "")
    async with person(workers[0], "Ada") as again:
        assert again.said == [("Ada", "before")]
        await again.say("after")
        await again.hear_until("after")


async def test_without_redis_there_is_one_sentence(tmp_path: Path) -> None:
    from chat.app import make_app
    from chat.board import BoardError
    from chat.redis_board import RedisBoard

    runner = web.AppRunner(make_app(RedisBoard(f"unix://{tmp_path}/nobody")))
    with pytest.raises(BoardError, match="Redis can't be reached"):
        await runner.setup()
    await runner.cleanup()
    await asyncio.sleep(0)


async def test_the_end_comes_though_a_cancellation_is_lost(redis_server: RedisServer) -> None:
    """As it is in Python 3.11's wait_for, which the Redis client uses; a worker hung for hours."""
    from chat.redis_board import RedisBoard

    delivering = asyncio.Event()

    async def deliver(room: str, event: dict[str, object]) -> None:
        delivering.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if lost:
                raise
            lost.append(True)

    async def restart() -> None:
        raise AssertionError

    lost: list[bool] = []
    board = RedisBoard(redis_server.url)
    async with asyncio.timeout(20) as limit:
        async with board.run(deliver, restart):
            await board.say("lobby", "Ada", "hello")
            await delivering.wait()
    assert lost
    assert not limit.expired()
