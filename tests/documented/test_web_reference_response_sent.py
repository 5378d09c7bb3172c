"""web_reference.rst "Response classes": what is sent, and what may be done until then."""

import asyncio

import pytest

from tests.documented.subject import improvement


@pytest.fixture
def answer_of(serve):
    """Serve one response made by a function of the request, and give what came."""

    async def ask(make, method="GET", headers=()):
        async def handler(request):
            found = make(request)
            return await found if hasattr(found, "__await__") else found

        return await (await serve(handler)).request(method, "/", headers)

    return ask


# A response on the wire


async def test_headers(answer_of, web):
    def make(request):
        return web.Response(headers=[("X-A", "1"), ("X-A", "2"), ("X-B", "\u0444")])

    answer = await answer_of(make)
    assert answer.all("X-A") == ["1", "2"]
    assert answer["X-B"] == "\u0444"


async def test_default_headers(answer_of, web):
    answer = await answer_of(lambda request: web.Response(text="a"))
    for name in ("Date", "Server", "Content-Type", "Content-Length"):
        assert len(answer.all(name)) == 1
    assert "Connection" not in dict(answer.fields)


async def test_default_headers_can_be_set(answer_of, web):
    def make(request):
        return web.Response(headers={"Server": "mine", "Date": "today"})

    answer = await answer_of(make)
    assert answer.all("Server") == ["mine"]
    assert answer.all("Date") == ["today"]


@pytest.mark.parametrize("status", [204, 304])
async def test_no_body_where_none_may_be(answer_of, web, status):
    answer = await answer_of(lambda request: web.Response(status=status))
    assert answer.status == status
    assert answer.body == b""
    assert answer.get("Transfer-Encoding") is None
    if status == 204:
        assert answer.get("Content-Length") is None


async def test_stream(answer_of, web):
    async def make(request):
        response = web.StreamResponse(headers={"X-A": "b"})
        await response.prepare(request)
        for number in range(3):
            await response.write(f"{number};".encode())
        await response.write_eof()
        return response

    answer = await answer_of(make)
    assert answer.text == "0;1;2;"
    assert answer["X-A"] == "b"
    assert answer["Transfer-Encoding"] == "chunked"
    assert answer["Content-Type"] == "application/octet-stream"


async def test_write_eof_is_called_at_the_end(answer_of, web):
    async def make(request):
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"abc")
        return response

    assert (await answer_of(make)).text == "abc"


async def test_stream_with_length(serve, web):
    async def handler(request):
        response = web.StreamResponse()
        response.content_length = 6
        await response.prepare(request)
        await response.write(b"abc")
        await response.write(b"def")
        return response

    connection = await (await serve(handler)).connect()
    for _ in range(2):
        answer = await connection.request("GET", "/")
        assert answer["Content-Length"] == "6"
        assert answer.get("Transfer-Encoding") is None
        assert answer.text == "abcdef"


async def test_chunks_on_the_wire(serve, web):
    async def handler(request):
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(b"abc")
        await response.write(b"defg")
        response.force_close()
        return response

    connection = await (await serve(handler)).connect()
    await connection.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    raw = await connection.receive_raw()
    head, _, body = raw.partition(b"\r\n\r\n")
    assert body == b"3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"
    assert b"Content-Type: application/octet-stream" in head


@pytest.mark.parametrize("data", [b"abc", bytearray(b"abc"), memoryview(b"abc")])
async def test_write_takes_bytes(answer_of, web, data):
    async def make(request):
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(data)
        return response

    assert (await answer_of(make)).body == b"abc"


async def test_write_refuses_text(answer_of, web):
    async def make(request):
        response = web.StreamResponse()
        await response.prepare(request)
        with pytest.raises((TypeError, AssertionError)):
            await response.write("text")
        return response

    assert (await answer_of(make)).body == b""


async def test_write_before_prepare(web):
    with pytest.raises(RuntimeError):
        await web.StreamResponse().write(b"x")


async def test_write_after_write_eof(answer_of, web):
    async def make(request):
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write_eof()
        with pytest.raises(RuntimeError):
            await response.write(b"x")
        await response.write_eof()
        return response

    assert (await answer_of(make)).body == b""


async def test_nothing_of_the_head_changes_after_prepare(answer_of, web):
    async def make(request):
        response = web.StreamResponse()
        await response.prepare(request)
        assert response.prepared
        with pytest.raises((RuntimeError, AssertionError)):
            response.set_status(404)
        return response

    assert (await answer_of(make)).status == 200


async def test_prepare_twice(answer_of, web):
    async def make(request):
        response = web.Response(text="abc")
        await response.prepare(request)
        await response.prepare(request)
        return response

    assert (await answer_of(make)).text == "abc"


async def test_task(answer_of, web):
    async def make(request):
        response = web.StreamResponse()
        await response.prepare(request)
        assert isinstance(response.task, asyncio.Task)
        return response

    assert (await answer_of(make)).status == 200


async def test_force_close(serve, web):
    async def handler(request):
        response = web.Response(text="bye")
        response.force_close()
        assert response.keep_alive is False
        return response

    connection = await (await serve(handler)).connect()
    answer = await connection.request("GET", "/")
    assert answer["Connection"] == "close"
    assert await connection.is_closed_by_server()


async def test_http_1_0_stream_ends_with_the_connection(serve, web):
    async def handler(request):
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"abc")
        return response

    connection = await (await serve(handler)).connect()
    await connection.send(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
    raw = await connection.receive_raw()
    head, _, body = raw.partition(b"\r\n\r\n")
    assert body == b"abc"
    assert b"chunked" not in head.lower()


@pytest.mark.loop_errors
async def test_chunked_is_for_1_1_only(serve, web):
    async def handler(request):
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        with pytest.raises(RuntimeError):
            await response.prepare(request)
        return web.Response(text="as it should")

    connection = await (await serve(handler)).connect()
    await connection.send(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
    assert (await connection.receive()).text == "as it should"


@improvement("what a handler writes in answer to HEAD stays off the wire")
async def test_head_of_a_stream(serve, web):
    async def handler(request):
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"abc")
        return response

    connection = await (await serve(handler)).connect()
    for _ in range(2):
        answer = await connection.request("HEAD", "/")
        assert (answer.status, answer.body) == (200, b"")


async def test_prepare_and_write_eof_within_the_handler(serve, web):
    after = asyncio.Event()

    async def handler(request):
        response = web.json_response({"message": "PONG"})
        await response.prepare(request)
        await response.write_eof()
        after.set()
        return response

    answer = await (await serve(handler)).get("/")
    assert answer.text == '{"message": "PONG"}'
    assert after.is_set()


@pytest.mark.parametrize("bad", ["a\r\nX-Evil: 1", "a\nb", "a\0b"])
@pytest.mark.loop_errors
async def test_header_values_cannot_inject(serve, web, bad):
    async def handler(request):
        return web.Response(headers={"X-A": bad})

    connection = await (await serve(handler)).connect()
    await connection.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    raw = await connection.receive_raw()
    assert b"X-Evil" not in raw
    assert b"X-A" not in raw


@improvement("a response that was sent can be sent again, when its body is at hand")
async def test_one_response_for_many_requests(serve, web):
    shared = web.Response(text="shared", headers={"X-A": "1"})

    async def handler(request):
        return shared

    connection = await (await serve(handler)).connect()
    for _ in range(3):
        answer = await connection.request("GET", "/")
        assert (answer.text, answer["X-A"]) == ("shared", "1")
