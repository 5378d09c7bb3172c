"""streams.rst: StreamReader, as the content of a request."""

import asyncio

import pytest


@pytest.fixture
def feed(serve, web):
    """Give the result of a function of `request.content` while `pieces` arrive one by one."""

    async def ask(look, *pieces, chunked=False):
        seen = asyncio.get_running_loop().create_future()
        step = asyncio.Event()

        async def handler(request):
            step.set()
            try:
                seen.set_result(await look(request.content))
            except Exception as error:
                seen.set_exception(error)
            return web.Response()

        connection = await (await serve(handler)).connect()
        length = sum(map(len, pieces))
        framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {length}"
        await connection.send(f"POST / HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n".encode())
        await step.wait()
        for piece in pieces:
            await asyncio.sleep(0.01)
            await connection.send(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
        if chunked:
            await connection.send(b"0\r\n\r\n")
        found = await seen
        await connection.receive()
        return found

    return ask


async def test_read_all(feed):
    assert await feed(lambda content: content.read(), b"ab", b"cd") == b"abcd"
    assert await feed(lambda content: content.read(-1), b"ab", b"cd") == b"abcd"


async def test_read_some(feed):
    async def look(content):
        return [await content.read(3) for _ in range(4)]

    assert await feed(look, b"abcd") == [b"abc", b"d", b"", b""]


async def test_read_returns_what_is_there(feed):
    assert await feed(lambda content: content.read(100), b"ab", b"cd") == b"ab"


async def test_read_nothing(feed):
    assert await feed(lambda content: content.read(0), b"ab") == b""


async def test_readany(feed):
    async def look(content):
        return [await content.readany() for _ in range(3)]

    assert await feed(look, b"ab", b"cd") == [b"ab", b"cd", b""]


async def test_readexactly(feed):
    async def look(content):
        return await content.readexactly(3), await content.readexactly(1)

    assert await feed(look, b"ab", b"cd") == (b"abc", b"d")


async def test_readexactly_at_the_end(feed):
    async def look(content):
        with pytest.raises(asyncio.IncompleteReadError) as caught:
            await content.readexactly(5)
        return caught.value.partial, caught.value.expected

    assert await feed(look, b"ab", b"c") == (b"abc", 5)


async def test_readline(feed):
    async def look(content):
        return [await content.readline() for _ in range(4)]

    assert await feed(look, b"a\nb", b"c\nd") == [b"a\n", b"bc\n", b"d", b""]


async def test_readuntil(feed):
    async def look(content):
        return [await content.readuntil(b"--") for _ in range(3)]

    assert await feed(look, b"a-", b"-b--", b"c") == [b"a--", b"b--", b"c"]


async def test_readuntil_with_a_limit(feed):
    async def look(content):
        with pytest.raises(Exception) as caught:
            await content.readuntil(b"\n", max_size=3)
        return type(caught.value).__name__

    assert await feed(look, b"abcdefgh") == "LineTooLong"


@pytest.mark.parametrize("chunked", [True, False])
async def test_readchunk(feed, chunked):
    async def look(content):
        return [await content.readchunk() for _ in range(3)]

    seen = await feed(look, b"ab", b"cd", chunked=chunked)
    assert b"".join(data for data, _ in seen) == b"abcd"
    assert seen[-1] == (b"", False)
    assert [end for data, end in seen if data] == [chunked, chunked]


@pytest.mark.parametrize("chunked", [True, False])
async def test_iter_chunks(feed, chunked):
    async def look(content):
        return [pair async for pair in content.iter_chunks()]

    assert await feed(look, b"ab", b"cd", chunked=chunked) == [(b"ab", chunked), (b"cd", chunked)]


async def test_iterates_over_lines(feed):
    async def look(content):
        return [line async for line in content]

    assert await feed(look, b"a\nb", b"c\nd") == [b"a\n", b"bc\n", b"d"]


async def test_iter_chunked(feed):
    async def look(content):
        return [data async for data in content.iter_chunked(3)]

    assert await feed(look, b"abcdefgh") == [b"abc", b"def", b"gh"]


async def test_iter_any(feed):
    async def look(content):
        return [data async for data in content.iter_any()]

    assert await feed(look, b"ab", b"cd") == [b"ab", b"cd"]


async def test_eof(feed):
    async def look(content):
        before = content.is_eof(), content.at_eof()
        await content.wait_eof()
        middle = content.is_eof(), content.at_eof()
        await content.read()
        return before, middle, (content.is_eof(), content.at_eof())

    assert await feed(look, b"ab") == ((False, False), (True, False), (True, True))


async def test_read_nowait(feed):
    async def look(content):
        first = content.read_nowait()
        await content.wait_eof()
        return first, content.read_nowait(2), content.read_nowait(), content.read_nowait()

    assert await feed(look, b"abcd") == (b"", b"ab", b"cd", b"")


async def test_read_nowait_beside_a_waiter(feed):
    async def look(content):
        waiting = asyncio.create_task(content.read())
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError):
            content.read_nowait()
        return await waiting

    assert await feed(look, b"ab") == b"ab"


async def test_one_reader_at_a_time(feed):
    async def look(content):
        waiting = asyncio.create_task(content.read())
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError):
            await content.read()
        return await waiting

    assert await feed(look, b"ab") == b"ab"


async def test_unread_data(feed):
    async def look(content):
        with pytest.warns(DeprecationWarning):
            content.unread_data(await content.read(2))
        return await content.read()

    assert await feed(look, b"abcd") == b"abcd"


async def test_exception(feed):
    async def look(content):
        return content.exception()

    assert await feed(look, b"ab") is None


async def test_totals(feed):
    async def look(content):
        await content.read()
        return content.total_bytes

    assert await feed(look, b"ab", b"cd") == 4


async def test_empty(grab):
    async def look(request):
        content = request.content
        return (
            await content.read(),
            await content.readany(),
            await content.readline(),
            content.at_eof(),
            [line async for line in content],
            content.read_nowait(),
            await content.readchunk(),
        )

    assert await grab(look) == (b"", b"", b"", True, [], b"", (b"", False))


async def test_a_large_body_meets_back_pressure(serve, web):
    async def handler(request):
        await asyncio.sleep(0.05)
        total = 0
        async for data in request.content.iter_any():
            total += len(data)
        return web.Response(text=str(total))

    server = await serve(handler)
    assert (await server.post("/", b"x" * 5_000_000)).text == "5000000"
