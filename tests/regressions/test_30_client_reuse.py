"""Family 30, the client's side: an answer is never taken for that of another request."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import tercel
from tercel import ClientSession, ClientTimeout
from tests.client.peer import Asked, Peer, answer, read_body, read_head, serving_peer

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


async def play(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request with its target; some targets do something odd first."""
    while (asked := await read_head(reader)) is not None:
        peer.asked.append(asked)
        is_done = await ODD.get(asked.target, usual)(asked, reader, writer)
        if is_done:
            return


Step = Callable[[Asked, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bool]]


async def usual(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    await read_body(reader, asked)
    writer.write(answer(200, asked.target.encode()))
    return False


async def late(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    await asyncio.sleep(0.15)
    return await usual(asked, reader, writer)


async def halves(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
    await asyncio.sleep(0.15)
    writer.write(b"later")
    return False


async def refused(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """The body is not wanted, and is read as if it were the next request's head."""
    writer.write(answer(417, b"no"))
    return False


async def early(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    writer.write(answer(413, b"too large"))
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        await read_body(reader, asked)
    return True


async def twice(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    await read_body(reader, asked)
    writer.write(answer(200, asked.target.encode()) + answer(200, b"poison"))
    return False


async def poison_later(
    asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    await usual(asked, reader, writer)
    await asyncio.sleep(0.02)
    writer.write(answer(200, b"poison"))
    return False


async def head_with_body(
    asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    writer.write(answer(200, answer(200, b"poison")))
    return False


async def bodiless(
    asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    writer.write(b"HTTP/1.1 204 No Content\r\n\r\n" + answer(200, b"poison"))
    return False


async def continued(
    asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    writer.write(CONTINUE)
    await read_body(reader, asked)
    writer.write(answer(200, asked.target.encode()))
    return False


async def continued_late(
    asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    """100 Continue comes when the final answer is there already."""
    await read_body(reader, asked)
    writer.write(answer(200, asked.target.encode()) + CONTINUE)
    return False


ODD: dict[str, Step] = {
    "/late": late,
    "/halves": halves,
    "/refused": refused,
    "/early": early,
    "/twice": twice,
    "/poison": poison_later,
    "/head": head_with_body,
    "/bodiless": bodiless,
    "/continued": continued,
    "/continued-late": continued_late,
}
SHORT = ClientTimeout(total=0.05)


async def cancel(session: ClientSession, url: str) -> None:
    task = asyncio.ensure_future(session.get(url))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def cancel_reading(session: ClientSession, url: str) -> None:
    response = await session.get(url)
    task = asyncio.ensure_future(response.read())
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def give_up(session: ClientSession, url: str, **more: Any) -> None:
    with pytest.raises(asyncio.TimeoutError):
        async with session.get(url, **more) as response:
            await response.read()


async def leave(session: ClientSession, url: str) -> None:
    async with session.get(url):
        pass


async def get(session: ClientSession, url: str, method: str = "GET", **more: Any) -> None:
    async with session.request(method, url, **more) as response:
        with contextlib.suppress(tercel.ClientError):
            await response.read()


async def get_and_wait(session: ClientSession, url: str) -> None:
    await get(session, url)
    await asyncio.sleep(0.1)


async def upload(session: ClientSession, url: str, **more: Any) -> None:
    with contextlib.suppress(tercel.ClientConnectionError):
        await get(session, url, "POST", data=b"GET /smuggled HTTP/1.1\r\n\r\n", **more)


async def upload_slowly(session: ClientSession, url: str) -> None:
    async def pieces() -> Any:
        for _ in range(20):
            yield b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
            await asyncio.sleep(0.01)

    with contextlib.suppress(tercel.ClientConnectionError):
        await get(session, url, "PUT", data=pieces())


DISTURBANCES: dict[str, Callable[[ClientSession, str], Awaitable[None]]] = {
    "cancelled before the head": lambda s, u: cancel(s, u + "/late"),
    "cancelled in the body": lambda s, u: cancel_reading(s, u + "/halves"),
    "total timeout before the head": lambda s, u: give_up(s, u + "/late", timeout=SHORT),
    "total timeout in the body": lambda s, u: give_up(s, u + "/halves", timeout=SHORT),
    "sock_read before the head": lambda s, u: give_up(
        s, u + "/late", timeout=ClientTimeout(sock_read=0.05)
    ),
    "sock_read in the body": lambda s, u: give_up(
        s, u + "/halves", timeout=ClientTimeout(sock_read=0.05)
    ),
    "left unread": lambda s, u: leave(s, u + "/halves"),
    "HEAD with a body": lambda s, u: get(s, u + "/head", "HEAD"),
    "204 with a body": lambda s, u: get(s, u + "/bodiless"),
    "two answers at once": lambda s, u: get(s, u + "/twice"),
    "an answer that nobody asked for": lambda s, u: get_and_wait(s, u + "/poison"),
    "417 instead of 100": lambda s, u: upload(s, u + "/refused", expect100=True),
    "100 and then the answer": lambda s, u: upload(s, u + "/continued", expect100=True),
    "100 that nobody asked for": lambda s, u: upload(s, u + "/continued"),
    "100 after the answer": lambda s, u: upload(s, u + "/continued-late", expect100=True),
    "an early refusal": lambda s, u: upload_slowly(s, u + "/early"),
}


@pytest.mark.parametrize("what", DISTURBANCES)
@pytest.mark.parametrize("limit", [1, 0])
async def test_each_request_gets_its_own_answer(what: str, limit: int) -> None:
    connector = tercel.TCPConnector(limit=limit)
    async with serving_peer(play) as peer, ClientSession(connector=connector) as session:
        for turn in range(3):
            await get(session, peer.url + "/first")
            await DISTURBANCES[what](session, peer.url)
            for number in range(3):
                target = f"/{turn}/{number}"
                async with session.get(peer.url + target) as response:
                    assert await response.text() == target
                await asyncio.sleep(0.01)
        assert connector.stats().open == connector.stats().idle <= 1
        assert not [asked for asked in peer.asked if "smuggled" in asked.target]
