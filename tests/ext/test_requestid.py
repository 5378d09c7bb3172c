"""Request ids: taken over, refused, made; in the answer, in the logs and in what handlers call."""

import asyncio
import logging
import re

import pytest

from tercel import web
from tercel.ext.requestid import RequestIdFilter, get_request_id, request_id_middleware
from tests.live import serving


def make_app(**settings: bool) -> web.Application:
    async def show(request: web.Request) -> web.Response:
        await asyncio.sleep(0)
        seen = await asyncio.create_task(look())
        assert seen == request["request_id"]
        logging.getLogger("tests.ids").warning("in the handler")
        return web.Response(text=str(seen))

    async def look() -> str | None:
        return get_request_id()

    async def absent(request: web.Request) -> web.Response:
        raise web.HTTPNotFound

    app = web.Application(middlewares=[request_id_middleware(**settings)])
    app.router.add_get("/", show)
    app.router.add_get("/absent", absent)
    return app


@pytest.mark.parametrize("given", ["abc-123", "A" * 128, "4bf92f3577b34da6/00f067aa:1"])
async def test_an_id_that_comes_is_kept(given: str) -> None:
    async with serving(make_app()) as server:
        answer = await server.request("GET", "/", headers={"X-Request-ID": given})
    assert (answer.text, answer["X-Request-ID"]) == (given, given)


@pytest.mark.parametrize("given", ["", "A" * 129, "two words", 'a"b', "<b>", "caf\xe9", "a,b"])
async def test_what_looks_otherwise_is_replaced(given: str) -> None:
    async with serving(make_app()) as server:
        answer = await server.request("GET", "/", headers={"X-Request-ID": given})
    assert re.fullmatch("[0-9a-f]{32}", answer.text)
    assert answer["X-Request-ID"] == answer.text


async def test_strangers_ids_can_be_refused_and_errors_have_one_too() -> None:
    async with serving(make_app(trust_incoming=False)) as server:
        answer = await server.request("GET", "/absent", headers={"X-Request-ID": "theirs"})
        other = await server.request("GET", "/nowhere")
    assert (answer.status, other.status) == (404, 404)
    assert re.fullmatch("[0-9a-f]{32}", answer["X-Request-ID"])
    assert answer["X-Request-ID"] != other["X-Request-ID"]


async def test_log_records_say_whose_they_are(caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.addFilter(RequestIdFilter())
    logging.getLogger("tests.ids").warning("outside")
    async with serving(make_app()) as server:
        await server.request("GET", "/", headers={"X-Request-ID": "abc"})
    assert get_request_id() is None
    ids = {record.getMessage(): record.request_id for record in caplog.records}  # type: ignore[attr-defined]
    assert ids["outside"] == "-"
    assert ids["in the handler"] == "abc"
