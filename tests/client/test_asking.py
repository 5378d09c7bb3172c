"""Requests as callers hold them: every way to await one, and to want it no more."""

import asyncio
import contextvars
import gc
import socket
import warnings
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tercel import ClientResponse, ClientSession, ServerDisconnectedError, TCPConnector, web
from tercel.abc import AbstractResolver, ResolveResult
from tests.live import serving

WHO: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")


def make_app(reached: asyncio.Event) -> web.Application:
    async def hello(request: web.Request) -> web.Response:
        return web.Response(text="hello")

    async def slow(request: web.Request) -> web.Response:
        reached.set()
        await asyncio.sleep(30)
        return web.Response()

    async def moved(request: web.Request) -> web.Response:
        if request.query_string == "away":
            raise web.HTTPFound(f"http://elsewhere.test:{request.url.port}/")
        raise web.HTTPFound("/" if request.query_string else "/slow")

    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x")
        reached.set()
        await asyncio.sleep(30)
        return response

    async def gone(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    app = web.Application()
    app.router.add_post("/gone", gone)
    for path, handler in (("/", hello), ("/slow", slow), ("/moved", moved), ("/half", half)):
        app.router.add_get(path, handler)
    return app


class Place:
    """A session with one idle connection to a server."""

    def __init__(self, session: ClientSession, base: str, reached: asyncio.Event) -> None:
        self.session = session
        self.base = base
        self.reached = reached

    def get(self, path: str = "/") -> Any:
        return self.session.get(self.base + path)

    @property
    def open(self) -> int:
        assert self.session.connector is not None
        return self.session.connector.stats().open


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    reached = asyncio.Event()
    async with serving(make_app(reached)) as server, ClientSession() as session:
        found = Place(session, f"http://127.0.0.1:{server.port}", reached)
        await (await found.get()).read()
        assert found.open == 1
        yield found


async def by_await(pending: Any) -> str:
    response = await pending
    async with response:
        return str(await response.text())


async def by_context(pending: Any) -> str:
    async with pending as response:
        return str(await response.text())


async def by_task(pending: Any) -> str:
    return await by_await(asyncio.create_task(pending))


async def by_gather(pending: Any) -> str:
    (response,) = await asyncio.gather(pending)
    return str(await response.text())


async def by_wait_for(pending: Any) -> str:
    return str(await (await asyncio.wait_for(pending, 5)).text())


async def by_timeout(pending: Any) -> str:
    async with asyncio.timeout(5), pending as response:
        return str(await response.text())


async def by_shield(pending: Any) -> str:
    return str(await (await asyncio.shield(pending)).text())


async def by_thread(pending: Any) -> str:
    loop = asyncio.get_running_loop()

    def ask() -> str:
        return str(asyncio.run_coroutine_threadsafe(by_await(pending), loop).result(5))

    return await loop.run_in_executor(None, ask)


WAYS = (by_await, by_context, by_task, by_gather, by_wait_for, by_timeout, by_shield, by_thread)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("path", ["/", "/moved?back"])
async def test_every_way_to_await_gives_the_answer(place: Place, way: Any, path: str) -> None:
    for _ in range(3):
        assert await way(place.get(path)) == "hello"
        assert place.open == 1


@pytest.mark.parametrize("way", [by_await, by_context, by_task, by_gather])
@pytest.mark.parametrize("path", ["/slow", "/moved", "/half"])
async def test_a_cancelled_request_leaves_nothing(place: Place, way: Any, path: str) -> None:
    pending = place.get(path)  # somebody holds on to it
    task = asyncio.create_task(way(pending))
    await place.reached.wait()
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for _ in range(5):
        await asyncio.sleep(0)
    assert place.open == 0
    assert not [task for task in asyncio.all_tasks() if "_finish" in repr(task)]
    assert await by_context(place.get()) == "hello"


async def test_cancelled_as_the_answer_comes(place: Place) -> None:
    """Whether the task had its answer or not: the connection is idle or closed, never lost."""
    for turns in range(1, 12):
        task = asyncio.create_task(by_context(place.get()))
        for _ in range(turns):
            await asyncio.sleep(0.0005)
        task.cancel()
        await asyncio.wait((task,))
        await asyncio.sleep(0)
        stats = place.session.connector.stats()  # type: ignore[union-attr]
        assert stats.open == stats.idle


async def test_the_caller_goes_on_as_itself(place: Place) -> None:
    WHO.set("caller")
    task = asyncio.current_task()
    for path in ("/", "/moved?back"):
        async with place.get(path):
            assert WHO.get() == "caller"
            assert asyncio.current_task() is task


async def test_what_follows_a_redirect_is_the_callers_doing() -> None:
    seen: list[str] = []

    class Noting(AbstractResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[ResolveResult]:
            seen.append(WHO.get())
            return [
                ResolveResult(
                    hostname=host,
                    host="127.0.0.1",
                    port=port,
                    family=socket.AF_INET,
                    proto=0,
                    flags=0,
                )
            ]

        async def close(self) -> None: ...

    async def ask(session: ClientSession, who: str, url: str) -> str:
        WHO.set(who)
        async with session.get(url) as response:
            return await response.text()

    connector = TCPConnector(resolver=Noting(), use_dns_cache=False, force_close=False)
    async with (
        serving(make_app(asyncio.Event())) as server,
        ClientSession(connector=connector) as session,
    ):
        base = f"http://127.0.0.1:{server.port}"
        await (await session.get(base)).read()
        text = await asyncio.create_task(ask(session, "the caller", f"{base}/moved?away"))
    assert text == "hello"
    assert seen == ["the caller"]


async def test_what_the_caller_raises_is_its_own(place: Place) -> None:
    async def fail() -> None:
        async with place.get():
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await fail()
    assert await by_context(place.get()) == "hello"
    assert place.open == 1


async def test_many_at_once_share_few_connections(place: Place) -> None:
    async with ClientSession(connector=TCPConnector(limit=3)) as session:
        for _ in range(3):
            asked = [by_context(session.get(place.base + "/")) for _ in range(40)]
            assert await asyncio.gather(*asked) == ["hello"] * 40
            assert session.connector is not None
            assert session.connector.stats().open <= 3


async def test_one_that_is_never_awaited_says_so(place: Place) -> None:
    with pytest.warns(RuntimeWarning, match="never awaited"):
        place.get()
        gc.collect()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        place.get().close()
        gc.collect()
    assert place.open == 1


async def test_one_serves_once(place: Place) -> None:
    pending = place.get()
    await pending
    with pytest.raises(RuntimeError, match="already awaited"):
        await pending


async def test_a_request_of_ones_own_is_heeded(place: Place) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []

    class Session(ClientSession):
        async def _request(self, method: str, url: Any, **kwargs: Any) -> Any:
            asked.append((method, kwargs))
            return await super()._request(method, place.base + url, **kwargs)

    async with Session() as session:
        for _ in range(2):
            assert await by_context(session.get("/")) == "hello"
    assert asked == [("GET", {"allow_redirects": True})] * 2


async def test_a_request_put_in_the_place_of_ours_is_heeded(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(method: str, url: Any, **kwargs: Any) -> Any:
        return f"{method} {url}"

    monkeypatch.setattr(place.session, "_request", answer)
    assert await place.session.get("x:/y") == "GET x:/y"


async def test_a_closed_session_refuses(place: Place) -> None:
    await place.session.close()
    pending = place.get()
    with pytest.raises(RuntimeError, match="Session is closed"):
        await pending


async def test_a_response_class_of_ones_own_is_entered_and_left(place: Place) -> None:
    told: list[str] = []

    class Response(ClientResponse):
        async def __aenter__(self) -> "Response":
            told.append("entered")
            await super().__aenter__()
            return self

        async def __aexit__(self, *error: Any) -> None:
            told.append("left")
            await super().__aexit__(*error)

    async with ClientSession(response_class=Response) as session:
        for path in ("/", "/", "/moved?back"):
            async with session.get(place.base + path) as response:
                assert type(response) is Response
                assert await response.text() == "hello"
        assert session.connector is not None
        assert session.connector.stats().idle == 1
    assert told == ["entered", "left"] * 3


async def test_a_task_cancelled_before_its_first_step_asks_nothing(place: Place) -> None:
    task = asyncio.create_task(place.get("/slow"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.05)
    assert not place.reached.is_set()
    assert place.open == 1


async def fail_by_timeout(place: Place) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05), place.get("/slow"):
            pass


async def fail_by_the_server(place: Place) -> None:
    with pytest.raises(ServerDisconnectedError):
        async with place.session.post(place.base + "/gone", data=b"x"):
            pass


@pytest.mark.parametrize("fail", [fail_by_timeout, fail_by_the_server])
async def test_what_failed_is_let_go_without_the_collector(place: Place, fail: Any) -> None:
    gc.collect()
    gc.disable()
    try:
        await fail(place)
        await asyncio.sleep(0)
        left = [each for each in gc.get_objects() if type(each).__name__ == "PendingRequest"]
        assert left == []
    finally:
        gc.enable()
