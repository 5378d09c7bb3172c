import asyncio
import gc
import logging
from typing import Any

import pytest

from tercel import web
from tests.web.serving import GET, low_server, warnings_of


async def begun(request: Any, *, ended: bool = False) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"abc")
    if ended:
        await response.write_eof()
    return response


def get(*fields: bytes) -> bytes:
    return b"\r\n".join([b"GET /<b>&%00 HTTP/1.1", b"Host: a", *fields]) + b"\r\n\r\n"


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("value", [None, "text", 1, b"", object()])
async def test_what_is_no_response_is_an_error(
    value: Any, late: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: Any) -> Any:
        if late:
            await asyncio.sleep(0)
        return value

    async with low_server(handler) as low:
        answer = await low.ask(GET)
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"Connection: close\r\n" in answer
    assert len(warnings_of(caplog.records)) == 1


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(
    ("error", "status", "records"),
    [
        (ValueError("secret"), 500, 1),
        (web.HTTPForbidden(text="no"), 403, 0),
        (web.HTTPInternalServerError(), 500, 0),
        (TimeoutError(), 504, 0),
        (KeyError("secret"), 500, 1),
        (ExceptionGroup("secret", [ValueError(1)]), 500, 1),
    ],
)
async def test_what_a_handler_raises(
    error: Exception, status: int, records: int, late: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: Any) -> web.Response:
        if late:
            await asyncio.sleep(0)
        raise error

    async with low_server(handler) as low:
        connection = await low.connect()
        await connection.send(GET)
        answer = await connection.receive()
    assert answer.status == status
    assert b"secret" not in answer.body
    assert len(warnings_of(caplog.records)) == records


@pytest.mark.parametrize("late", [False, True])
async def test_a_handler_that_cancels_itself_ends_its_connection(late: bool) -> None:
    async def handler(request: Any) -> web.Response:
        if late:
            await asyncio.sleep(0)
        raise asyncio.CancelledError

    async with low_server(handler) as low:
        connection = await low.connect()
        await connection.send(GET)
        assert await connection.is_closed_by_server()


@pytest.mark.parametrize("error", [ValueError("x"), web.HTTPForbidden(), web.HTTPOk()])
async def test_an_error_behind_a_begun_answer_cuts_it_off(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: Any) -> web.Response:
        await begun(request)
        raise error

    async with low_server(handler) as low:
        connection = await low.connect()
        await connection.send(GET + GET)
        answer = b""
        try:
            while data := await connection.reader.read(65536):
                answer += data
        except ConnectionError:
            pass
    assert answer.count(b"HTTP/1.1") <= 1
    assert not answer.endswith(b"0\r\n\r\n")
    assert len(warnings_of(caplog.records)) == (type(error) is ValueError)


async def test_an_error_behind_a_whole_answer_leaves_it_whole(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def handler(request: Any) -> web.Response:
        await begun(request, ended=True)
        raise ValueError

    async with low_server(handler) as low:
        answer = await low.ask(GET)
    assert answer.endswith(b"3\r\nabc\r\n0\r\n\r\n")
    assert len(warnings_of(caplog.records)) == 1


async def test_another_response_than_the_begun_one_is_an_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def handler(request: Any) -> web.Response:
        await begun(request, ended=True)
        return web.Response(text="another")

    async with low_server(handler) as low:
        answer = await low.ask(GET)
    assert b"another" not in answer
    assert answer.endswith(b"0\r\n\r\n")
    assert len(warnings_of(caplog.records)) == 1


async def test_a_failing_prepare_signal_is_an_error(caplog: pytest.LogCaptureFixture) -> None:
    from tests.live import serving

    async def handler(request: Any) -> web.Response:
        return web.Response(text="ok")

    async def fail(request: Any, response: Any) -> None:
        if request.path == "/":
            raise ValueError

    app = web.Application()
    app.router.add_get("/", handler)
    app.on_response_prepare.append(fail)
    async with serving(app) as server:
        connection = await server.connect()
        try:
            await connection.send(GET)
            data = await connection.receive_raw()
        except ConnectionError:
            data = b""
        assert b"200 OK" not in data
    assert warnings_of(caplog.records)
    gc.collect()  # a task that failed is told of when it is collected
    assert "Task exception was never retrieved" not in caplog.text


async def test_one_response_answers_several_requests() -> None:
    shared = web.Response(text="shared")

    async def handler(request: Any) -> web.Response:
        return shared

    async with low_server(handler) as low:
        connection = await low.connect()
        await connection.send(GET * 3)
        assert [(await connection.receive()).text for _ in range(3)] == ["shared"] * 3


async def test_writing_after_the_end_raises() -> None:
    errors: list[str] = []

    async def handler(request: Any) -> web.StreamResponse:
        response = await begun(request, ended=True)
        try:
            await response.write(b"more")
        except RuntimeError as error:
            errors.append(str(error))
        return response

    async with low_server(handler) as low:
        connection = await low.connect()
        await connection.send(GET + GET)
        for _ in range(2):
            assert (await connection.receive()).body == b"abc"
    assert errors == ["Cannot call write() after write_eof()"] * 2


@pytest.mark.parametrize("html", [False, True])
@pytest.mark.parametrize("debug", [False, True])
async def test_error_pages(html: bool, debug: bool) -> None:
    async def handler(request: Any) -> web.Response:
        raise ValueError("<script>alert(1)</script>")

    accept = b"Accept: text/html,*/*" if html else b"Accept: */*"
    async with low_server(handler, debug=debug) as low:
        connection = await low.connect()
        await connection.send(GET[:-2] + accept + b"\r\n\r\n")
        answer = await connection.receive()
    assert answer.status == 500
    assert answer["Content-Type"].startswith("text/html" if html else "text/plain")
    assert ("ValueError" in answer.text) == debug
    if html:
        assert "<script>" not in answer.text


@pytest.mark.parametrize("body", [b"zz\r\n", b"3\r\nabcX", b"3\r\nabc\r\n-1\r\n"])
async def test_a_body_that_breaks_the_rules(body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    errors: list[BaseException] = []

    async def handler(request: Any) -> web.Response:
        try:
            await request.read()
        except web.RequestPayloadError as error:
            errors.append(error)
            raise
        return web.Response(text="ok")

    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with low_server(handler) as low:
        answer = await low.ask(head + body, end=True)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert len(errors) == 1
    (record,) = warnings_of(caplog.records)
    assert record.levelno == logging.WARNING


async def test_a_handler_may_answer_a_body_that_breaks_the_rules_itself() -> None:
    async def handler(request: Any) -> web.Response:
        try:
            await request.read()
        except web.RequestPayloadError:
            return web.Response(status=422, text="mine")
        return web.Response(text="ok")

    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with low_server(handler) as low:
        answer = await low.ask(head + b"zz\r\n" + GET)
    assert answer.startswith(b"HTTP/1.1 422 ")
    assert answer.count(b"HTTP/1.1 ") == 1
