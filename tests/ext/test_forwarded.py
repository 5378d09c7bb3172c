"""The forwarded middleware: whom it believes, how far back, and what it refuses."""

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tercel import web
from tercel.ext.forwarded import forwarded_middleware
from tests.live import serving


def make_app(*trusted: str, **settings: Any) -> web.Application:
    async def show(request: web.Request) -> web.Response:
        return web.Response(text=f"{request.remote} {request.scheme} {request.host} {request.url}")

    every = ("remote", "scheme", "host")
    app = web.Application(
        middlewares=[forwarded_middleware(trusted, **{"read": every, **settings})]
    )
    app.router.add_get("/", show)
    return app


async def ask(app: web.Application, fields: Iterable[tuple[str, str]]) -> Any:
    async with serving(app) as server:
        return await server.request("GET", "/", headers=[("Host", "inner"), *fields])


LOCAL = "127.0.0.1"
X = "X-Forwarded-For"
ROWS = {
    "nothing is said": ([], [], "127.0.0.1 http inner"),
    "one proxy": (
        [(X, "203.0.113.9"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "a.example")],
        [],
        "203.0.113.9 https a.example",
    ),
    "the client wrote the first": ([(X, "1.1.1.1, 203.0.113.9")], [], "203.0.113.9 http inner"),
    "the client wrote nonsense": ([(X, "<script>, 203.0.113.9")], [], "203.0.113.9 http inner"),
    "in lines of its own": ([(X, "1.1.1.1"), (X, "203.0.113.9")], [], "203.0.113.9 http inner"),
    "two proxies": ([(X, "203.0.113.9, 10.0.0.7")], ["10.0.0.0/8"], "203.0.113.9 http inner"),
    "behind two proxies a lie": (
        [(X, "10.0.0.9, 203.0.113.9, 10.0.0.7")],
        ["10.0.0.0/8"],
        "203.0.113.9 http inner",
    ),
    "the client's scheme does not count": (
        [(X, "1.1.1.1, 203.0.113.9"), ("X-Forwarded-Proto", "https, http")],
        [],
        "203.0.113.9 http inner",
    ),
    "a port is left out": ([(X, "203.0.113.9:4711")], [], "203.0.113.9 http inner"),
    "IPv6": ([(X, "[2001:db8::1]:4711")], [], "2001:db8::1 http inner"),
    "the other dialect is the client's": (
        [("Forwarded", "for=1.1.1.1;host=evil.example")],
        [],
        "127.0.0.1 http inner",
    ),
}


@pytest.mark.parametrize("row", ROWS)
async def test_x_forwarded(row: str) -> None:
    fields, trusted, expected = ROWS[row]
    answer = await ask(make_app(LOCAL, *trusted), fields)
    assert answer.status == 200
    assert answer.text.rpartition(" ")[0] == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('for=203.0.113.9;proto=https;host="a.example:8443"', "203.0.113.9 https a.example:8443"),
        ('For="[2001:db8::1]:4711"', "2001:db8::1 http inner"),
        ("for=1.1.1.1, for=203.0.113.9", "203.0.113.9 http inner"),
        ("for=203.0.113.9;proto=https, for=127.0.0.2", "203.0.113.9 https inner"),
        ("for=_hidden;by=127.0.0.1", "_hidden http inner"),
        ("for=unknown", "unknown http inner"),
    ],
)
async def test_forwarded(value: str, expected: str) -> None:
    app = make_app("127.0.0.0/8", header="Forwarded")
    answer = await ask(app, [("Forwarded", value), (X, "1.1.1.1")])
    assert answer.text.rpartition(" ")[0] == expected


@pytest.mark.parametrize(
    ("header", "name", "value"),
    [
        ("X-Forwarded", X, "somebody"),
        ("X-Forwarded", "X-Forwarded-Proto", "javascript"),
        ("X-Forwarded", "X-Forwarded-Host", "a.example/evil"),
        ("X-Forwarded", X, ", ".join(["10.0.0.1"] * 33)),
        ("Forwarded", "Forwarded", "for=a b"),
        ("Forwarded", "Forwarded", 'for="203.0.113.9'),
        ("Forwarded", "Forwarded", "for=1.1.1.1;for=1.1.1.2"),
        ("Forwarded", "Forwarded", "for=1.1.1.1," * 33),
    ],
)
async def test_what_no_proxy_writes_is_refused(header: str, name: str, value: str) -> None:
    answer = await ask(make_app(LOCAL, header=header), [(name, value)])
    assert answer.status == 400


async def test_who_is_not_trusted_is_not_heard() -> None:
    fields = [(X, "1.1.1.1"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.example")]
    answer = await ask(make_app("10.0.0.0/8", "unix"), fields)
    assert answer.text == "127.0.0.1 http inner http://inner/"
    answer = await ask(make_app("*"), fields)
    assert answer.text == "1.1.1.1 https evil.example https://evil.example/"


async def test_the_host_is_believed_only_where_it_was_asked_for() -> None:
    app = make_app(LOCAL, read=("remote",))
    fields = [(X, "203.0.113.9"), ("X-Forwarded-Host", "evil.example")]
    answer = await ask(app, [*fields, ("X-Forwarded-Proto", "https")])
    assert answer.text == "203.0.113.9 http inner http://inner/"


async def test_a_proxy_on_a_unix_socket(tmp_path: Path) -> None:
    runner = web.AppRunner(make_app("unix"))
    await runner.setup()
    await web.UnixSite(runner, str(tmp_path / "s")).start()
    reader, writer = await asyncio.open_unix_connection(str(tmp_path / "s"))
    writer.write(b"GET / HTTP/1.0\r\nHost: inner\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n")
    assert b"203.0.113.9 http inner" in await reader.read()
    writer.close()
    await runner.cleanup()


async def test_the_access_log_has_the_clients_address(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    log = logging.getLogger("tests.forwarded")
    runner = web.AppRunner(make_app(LOCAL), access_log=log, access_log_format="%a %s")
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    reader, writer = await asyncio.open_connection(*runner.addresses[0])
    writer.write(b"GET / HTTP/1.0\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n")
    await reader.read()
    writer.close()
    await runner.cleanup()
    assert caplog.messages == ["203.0.113.9 200"]


@pytest.mark.parametrize(
    ("trusted", "settings"),
    [
        ("127.0.0.1", {}),
        (["somebody"], {}),
        (["127.0.0.1"], {"header": "X-Real-IP"}),
        (["127.0.0.1"], {"read": ("port",)}),
        (["127.0.0.1"], {"read": "host"}),
    ],
)
def test_what_it_can_not_be_told(trusted: Any, settings: Any) -> None:
    with pytest.raises(ValueError, match=r"not|expected"):
        forwarded_middleware(trusted, **settings)
