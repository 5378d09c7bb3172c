"""A request may be cancelled wherever it waits, and leaves nothing: no connection, task or file."""

import asyncio
import gc
import io
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

import tercel
from tests.certificates import client_context, server_context
from tests.client.asking import serve
from tests.client.peer import Asked, Peer, answer, read_body, read_head, scripted, serving_peer
from tests.client.stepwise import cancel_everywhere
from tests.client.test_connector_proxy import Proxy

BODY = b"x" * 100_000


def reply(asked: Asked) -> bytes:
    target = asked.target.partition("?")[0]
    if target.endswith("/go"):
        return answer(302, b"", ("Location", "/there"), ("Set-Cookie", "a=b"))
    if target.endswith("/away"):
        return answer(307, b"gone" * 10_000, ("Location", "/there"), ("Connection", "close"))
    if target.endswith("/busy"):
        return answer(503, b"busy")
    if target.endswith("/bad"):
        return answer(500, BODY)
    return answer(200, BODY)


class Site:
    """What a scenario may use: servers, a session that has one connection, files."""

    def __init__(self, stack: AsyncExitStack, folder: Path) -> None:
        self.stack = stack
        self.folder = folder
        self.session: tercel.ClientSession
        self.options: dict[str, Any] = {}
        self.files: list[io.IOBase] = []

    async def serve(self, tls: bool = False) -> str:
        peer = await self.stack.enter_async_context(
            serving_peer(scripted(reply), ssl=server_context() if tls else None)
        )
        return peer.url.replace("http:", "https:") if tls else peer.url

    async def open(self, **options: Any) -> None:
        """Have a new session; later ones are made with the same options."""
        self.options = self.options or options
        connector = tercel.TCPConnector(limit=1, ssl=client_context())
        self.session = tercel.ClientSession(connector=connector, **self.options)

    async def proxy(self, proxy: Proxy, way: Any, ssl: Any = None) -> str:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(asyncio.IncompleteReadError):
                await way(proxy, reader, writer)

        return str(await self.stack.enter_async_context(serve(handle, ssl=ssl)))

    def file(self) -> io.IOBase:
        path = self.folder / "upload"
        path.write_bytes(BODY * 10)
        opened = path.open("rb")
        self.files.append(opened)
        return opened


Scenario = Callable[[Site], Awaitable[Callable[[], Awaitable[Any]]]]
SCENARIOS: dict[str, Scenario] = {}


def scenario(make: Scenario) -> Scenario:
    SCENARIOS[make.__name__] = make
    return make


def asking(site: Site, method: str, url: str, **options: Any) -> Callable[[], Awaitable[Any]]:
    async def work() -> None:
        made = {key: value() if callable(value) else value for key, value in options.items()}
        async with site.session.request(method, url, **made) as response:
            await response.read()

    return work


@scenario
async def plain(site: Site) -> Any:
    await site.open()
    return asking(site, "GET", await site.serve())


@scenario
async def a_kept_connection(site: Site) -> Any:
    await site.open()
    url = await site.serve()

    async def work() -> None:
        for _ in range(3):
            async with site.session.get(url) as response:
                await response.read()

    return work


@scenario
async def a_name_to_look_up(site: Site) -> Any:
    await site.open()
    url = await site.serve()
    return asking(site, "GET", url.replace("127.0.0.1", "localhost"))


@scenario
async def tls(site: Site) -> Any:
    await site.open()
    return asking(site, "GET", await site.serve(tls=True))


@scenario
async def a_stream_read_in_pieces(site: Site) -> Any:
    await site.open()
    url = await site.serve(tls=True)

    async def work() -> None:
        async with site.session.get(url, read_bufsize=1024) as response:
            async for _ in response.content.iter_chunked(10_000):
                await asyncio.sleep(0)

    return work


@scenario
async def a_tunnel(site: Site) -> Any:
    await site.open()
    url = await site.serve(tls=True)
    proxy = Proxy(target=int(url.rpartition(":")[2]))
    return asking(site, "GET", url, proxy=await site.proxy(proxy, Proxy.handle))


@scenario
async def a_tunnel_in_tls(site: Site) -> Any:
    await site.open()
    url = await site.serve(tls=True)
    proxy = Proxy(target=int(url.rpartition(":")[2]))
    place = await site.proxy(proxy, Proxy.handle, server_context())
    return asking(site, "GET", url, proxy=place)


@scenario
async def socks(site: Site) -> Any:
    await site.open()
    url = await site.serve()
    proxy = Proxy(b"\5\0\0\1\0\0\0\0\0\0", int(url.rpartition(":")[2]))
    place = await site.proxy(proxy, Proxy.handle_socks)
    return asking(site, "GET", url, proxy=place.replace("http:", "socks5:"))


@scenario
async def an_upload_of_a_file(site: Site) -> Any:
    await site.open()
    return asking(site, "POST", await site.serve(), data=site.file)


@scenario
async def an_upload_that_is_made(site: Site) -> Any:
    await site.open()
    url = await site.serve(tls=True)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(5):
            await asyncio.sleep(0)
            yield BODY

    return asking(site, "POST", url, data=pieces, compress="gzip")


@scenario
async def a_form_with_a_file(site: Site) -> Any:
    await site.open()
    return asking(site, "POST", await site.serve(), data=lambda: {"a": "b", "file": site.file()})


@scenario
async def a_body_that_is_asked_for(site: Site) -> Any:
    await site.open()

    async def play(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (asked := await read_head(reader)) is not None:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            await read_body(reader, asked)
            writer.write(answer(200, BODY))

    peer = await site.stack.enter_async_context(serving_peer(play))
    return asking(site, "PUT", peer.url, data=site.file, expect100=True)


@scenario
async def a_redirect(site: Site) -> Any:
    await site.open()
    return asking(site, "GET", await site.serve() + "/go")


@scenario
async def a_redirect_with_a_body(site: Site) -> Any:
    await site.open()
    return asking(site, "POST", await site.serve() + "/away", data=site.file)


@scenario
async def retries(site: Site) -> Any:
    await site.open(
        middlewares=[
            tercel.RetryMiddleware(
                3, delay=0, budget=tercel.RetryBudget(reserve=10**6), methods=["PUT"]
            )
        ]
    )
    return asking(site, "PUT", await site.serve() + "/busy", data=site.file)


@scenario
async def a_middleware(site: Site) -> Any:
    async def twice(request: tercel.ClientRequest, handler: Any) -> tercel.ClientResponse:
        await asyncio.sleep(0)
        first = await handler(request)
        first.release()
        await asyncio.sleep(0)
        second = await handler(request)
        try:
            await asyncio.sleep(0)
        except BaseException:
            second.close()
            raise
        answered: tercel.ClientResponse = second
        return answered

    await site.open(middlewares=[twice])
    return asking(site, "GET", await site.serve())


@scenario
async def tracing(site: Site) -> Any:
    async def wait(*args: Any) -> None:
        await asyncio.sleep(0)

    config = tercel.TraceConfig()
    for name in dir(config):
        if name.startswith("on_"):
            getattr(config, name).append(wait)
    await site.open(trace_configs=[config])
    url = (await site.serve()).replace("127.0.0.1", "localhost")
    return asking(site, "POST", url + "/away", data=site.file)


@scenario
async def an_error_with_a_body(site: Site) -> Any:
    await site.open(raise_for_status=True)
    url = await site.serve()

    async def work() -> None:
        with pytest.raises(tercel.ClientResponseError):
            await site.session.get(url + "/bad")

    return work


@scenario
async def a_check_of_ones_own(site: Site) -> Any:
    async def check(response: tercel.ClientResponse) -> None:
        await asyncio.sleep(0)
        await response.content.read(10)
        await asyncio.sleep(0)

    await site.open(raise_for_status=check)
    return asking(site, "GET", await site.serve())


@scenario
async def a_queue(site: Site) -> Any:
    """Another request has the only connection; its end lets this one go on."""
    await site.open()
    url = await site.serve()

    async def work() -> None:
        first = await site.session.get(url)
        again = asyncio.ensure_future(site.session.get(url + "/second"))
        try:
            await asyncio.sleep(0)
            await first.read()
            second = await again
            await second.read()
        finally:
            first.close()
            again.cancel()
            await asyncio.gather(again, return_exceptions=True)
            if not again.cancelled() and not again.exception():
                again.result().close()

    return work


@scenario
async def a_session_of_its_own(site: Site) -> Any:
    await site.open()
    url = await site.serve(tls=True)

    async def work() -> None:
        async with tercel.ClientSession() as session:
            async with session.get(url, ssl=client_context()) as response:
                await response.read()

    return work


@scenario
async def one_shot(site: Site) -> Any:
    await site.open()
    url = await site.serve(tls=True)

    async def work() -> None:
        async with tercel.request("GET", url, ssl=client_context()) as response:
            await response.read()

    return work


def open_files() -> list[str]:
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{name}"))
        except OSError:
            continue
    return [name for name in found if "socket" in name or "upload" in name]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors in /proc")
@pytest.mark.parametrize("name", SCENARIOS)
async def test_cancelled_anywhere_a_request_leaves_nothing(name: str, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        site = Site(stack, tmp_path)
        work = await SCENARIOS[name](site)
        files, tasks = open_files(), asyncio.all_tasks()

        async def tidy() -> None:
            connector = site.session.connector
            assert connector is not None
            for _ in range(3):
                await asyncio.sleep(0)
            stats = connector.stats()
            assert stats.open == stats.idle, "a connection is in use that nobody uses"
            assert stats.waiting == 0
            async with asyncio.timeout(5):
                while not all(file.closed for file in site.files):
                    await asyncio.sleep(0.001)
            site.files.clear()
            await site.session.close()
            await site.open()

        steps = await cancel_everywhere(work, tidy)
        assert steps > 2
        await site.session.close()
        gc.collect()
        async with asyncio.timeout(5):
            while asyncio.all_tasks() - tasks or len(open_files()) > len(files):
                await asyncio.sleep(0.001)
