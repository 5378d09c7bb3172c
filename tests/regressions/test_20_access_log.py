"""Family 20: no request writes a line of its own into a log, and none speaks to a terminal."""

import asyncio
import logging
from typing import Any

import pytest

from tercel import web
from tests.web.serving import low_server, post

FORMAT = '%a "%r" %s "%{Referer}i" "%{User-Agent}i" "%{X-Any}i" "%{X-Echo}o"'


async def echo(request: Any) -> web.Response:
    if request.method == "POST":
        await request.post()
    response = web.Response(text="ok")
    value = request.headers.get("X-Any")
    if value is not None:
        response.headers["X-Echo"] = value
    return response


def make_app() -> web.Application:
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", echo)
    return app


CONTROLS = [bytes([n]) for n in [*range(32), 127]]
#: C1 controls, bidirectional overrides, line separators and a byte that is no UTF-8.
BEYOND = ["\x85", "\x9b31m", "\x9d0;title\x07", "\u2028", "\u202e", "\ufeff"]
PIECES = [
    *CONTROLS,
    *[text.encode() for text in BEYOND],
    *[text.encode("latin-1") for text in BEYOND[:3]],
    b"\xff\xfe",
    b'"',
    b"\\",
    b"\r\n10.0.0.1 - forged",
    b"\n10.0.0.1 - forged",
    b"\r10.0.0.1 - forged",
    b"\x1b[2J\x1b]0;pwned\x07",
]


def requests_with(piece: bytes) -> list[bytes]:
    """The piece in the target, the method, a value, a name and the version."""
    end = b"Connection: close\r\n\r\n"
    return [
        b"GET /a" + piece + b"b?c=" + piece + b" HTTP/1.1\r\nHost: a\r\n" + end,
        b"GET" + piece + b" / HTTP/1.1\r\nHost: a\r\n" + end,
        b"GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: a" + piece + b"b\r\n" + end,
        b"GET / HTTP/1.1\r\nHost: a\r\nReferer: "
        + piece
        + b"\r\nX-Any: a"
        + piece
        + b"b\r\n"
        + end,
        b"GET / HTTP/1.1\r\nHost: a\r\nX" + piece + b"Y: b\r\n" + end,
        b"GET / HTTP/1.1" + piece + b"\r\nHost: a" + piece + b"\r\n" + end,
    ]


HARMLESS = b"GET /last HTTP/1.1\r\nHost: a\r\nX-Any: x\r\nConnection: close\r\n\r\n"


def is_harmless(text: str) -> bool:
    """One line of what is printable."""
    return text.isprintable() and text.splitlines() == [text]


@pytest.mark.parametrize("piece", PIECES, ids=ascii)
async def test_every_line_is_one_line_of_printable_text(
    piece: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    runner = web.AppRunner(make_app(), access_log_format=FORMAT)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        asked = [*requests_with(piece), HARMLESS]
        with caplog.at_level(logging.INFO):
            for request in asked:
                reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
                writer.write(request)
                writer.write_eof()
                assert (await reader.read()).startswith(b"HTTP/1.1 ")
                writer.close()
    finally:
        await runner.cleanup()
    accesses = [each for each in caplog.records if each.name == "tercel.access"]
    assert (
        accesses[-1].getMessage().startswith('127.0.0.1 "GET /last HTTP/1.1" 200 "-" "-" "x" "x"')
    )
    lines = [each.getMessage() for each in caplog.records if each.name.startswith("tercel")]
    assert lines
    for line in lines:
        assert is_harmless(line), ascii(line)
        assert not line.startswith("10.0.0.1")
    # Pieces with line ends in them may make several requests of one, but never more than that.
    assert len(lines) <= 3 * len(asked)


async def test_a_quote_does_not_end_its_field(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        async with low_server(
            echo,
            access_log=logging.getLogger("tercel.access"),
            access_log_format='"%{User-Agent}i" %s',
        ) as low:
            await low.ask(
                b'GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: x" 500 "\\\r\nConnection: close\r\n\r\n'
            )
    (line,) = [each.getMessage() for each in caplog.records if each.name == "tercel.access"]
    assert line == '"x\\" 500 \\"\\\\" 200'


@pytest.mark.parametrize(
    "body",
    [
        b"--x\r\n" * 1000,
        b"--x\r\n\r\n\r\n" * 1000,
        b"--x\r\nContent-Disposition: form-data; name=\x1b[31m\r\n\r\n\r\n" * 500 + b"--x--",
        b"--x\r\nContent-Type: \xff\r\nContent-Disposition: nothing\r\n\r\n\r\n" * 500 + b"--x--",
    ],
)
async def test_a_bad_form_is_one_line(body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        async with low_server(echo) as low:
            field = b"Content-Type: multipart/form-data; boundary=x\r\nConnection: close"
            await low.ask(post(body, field))
    lines = [each.getMessage() for each in caplog.records if each.name.startswith("tercel")]
    assert len(lines) <= 1
    assert all(is_harmless(line) for line in lines), lines
