"""The short way of plain requests: taken where nothing is lost by it, and left where it must be."""

import asyncio
from typing import Any

import pytest

import tercel
from tercel import ClientSession, ClientTimeout, web
from tercel.client import session as session_module
from tests.live import serving


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each request, whether it took the short way."""
    seen: list[bool] = []
    ask, finish = session_module.ask, ClientSession._finish

    def watch(*arguments: Any) -> Any:
        seen.append(True)
        return ask(*arguments)

    async def watch_long(session: ClientSession, plan: Any, first: Any, moment: Any) -> Any:
        seen[-1] = moment is not None
        return await finish(session, plan, first, moment)

    monkeypatch.setattr(session_module, "ask", watch)
    monkeypatch.setattr(ClientSession, "_finish", watch_long)
    return seen


def make_app() -> web.Application:
    async def hello(request: web.Request) -> web.Response:
        return web.Response(text="hello")

    async def moved(request: web.Request) -> web.Response:
        raise web.HTTPFound("/")

    async def cookie(request: web.Request) -> web.Response:
        response = web.Response(text=request.cookies.get("a", ""))
        response.set_cookie("a", "b")
        return response

    async def slow(request: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    async def gone(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    app = web.Application()
    for path, handler in (("/", hello), ("/moved", moved), ("/slow", slow), ("/gone", gone)):
        app.router.add_get(path, handler)
    app.router.add_get("/cookie", cookie)
    return app


async def test_taken_from_the_second_request_on(begun: list[bool]) -> None:
    async with serving(make_app()) as server:
        url = f"http://localhost:{server.port}/"
        async with ClientSession() as session:
            for _ in range(3):
                async with session.get(url) as response:
                    assert response.status == 200
                    assert await response.text() == "hello"
                    assert str(response.url) == url
                    assert response.method == "GET"
                    info = response.request_info
                    assert (str(info.url), info.method) == (url, "GET")
                    assert info.headers["Host"] == f"localhost:{server.port}"
                    assert info.headers["User-Agent"]
            assert session.connector is not None
            assert session.connector.stats().idle == 1
    assert begun == [False, True, True]


async def test_what_has_something_of_its_own_takes_the_long_way(begun: list[bool]) -> None:
    async with serving(make_app()) as server:
        url = f"http://127.0.0.1:{server.port}/"

        async def middleware(request: Any, handler: Any) -> Any:
            return await handler(request)

        for options in (
            {"trace_configs": [tercel.TraceConfig()]},
            {"middlewares": [middleware]},
            {"raise_for_status": True},
            {"timeout": ClientTimeout(total=1)},
            {"connector": tercel.TCPConnector(force_close=True)},
        ):
            async with ClientSession(**options) as session:
                for _ in range(2):
                    async with session.get(url) as response:
                        assert await response.text() == "hello"
    assert begun == [False] * 10


async def test_redirects_and_cookies_are_heeded(begun: list[bool]) -> None:
    async with serving(make_app()) as server:
        base = f"http://localhost:{server.port}"
        async with ClientSession() as session:
            async with session.get(f"{base}/") as response:
                await response.read()
            async with session.get(f"{base}/moved") as response:
                assert str(response.url) == f"{base}/"
                assert [str(one.url) for one in response.history] == [f"{base}/moved"]
                assert await response.text() == "hello"
            async with session.get(f"{base}/moved", allow_redirects=False) as response:
                assert response.status == 302
            async with session.get(f"{base}/cookie") as response:
                assert await response.text() == ""
            async with session.get(f"{base}/cookie") as response:
                assert await response.text() == "b"
    assert begun == [False, True, True, True, False]


async def test_a_connection_that_turns_out_stale_is_replaced_once(begun: list[bool]) -> None:
    async with serving(make_app()) as server:
        base = f"http://127.0.0.1:{server.port}"
        async with ClientSession() as session:
            async with session.get(f"{base}/") as response:
                await response.read()
            with pytest.raises(tercel.ServerDisconnectedError):
                await session.get(f"{base}/gone")
            assert session.connector is not None
            assert session.connector.stats().open == 0
        async with ClientSession(retry_stale=False) as session:
            async with session.get(f"{base}/") as response:
                await response.read()
            with pytest.raises(tercel.ServerDisconnectedError):
                await session.get(f"{base}/gone")
    assert begun == [False, True, False, True]


async def test_the_total_timeout_holds(begun: list[bool]) -> None:
    timeout = ClientTimeout(total=0.2, ceil_threshold=0.1)
    async with serving(make_app()) as server:
        base = f"http://127.0.0.1:{server.port}"
        async with ClientSession(timeout=timeout) as session:
            async with session.get(f"{base}/") as response:
                await response.read()
            with pytest.raises(TimeoutError):
                await session.get(f"{base}/slow")
            assert session.connector is not None
            assert session.connector.stats().open == 0
    assert begun == [False, True]


async def test_a_cancelled_request_leaves_nothing(begun: list[bool]) -> None:
    async with serving(make_app()) as server:
        base = f"http://127.0.0.1:{server.port}"
        async with ClientSession() as session:
            async with session.get(f"{base}/") as response:
                await response.read()
            task = asyncio.ensure_future(session.get(f"{base}/slow"))
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert session.connector is not None
            assert session.connector.stats().open == 0
    assert begun == [False, True]


async def test_the_connection_can_be_asked_for(begun: list[bool]) -> None:
    async def slowly(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x")
        await asyncio.sleep(0.05)
        return response

    app = make_app()
    app.router.add_get("/slowly", slowly)
    async with serving(app) as server:
        base = f"http://127.0.0.1:{server.port}"
        async with ClientSession() as session:
            async with session.get(f"{base}/") as response:
                await response.read()
            async with session.get(f"{base}/slowly") as response:
                connection = response.connection
                assert connection is not None
                assert connection.transport.get_extra_info("peername")[1] == server.port
                assert await response.read() == b"x"
                assert response.connection is None
                assert connection.closed
            assert session.connector is not None
            assert session.connector.stats().idle == 1
    assert begun == [False, True]


def echo_app() -> web.Application:
    async def echo(request: web.Request) -> web.Response:
        fields = {name.lower(): value for name, value in request.headers.items()}
        assert len(fields) == len(request.headers)
        return web.json_response(
            {"method": request.method, "fields": fields, "body": await request.text()}
        )

    async def moved(request: web.Request) -> web.Response:
        await request.read()
        raise web.HTTPTemporaryRedirect("/")

    async def forgotten(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    app = make_app()
    for path, handler in (("/echo", echo), ("/away", moved), ("/forgotten", forgotten)):
        app.router.add_route("*", path, handler)
    app.router.add_route("POST", "/", echo)
    return app


OWN: list[dict[str, Any]] = [
    {},
    {"data": b"abc"},
    {"data": b""},
    {"data": "\xfcml\xe4ut"},
    {"json": {"a": [1, "\xfc"]}},
    {"json": [], "headers": {"X-Own": "1", "Accept": "application/json"}},
    {"data": b"abc", "headers": {"content-type": "a/b", "USER-AGENT": "me"}},
    {"headers": {"Authorization": "Bearer abc", "Cookie": "a=b"}},
    {"json": {"a": 1}, "allow_redirects": False},
]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("own", OWN, ids=range(len(OWN)))
async def test_fields_and_bodies_are_those_of_the_long_way(
    begun: list[bool], method: str, own: dict[str, Any]
) -> None:
    options = {"headers": {"X-Session": "s", "X-Own": "0"}, "skip_auto_headers": ["Accept"]}
    async with serving(echo_app()) as server:
        url = f"http://127.0.0.1:{server.port}/echo"
        async with ClientSession(**options) as session:
            found = []
            for _ in range(3):
                async with session.request(method, url, **own) as response:
                    found.append(await response.json())
                    info = response.request_info
                    sent = {name.lower(): value for name, value in info.headers.items()}
                    assert sent == found[-1]["fields"]
                    assert (info.method, str(info.url)) == (method, url)
            assert found == [found[0]] * 3
    assert begun == [False, True, True]


async def test_a_redirect_takes_body_and_fields_along(begun: list[bool]) -> None:
    async with serving(echo_app()) as server:
        base = f"http://127.0.0.1:{server.port}"
        document = {"a": 1}
        async with ClientSession() as session:
            for _ in range(2):
                async with session.post(
                    f"{base}/away", json=document, headers={"X-Own": "1"}
                ) as response:
                    seen = await response.json()
                    assert len(response.history) == 1
                    assert seen["body"] == '{"a": 1}'
                    assert seen["fields"]["content-type"] == "application/json"
                    assert seen["fields"]["x-own"] == "1"
    assert begun == [False, True]


async def test_what_is_not_idempotent_is_never_repeated(begun: list[bool]) -> None:
    for method, count in (("POST", 1), ("PATCH", 1), ("PUT", 2)):
        seen: list[str] = []
        app = echo_app()

        async def note(request: web.Request, seen: list[str] = seen) -> web.Response:
            seen.append(request.method)
            assert request.transport is not None
            request.transport.abort()
            return web.Response()

        app.router.add_route("*", "/noted", note)
        async with serving(app) as server:
            base = f"http://127.0.0.1:{server.port}"
            async with ClientSession() as session:
                await (await session.get(f"{base}/")).read()
                with pytest.raises(tercel.ClientConnectionError):
                    await session.request(method, f"{base}/noted", data=b"abc")
                assert session.connector is not None
                assert session.connector.stats().open == 0
        assert seen == [method] * count
    assert begun == [False, True] * 3


LONG: list[dict[str, Any]] = [
    {"data": bytes(65_537)},
    {"data": bytearray(b"abc")},
    {"data": {"a": "b"}},
    {"data": b"abc", "headers": {"Content-Length": "3"}},
    {"data": b"abc", "headers": {"Host": "other"}},
    {"headers": [("A", "1"), ("B", "2")]},
    {"data": b"abc", "timeout": 5},
    {"data": b"abc", "chunked": True},
]


@pytest.mark.parametrize("own", LONG, ids=range(len(LONG)))
async def test_the_rest_takes_the_long_way(begun: list[bool], own: dict[str, Any]) -> None:
    async with serving(echo_app()) as server:
        url = f"http://127.0.0.1:{server.port}/"
        async with ClientSession() as session:
            await (await session.get(url)).read()
            async with session.post(url, **own) as response:
                assert response.status == 200
    assert begun == [False, False]


REFUSED: list[tuple[dict[str, Any], type[Exception]]] = [
    ({"json": object()}, TypeError),
    ({"json": 1, "data": b"abc"}, ValueError),
    ({"headers": {"X": 1}}, TypeError),
    ({"headers": {"X": "a\r\nb"}}, ValueError),
    ({"headers": {"X y": "a"}}, ValueError),
    ({"data": "\ud800"}, UnicodeEncodeError),
]


@pytest.mark.parametrize(("own", "error"), REFUSED, ids=range(len(REFUSED)))
async def test_what_is_refused_leaves_the_connection_as_it_was(
    own: dict[str, Any], error: type[Exception]
) -> None:
    async with serving(echo_app()) as server:
        url = f"http://127.0.0.1:{server.port}/"
        async with ClientSession() as session:
            await (await session.get(url)).read()
            with pytest.raises(error):
                await session.post(url, **own)
            assert session.connector is not None
            assert session.connector.stats().idle == session.connector.stats().open == 1


async def test_a_payload_class_of_ones_own_is_heeded(
    begun: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tercel.content import payload

    class Loud(payload.StringPayload):
        def __init__(self, value: str, *args: Any, **kwargs: Any) -> None:
            super().__init__(value.upper(), *args, **kwargs)

    monkeypatch.setitem(payload.PAYLOAD_REGISTRY._found, str, Loud)
    async with serving(echo_app()) as server:
        url = f"http://127.0.0.1:{server.port}/"
        async with ClientSession() as session:
            await (await session.get(url)).read()
            async with session.post(url, data="abc") as response:
                assert (await response.json())["body"] == "ABC"
    assert begun == [False, False]
