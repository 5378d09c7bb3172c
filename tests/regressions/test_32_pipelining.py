"""Family 32: pipelined requests wait in a bounded queue, are answered and end in their order."""

import asyncio
import socket
import struct
from typing import Any

import pytest

import tercel
from tercel import web
from tercel.test_utils import Line, ScriptedPeer
from tests.web.serving import eventually, low_server, post


def get(n: int, *fields: bytes, version: bytes = b"1.1") -> bytes:
    lines = [b"GET /%d HTTP/%b" % (n, version), b"Host: a", *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n"


class Handler:
    """Answers with the path; `begun` tells which requests were begun, `most` how many at once."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.running = 0
        self.most = 0
        self.held: dict[str, asyncio.Event] = {}

    def hold(self, path: str) -> asyncio.Event:
        self.held[path] = asyncio.Event()
        return self.held[path]

    async def __call__(self, request: Any) -> web.StreamResponse:
        self.begun.append(request.path)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            if request.path in self.held:
                await self.held[request.path].wait()
            if "wait" in request.headers:
                await asyncio.sleep(0)
            if "stream" in request.headers:
                response = web.StreamResponse()
                await response.prepare(request)
                await response.write(request.path.encode())
                return response
            answer = web.Response(text=request.path)
            if "last" in request.headers:
                answer.force_close()
            return answer
        finally:
            self.running -= 1


async def test_one_handler_at_a_time_and_the_order_is_kept() -> None:
    handler = Handler()
    async with low_server(handler) as low:
        connection = await low.connect()
        kinds: list[tuple[bytes, ...]] = [(), (b"wait: 1",), (b"stream: 1",)]
        connection.writer.writelines(get(n, *kinds[n % 3]) for n in range(300))
        assert [(await connection.receive()).text for _ in range(300)] == [
            f"/{n}" for n in range(300)
        ]
        assert handler.most == 1


async def test_the_second_waits_for_the_first() -> None:
    handler = Handler()
    release = handler.hold("/0")
    async with low_server(handler) as low:
        connection = await low.connect()
        await connection.send(get(0) + get(1))
        await eventually(lambda: handler.begun)
        await asyncio.sleep(0.02)
        assert handler.begun == ["/0"]
        release.set()
        assert (await connection.receive()).text == "/0"
        assert (await connection.receive()).text == "/1"


@pytest.mark.parametrize("kind", [b"", b"body"])
async def test_the_queue_is_bounded(kind: bytes) -> None:
    handler = Handler()
    release = handler.hold("/0")
    async with low_server(handler) as low:
        connection = await low.connect()
        request = post(bytes(100), target=b"/0") if kind else get(0)
        sending = asyncio.ensure_future(connection.send(request * 400_000))
        await eventually(lambda: handler.begun)
        (server_side,) = low.server.connections
        await eventually(lambda: not server_side.transport.is_reading())
        for _ in range(20):
            await asyncio.sleep(0.002)
        assert server_side.held <= 65536 + 262144
        assert len(handler.begun) == 1
        assert not sending.done()
        sending.cancel()
        await asyncio.wait({sending})
        connection.abort()
        release.set()


@pytest.mark.parametrize(
    ("third", "closes_with"),
    [
        (get(2, b"Connection: close"), 200),
        (get(2, b"last: 1"), 200),
        (get(2, version=b"1.0"), 200),
        (b"no request at all\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/2.5\r\nHost: a\r\n\r\n", 505),
        (b"POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    ],
    ids=["close", "force_close", "1.0", "garbage", "no host", "version", "two lengths"],
)
@pytest.mark.parametrize("slow", [False, True])
async def test_nothing_after_the_last_request_is_begun(
    third: bytes, closes_with: int, slow: bool
) -> None:
    handler = Handler()
    release = handler.hold("/0") if slow else None
    async with low_server(handler) as low:
        connection = await low.connect()
        await connection.send(get(0) + get(1, b"wait: 1") + third + get(3) + get(4))
        if release is not None:
            await eventually(lambda: handler.begun)
            release.set()
        assert (await connection.receive()).text == "/0"
        assert (await connection.receive()).text == "/1"
        last = await connection.receive()
        assert last.status == closes_with
        assert await connection.is_closed_by_server()
        assert handler.begun == ["/0", "/1", "/2"][: 3 if closes_with == 200 else 2]


async def test_a_peer_that_stops_sending_gets_all_its_answers() -> None:
    handler = Handler()
    async with low_server(handler) as low:
        connection = await low.connect()
        await connection.send(b"".join(get(n, b"wait: 1") for n in range(20)))
        connection.writer.write_eof()
        assert [(await connection.receive()).text for _ in range(20)] == [
            f"/{n}" for n in range(20)
        ]
        assert await connection.is_closed_by_server()


async def test_requests_of_a_peer_that_vanished_are_not_begun() -> None:
    handler = Handler()
    release = handler.hold("/0")
    async with low_server(handler) as low:
        connection = await low.connect()
        await connection.send(get(0) + get(1) * 50)
        await eventually(lambda: handler.begun)
        # Closed in good order, it would be answered: it may have closed its sending side only.
        sock = connection.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.abort()
        await eventually(lambda: not low.server.connections)
        release.set()
        await eventually(lambda: not low.server._tasks)
        assert handler.begun == ["/0"]


async def test_bodies_that_nobody_reads_are_no_requests() -> None:
    handler = Handler()
    async with low_server(handler) as low:
        connection = await low.connect()
        trick = get(9) * 3
        await connection.send(post(trick, target=b"/0") + get(1) + post(trick, target=b"/2"))
        assert [(await connection.receive()).text for _ in range(3)] == ["/0", "/1", "/2"]
        assert handler.begun == ["/0", "/1", "/2"]


async def test_shutdown_answers_the_one_under_way_and_begins_no_other() -> None:
    handler = Handler()
    release = handler.hold("/0")
    async with low_server(handler) as low:
        connection = await low.connect()
        await connection.send(get(0) + get(1))
        await eventually(lambda: handler.begun)
        low.server.pre_shutdown()
        release.set()
        answer = await connection.receive()
        assert (answer.text, answer["Connection"]) == ("/0", "close")
        assert await connection.is_closed_by_server()
        assert handler.begun == ["/0"]


@pytest.mark.parametrize("extra", [b"x", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfake"])
async def test_a_client_takes_no_answer_that_it_has_not_asked_for(extra: bytes) -> None:
    ok = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nreal"

    async def poisoned(line: Line) -> None:
        await line.expect_head()
        await line.say(ok + extra)
        await line.expect_end()

    async def honest(line: Line) -> None:
        await line.expect_head()
        await line.say(ok)

    async with ScriptedPeer(poisoned, honest) as peer, tercel.ClientSession() as session:
        for _ in range(2):
            async with session.get(peer.url()) as answer:
                assert await answer.text() == "real"
        await session.close()


async def test_a_client_asks_one_thing_at_a_time() -> None:
    handler = Handler()
    release = handler.hold("/0")
    async with low_server(handler) as low:
        connector = tercel.TCPConnector(limit=1)
        async with tercel.ClientSession(connector=connector) as session:
            url = f"http://127.0.0.1:{low.port}"

            async def ask(n: int) -> str:
                async with session.get(f"{url}/{n}") as answer:
                    return await answer.text()

            asking = [asyncio.ensure_future(ask(n)) for n in range(3)]
            await eventually(lambda: handler.begun)
            await asyncio.sleep(0.02)
            (server_side,) = low.server.connections
            assert server_side.held == 0
            release.set()
            assert await asyncio.gather(*asking) == ["/0", "/1", "/2"]
