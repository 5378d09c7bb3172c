"""Every timeout raises its documented error, and leaves a pool of one connection usable."""

import asyncio
from typing import Any

import pytest

import tercel
from tercel import ClientTimeout
from tests.client.peer import Peer, answer, read_request, serving_peer

SOON = 0.03
CASES: dict[str, tuple[str, Any, type[BaseException]]] = {
    "total, no answer": ("/silent", ClientTimeout(total=SOON), TimeoutError),
    "a bare number": ("/silent", SOON, TimeoutError),
    "total, half a body": ("/half", ClientTimeout(total=SOON), TimeoutError),
    "total, half a head": ("/head", ClientTimeout(total=SOON), TimeoutError),
    "sock_read, no answer": ("/silent", ClientTimeout(sock_read=SOON), tercel.SocketTimeoutError),
    "sock_read, half a body": ("/half", ClientTimeout(sock_read=SOON), tercel.SocketTimeoutError),
    "sock_read, half a head": ("/head", ClientTimeout(sock_read=SOON), tercel.SocketTimeoutError),
    "total, a redirect": ("/go", ClientTimeout(total=SOON), TimeoutError),
}


async def play(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while (asked := await read_request(reader)) is not None:
        said = {
            "/silent": b"",
            "/half": answer(200, b"x" * 100)[:-50],
            "/head": b"HTTP/1.1 200 OK\r\nContent-Le",
            "/go": answer(302, b"", ("Location", "/silent")),
        }.get(asked.target, answer(200, b"well"))
        writer.write(said)


async def check_sound(session: tercel.ClientSession, url: str) -> None:
    async with session.get(url, timeout=5) as response:
        assert await response.read() == b"well"
    connector = session.connector
    assert connector is not None
    stats = connector.stats()
    assert (stats.open, stats.idle, stats.waiting) == (1, 1, 0)


def one_connection() -> tercel.TCPConnector:
    return tercel.TCPConnector(limit=1)


@pytest.mark.parametrize("case", CASES)
async def test_of_a_request(case: str) -> None:
    path, timeout, error = CASES[case]
    async with serving_peer(play) as peer:
        async with tercel.ClientSession(connector=one_connection()) as session:
            for _ in range(2):
                with pytest.raises(error) as caught:
                    async with session.get(peer.url + path, timeout=timeout) as response:
                        await response.read()
                assert type(caught.value) is error
                await check_sound(session, peer.url)


async def test_of_the_queue() -> None:
    async with serving_peer(play) as peer:
        async with tercel.ClientSession(connector=one_connection()) as session:
            holder = await session.get(peer.url + "/half")
            with pytest.raises(tercel.ConnectionTimeoutError):
                await session.get(peer.url, timeout=ClientTimeout(connect=SOON))
            holder.close()
            await check_sound(session, peer.url)


async def test_of_a_handshake() -> None:
    async def mute(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with serving_peer(mute) as silent, serving_peer(play) as peer:
        async with tercel.ClientSession(connector=one_connection()) as session:
            url = silent.url.replace("http:", "https:")
            for name in ("connect", "sock_connect"):
                with pytest.raises(tercel.ConnectionTimeoutError):
                    await session.get(url, timeout=ClientTimeout(**{name: SOON}))
                await check_sound(session, peer.url)


@pytest.mark.parametrize("path", ["/silent", "/half", "/head", "/go"])
async def test_from_outside(path: str) -> None:
    async with serving_peer(play) as peer:
        async with tercel.ClientSession(connector=one_connection()) as session:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(SOON):
                    async with session.get(peer.url + path) as response:
                        await response.read()
            await check_sound(session, peer.url)


async def test_of_an_upload_that_nobody_takes() -> None:
    async def deaf(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async def pieces() -> Any:
        while True:
            yield bytes(2**20)

    async with serving_peer(deaf) as silent, serving_peer(play) as peer:
        async with tercel.ClientSession(connector=one_connection()) as session:
            with pytest.raises(TimeoutError):
                await session.post(silent.url, data=pieces(), timeout=SOON)
            await check_sound(session, peer.url)
