"""EventSource against servers that say exactly this: reconnecting, giving up, ending."""

import asyncio
from typing import Any

import pytest

import tercel
from tercel import web
from tests.client.peer import Asked, Peer, Play, answer, read_request, scripted, serving_peer
from tests.live import serving
from tests.web.serving import eventually

STREAM = ("Content-Type", "text/event-stream; charset=utf-8")
GONE = answer(204)


def stream(body: bytes) -> bytes:
    return answer(200, body, STREAM)


def source(session: tercel.ClientSession, peer: Peer, **options: Any) -> tercel.EventSource:
    options = {"retry": 0.001, "max_delay": 0.002, **options}
    return tercel.EventSource(session, peer.url, **options)


async def collect(play: Play, **options: Any) -> tuple[list[Any], list[Asked]]:
    async with serving_peer(play) as peer, tercel.ClientSession() as session:
        async with source(session, peer, **options) as events:
            seen = [event async for event in events]
        assert events.closed
        return seen, peer.asked


async def test_events_over_two_connections() -> None:
    first = stream(b"retry: 2\nid: 1\ndata: a\n\nevent: x\ndata: b\n\nid: 2\ndata: cut o")
    second = stream(b"id: 2\ndata: c\n\n")
    seen, asked = await collect(scripted(first, second, GONE))
    assert [(each.data, each.event, each.id) for each in seen] == [
        ("a", "message", "1"),
        ("b", "x", "1"),
        ("c", "message", "2"),
    ]
    assert [each.get("Last-Event-ID") for each in asked] == [None, "1", "2"]
    assert {each.get("Accept") for each in asked} == {"text/event-stream"}
    assert {each.get("Cache-Control") for each in asked} == {"no-store"}


async def test_what_the_first_connection_says() -> None:
    _, asked = await collect(
        scripted(GONE), last_event_id="7é", headers={"Accept": "x/y", "X": "1"}, params={"a": "b"}
    )
    assert asked[0].get("Last-Event-ID") == "7é".encode().decode("latin-1")
    assert asked[0].get("Accept") == "x/y"
    assert asked[0].get("X") == "1"
    assert asked[0].target == "/?a=b"


async def test_an_id_that_no_field_can_hold_is_left_out() -> None:
    seen, asked = await collect(scripted(stream(b"id: \x01\ndata: a\n\n"), GONE))
    assert seen[0].id == "\x01"
    assert asked[1].get("Last-Event-ID") is None


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_failures_that_pass(status: int) -> None:
    one, other = stream(b"data: a\n\n"), stream(b"data: b\n\n")
    said = scripted(answer(status), one, answer(status), other, GONE)
    seen, asked = await collect(said, attempts=2)
    assert [each.data for each in seen] == ["a", "b"]
    assert len(asked) == 5


@pytest.mark.parametrize(
    ("said", "error", "says"),
    [
        (answer(404), tercel.ClientResponseError, "expected 200"),
        (answer(500), tercel.ClientResponseError, "expected 200"),
        (
            answer(200, b"data: a\n\n", ("Content-Type", "text/html")),
            tercel.ContentTypeError,
            "html",
        ),
        (stream(b"data: " + b"x" * 100), tercel.ClientPayloadError, "more than 99 octets"),
    ],
)
async def test_what_can_not_become_better_is_raised(
    said: bytes, error: type[Exception], says: str
) -> None:
    async with serving_peer(scripted(said)) as peer, tercel.ClientSession() as session:
        events = source(session, peer, max_event_size=99)
        with pytest.raises(error, match=says):
            await anext(events)
        assert len(peer.asked) == 1
        with pytest.raises(StopAsyncIteration):
            await anext(events)
        assert events.response is None
        assert session.connector is not None
        assert session.connector.stats().open - session.connector.stats().idle == 0


async def test_giving_up() -> None:
    async with serving_peer(scripted(answer(503))) as peer, tercel.ClientSession() as session:
        with pytest.raises(tercel.ClientResponseError):
            await anext(source(session, peer, attempts=3))
        assert len(peer.asked) == 3
    async with tercel.ClientSession() as session:  # nobody listens there any more
        with pytest.raises(tercel.ClientConnectorError):
            await anext(source(session, peer, attempts=2))
        with pytest.raises(tercel.InvalidURL):
            await anext(tercel.EventSource(session, "http://"))


def test_delays() -> None:
    async def check() -> None:
        async with tercel.ClientSession() as session:
            events = tercel.EventSource(session, "http://x", jitter=lambda: 0)
            found = []
            for events._failures in range(8):
                found.append(events._delay())
            assert found == [3, 3, 6, 12, 24, 48, 60, 60]
            events._retry = 100.0
            assert events._delay() == 100
            events._jitter = lambda: 1
            assert events._delay() == 125

    asyncio.run(check())


async def cut(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A stream that breaks off, three times; then none."""
    asked = await read_request(reader)
    assert asked is not None
    peer.asked.append(asked)
    if len(peer.asked) > 3:
        writer.write(GONE)
        return
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
    writer.write(b"Transfer-Encoding: chunked\r\n\r\n9\r\ndata: a\n\n\r\n")
    await writer.drain()
    writer.transport.abort()


async def test_a_stream_that_breaks_off() -> None:
    seen, asked = await collect(cut)
    assert len(seen) == 3
    assert len(asked) == 4


async def silent(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A stream of one event that never ends."""
    asked = await read_request(reader)
    assert asked is not None
    peer.asked.append(asked)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: a\n\n")
    await reader.read()


async def test_silence_counts_as_lost() -> None:
    async with serving_peer(silent) as peer, tercel.ClientSession() as session:
        async with source(session, peer, idle_timeout=0.05) as events:
            for _ in range(3):
                assert (await anext(events)).data == "a"
        assert len(peer.asked) == 3


async def test_other_methods_are_not_repeated() -> None:
    seen, asked = await collect(scripted(stream(b"data: a\n\n")), method="POST", json={"a": 1})
    assert [each.data for each in seen] == ["a"]
    assert [(each.method, each.body) for each in asked] == [("POST", b'{"a": 1}')]
    with pytest.raises((tercel.ClientPayloadError, tercel.ClientConnectionError)):
        await collect(cut, reconnect=False)
    seen, asked = await collect(
        scripted(stream(b"data: a\n\n"), GONE), method="POST", reconnect=True
    )
    assert len(asked) == 2


async def test_closing_ends_a_wait_for_events() -> None:
    async with serving_peer(silent) as peer, tercel.ClientSession() as session:
        events = source(session, peer)
        assert events.response is None
        assert (await anext(events)).data == "a"
        assert events.response is not None
        waiting = asyncio.create_task(collect_from(events))
        await asyncio.sleep(0.01)
        await events.close()
        assert await waiting == []
        await eventually(lambda: peer.open_connections == 0)


async def test_closing_ends_a_wait_for_the_next_connection() -> None:
    async with serving_peer(scripted(stream(b"data: a\n\n"))) as peer:
        async with tercel.ClientSession() as session:
            events = source(session, peer, retry=3600)
            waiting = asyncio.create_task(collect_from(events))
            await eventually(lambda: peer.asked and events.response is None)
            await events.close()
            assert [each.data for each in await waiting] == ["a"]


async def collect_from(events: tercel.EventSource) -> list[Any]:
    return [event async for event in events]


async def test_a_wait_that_is_cancelled_loses_nothing() -> None:
    go_on = asyncio.Event()

    async def play(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await read_request(reader)
        assert asked is not None
        peer.asked.append(asked)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: a\n\ndata: ")
        await go_on.wait()
        writer.write(b"b\n\n")
        await reader.read()

    async with serving_peer(play) as peer, tercel.ClientSession() as session:
        async with source(session, peer) as events:
            assert (await anext(events)).data == "a"
            for _ in range(3):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.01):
                        await anext(events)
            go_on.set()
            assert (await anext(events)).data == "b"
        assert len(peer.asked) == 1


async def test_with_our_own_server() -> None:
    """Every event once and in order, though the server ends the stream after each third."""

    async def handler(request: web.Request) -> web.StreamResponse:
        events = web.EventSourceResponse(retry=1)
        await events.prepare(request)
        start = int(events.last_event_id or 0)
        if start >= 9:
            return web.Response(status=204)
        for number in range(start + 1, start + 4):
            await events.send(f"number {number}", id=str(number))
        return events

    async def gate(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Last-Event-ID") == "9":
            return web.Response(status=204)
        return await handler(request)

    app = web.Application(middlewares=[web.compression_middleware()])
    app.router.add_get("/", gate)
    async with serving(app) as server, tercel.ClientSession() as session:
        url = f"http://{server.authority}/"
        async with tercel.EventSource(session, url, retry=0.001) as events:
            seen = [event.data async for event in events]
            assert events.retry == 0.001
    assert seen == [f"number {number}" for number in range(1, 10)]
