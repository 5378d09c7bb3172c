"""WebSockets over TLS, both ends ours, and through a proxy's tunnel."""

import asyncio
from typing import Any

import pytest

import tercel
from tercel import WSMsgType, web
from tests.certificates import client_context, server_context


async def echo(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse(max_msg_size=0)
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
        else:
            await socket.send_bytes(message.data)
    return socket


async def serve_tls() -> tuple[web.AppRunner, int]:
    app = web.Application()
    app.router.add_get("/", echo)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server_context()).start()
    return runner, runner.addresses[0][1]


@pytest.mark.parametrize("compress", [0, 15])
async def test_over_tls(compress: int) -> None:
    runner, port = await serve_tls()
    async with tercel.ClientSession() as session:
        async with session.ws_connect(
            f"wss://127.0.0.1:{port}/", ssl=client_context(), compress=compress, max_msg_size=0
        ) as socket:
            assert socket.get_extra_info("ssl_object") is not None
            for size in (0, 1, 126, 70_000, 3_000_000):
                data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
                await socket.send_bytes(data)
                assert await socket.receive_bytes() == data
            await socket.send_str("ü" * 40_000)
            assert await socket.receive_str() == "ü" * 40_000
        assert socket.close_code == 1000
    await runner.cleanup()


async def test_through_a_tunnel() -> None:
    tunnels: list[bytes] = []

    async def relay(reader: Any, writer: Any) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def proxy(reader: Any, writer: Any) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        tunnels.append(head.split(b"\r\n")[0])
        there, back = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        try:
            await asyncio.gather(relay(reader, back), relay(there, writer))
        except (ConnectionError, OSError):
            pass
        finally:
            writer.close()
            back.close()

    runner, port = await serve_tls()
    server = await asyncio.start_server(proxy, "127.0.0.1", 0)
    try:
        async with tercel.ClientSession() as session:
            async with session.ws_connect(
                f"wss://127.0.0.1:{port}/",
                ssl=client_context(),
                proxy=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}",
            ) as socket:
                await socket.send_str("through")
                assert await socket.receive_str() == "through"
        await asyncio.sleep(0.01)
    finally:
        server.close()
        await runner.cleanup()
    assert tunnels == [b"CONNECT 127.0.0.1:%d HTTP/1.1" % port]
