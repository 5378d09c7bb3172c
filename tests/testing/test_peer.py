"""The scripted peer: it says and expects what its script says, and tells what went otherwise."""

import asyncio
import re

import pytest

import tercel
from tercel.test_utils import Line, ScriptedPeer

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def ask(peer: ScriptedPeer) -> str:
    async with tercel.ClientSession(retry_stale=False) as session:
        async with session.get(peer.url("/x?y=1"), timeout=tercel.ClientTimeout(10)) as answer:
            return await answer.text()


async def test_a_script_that_is_kept() -> None:
    async def script(line: Line) -> None:
        assert await line.expect(b"GET /x?y=1 HTTP/1.1\r\n") == b"GET /x?y=1 HTTP/1.1\r\n"
        assert await line.expect(re.compile(rb"Host: 127\.0\.0\.1:\d+\r\n"))
        assert (await line.expect_head()).endswith(b"\r\n\r\n")
        await line.say(OK[:30])
        await line.pause(0)
        await line.say(OK[30:].decode())
        await line.expect_end()

    async with ScriptedPeer(script) as peer:
        assert await ask(peer) == "ok"
    assert peer.lines[0].received.startswith(b"GET /x?y=1")


async def test_a_body_is_received() -> None:
    async def script(line: Line) -> None:
        assert b"Content-Length: 4\r\n" in await line.expect_head()
        assert await line.receive(4) == b"data"
        await line.say(OK)

    async with ScriptedPeer(script) as peer, tercel.ClientSession() as session:
        async with session.post(peer.url(), data=b"data") as answer:
            assert await answer.text() == "ok"


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_ends_in_the_middle_of_an_answer(how: str) -> None:
    async def script(line: Line) -> None:
        await line.expect_head()
        await line.say(OK[:-1])
        await getattr(line, how)()

    async with ScriptedPeer(script) as peer:
        with pytest.raises(tercel.ClientError):
            await ask(peer)


async def test_a_half_closed_connection() -> None:
    async def script(line: Line) -> None:
        await line.expect_head()
        await line.say(b"HTTP/1.1 200 OK\r\n\r\nto the end")
        await line.end()
        await line.expect_end()

    async with ScriptedPeer(script) as peer:
        assert await ask(peer) == "to the end"


async def test_a_script_for_each_connection() -> None:
    async def closing(line: Line) -> None:
        await line.expect_head()
        await line.say(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))

    async with ScriptedPeer(closing, closing) as peer:
        assert await ask(peer) == await ask(peer) == "ok"
        assert len(peer.lines) == 2


async def failing(peer: ScriptedPeer, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        async with peer:
            with pytest.raises(tercel.ClientError):
                await ask(peer)


async def test_something_else_came() -> None:
    async def script(line: Line) -> None:
        await line.expect(b"POST ")

    await failing(ScriptedPeer(script), "came, expected b'POST '")


async def test_not_enough_came() -> None:
    async def script(line: Line) -> None:
        await line.expect_until(b"never")

    await failing(ScriptedPeer(script, timeout=0.2), "expected b'never' at the end of it")


async def test_a_client_that_should_have_ended() -> None:
    async def script(line: Line) -> None:
        await line.expect_head()
        await line.expect_end()

    await failing(ScriptedPeer(script, timeout=0.2), "it stays open")


async def test_an_error_in_a_script() -> None:
    async def script(line: Line) -> None:
        raise ZeroDivisionError

    await failing(ScriptedPeer(script), "ZeroDivisionError")


async def test_more_connections_than_scripts() -> None:
    await failing(ScriptedPeer(), "connection 1 came, expected 0")


async def test_fewer_connections_than_scripts() -> None:
    async def script(line: Line) -> None:
        raise AssertionError

    with pytest.raises(AssertionError, match="0 connections came, expected 1"):
        async with ScriptedPeer(script):
            pass


async def test_a_block_that_fails_says_so_itself() -> None:
    async def script(line: Line) -> None:
        await asyncio.sleep(3600)

    with pytest.raises(ZeroDivisionError):
        async with ScriptedPeer(script) as peer:
            _, writer = await asyncio.open_connection("127.0.0.1", peer.port)
            writer.close()
            raise ZeroDivisionError
