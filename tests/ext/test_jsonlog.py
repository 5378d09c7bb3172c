"""Logs as JSON: one line each, whatever a client sends."""

import asyncio
import io
import json
import logging
import sys

from tercel import web
from tercel.ext.jsonlog import JSONAccessLogger, JSONFormatter
from tercel.ext.requestid import request_id_middleware


async def ask(lines: bytes) -> list[str]:
    """What the access log says of one request."""

    async def item(request: web.Request) -> web.Response:
        return web.Response(text="x" * 10)

    app = web.Application(middlewares=[request_id_middleware()])
    app.router.add_get("/items/{id}", item, name="item")
    stream = io.StringIO()
    log = logging.Logger("access", logging.INFO)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JSONFormatter())
    log.addHandler(handler)
    runner = web.AppRunner(app, access_log=log, access_log_class=JSONAccessLogger)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    reader, writer = await asyncio.open_connection(*runner.addresses[0])
    writer.write(lines + b"Host: a\r\nConnection: close\r\n\r\n")
    await reader.read()
    writer.close()
    await runner.cleanup()
    return stream.getvalue().splitlines()


async def test_a_line_of_the_access_log() -> None:
    (text,) = await ask(b"GET /items/7?a=1 HTTP/1.1\r\nUser-Agent: T\r\nX-Request-ID: abc\r\n")
    line = json.loads(text)
    assert line.pop("time").endswith("Z")
    assert line.pop("seconds") >= 0
    assert 10 < line.pop("bytes") < 500
    assert line == {
        "level": "info",
        "logger": "access",
        "message": "GET /items/7?a=1 200",
        "request_id": "abc",
        "remote": "127.0.0.1",
        "method": "GET",
        "path": "/items/7",
        "query": "a=1",
        "version": "1.1",
        "route": "item",
        "status": 200,
        "referer": None,
        "user_agent": "T",
    }


async def test_a_client_can_forge_no_line() -> None:
    sent = b'GET /nowhere/%0A%22%7D HTTP/1.1\r\nUser-Agent: "}\x1b[31m{"level": "error"\r\n'
    lines = await ask(sent.replace(b"\x1b", b""))
    assert len(lines) == 1
    line = json.loads(lines[0])
    assert (line["status"], line["route"], line["level"]) == (404, None, "info")
    assert line["path"] == '/nowhere/\n"}'
    assert line["user_agent"].startswith('"}[31m{')


def test_errors_and_strange_fields() -> None:
    try:
        raise RuntimeError("over\nand over")
    except RuntimeError:
        record = logging.LogRecord("a", 40, "f", 1, "it %s", ("broke",), sys.exc_info())
    record.fields = {"when": object, "message": "not this one"}
    line = json.loads(JSONFormatter().format(record))
    assert line["message"] == "it broke"
    assert line["level"] == "error"
    assert line["error"].endswith("RuntimeError: over\nand over")
    assert line["when"] == str(object)
