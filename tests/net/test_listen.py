"""Listening sockets: each kind of place, and errors in one sentence that keep their kind."""

import asyncio
import contextlib
import errno
import pathlib
import socket
from typing import Any

import pytest

from tercel.net.listen import (
    format_address,
    listen_socket,
    listen_tcp,
    listen_unix,
    stop_listening,
)


class Greeter(asyncio.Protocol):
    def connection_made(self, transport: Any) -> None:
        transport.write(b"hello")
        transport.close()


def test_format_address() -> None:
    assert format_address("http", "localhost", 80) == "http://localhost"
    assert format_address("https", "::1", 443) == "https://[::1]"
    assert format_address("https", "::1", 80) == "https://[::1]:80"


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    data = await reader.read()
    writer.close()
    await writer.wait_closed()
    return data


async def test_tcp() -> None:
    loop = asyncio.get_running_loop()
    server = await listen_tcp(loop, Greeter, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    assert await greet(*await asyncio.open_connection("127.0.0.1", port)) == b"hello"
    with pytest.raises(OSError) as caught:
        await listen_tcp(loop, Greeter, "127.0.0.1", port)
    assert caught.value.errno == errno.EADDRINUSE
    assert str(caught.value) == (
        f"[Errno {errno.EADDRINUSE}] cannot listen on http://127.0.0.1:{port}: "
        "address already in use"
    )
    server.close()
    await server.wait_closed()


async def test_reuse_port() -> None:
    loop = asyncio.get_running_loop()
    first = await listen_tcp(loop, Greeter, "127.0.0.1", 0, reuse_port=True)
    port = first.sockets[0].getsockname()[1]
    second = await listen_tcp(loop, Greeter, "127.0.0.1", port, reuse_port=True)
    first.close()
    assert await greet(*await asyncio.open_connection("127.0.0.1", port)) == b"hello"
    second.close()


async def test_a_name_that_does_not_resolve() -> None:
    with pytest.raises(socket.gaierror, match=r"cannot listen on http://a\.invalid:0"):
        await listen_tcp(asyncio.get_running_loop(), Greeter, "a.invalid", 0)


async def test_an_address_of_somebody_else() -> None:
    with pytest.raises(OSError, match="no interface") as caught:
        await listen_tcp(asyncio.get_running_loop(), Greeter, "192.0.2.1", 0)
    assert caught.value.errno == errno.EADDRNOTAVAIL


async def test_unix(tmp_path: pathlib.Path) -> None:
    loop = asyncio.get_running_loop()
    path = tmp_path / "s"
    left_over = socket.socket(socket.AF_UNIX)
    left_over.bind(str(path))
    left_over.close()
    server = await listen_unix(loop, Greeter, path)
    assert await greet(*await asyncio.open_unix_connection(path)) == b"hello"
    server.close()
    with pytest.raises(FileNotFoundError, match=r"cannot listen on .*missing/s: no such directory"):
        await listen_unix(loop, Greeter, tmp_path / "missing" / "s")


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX])
async def test_socket(tmp_path: pathlib.Path, family: int) -> None:
    sock = socket.socket(family)
    sock.bind(("127.0.0.1", 0) if family == socket.AF_INET else str(tmp_path / "s"))
    address = sock.getsockname()
    server = await listen_socket(asyncio.get_running_loop(), Greeter, sock)
    if family == socket.AF_INET:
        found = await greet(*await asyncio.open_connection(*address))
    else:
        found = await greet(*await asyncio.open_unix_connection(address))
    assert found == b"hello"
    server.close()
    sock.close()


def make_loops() -> list[Any]:
    found: list[Any] = [asyncio.new_event_loop]
    with contextlib.suppress(ImportError):
        import uvloop

        found.append(uvloop.new_event_loop)
    return found


@pytest.mark.parametrize("turns", range(6))
@pytest.mark.parametrize("make_loop", make_loops())
def test_who_has_connected_is_served_although_listening_ends(make_loop: Any, turns: int) -> None:
    """Whatever stage accepting has come to by then."""

    async def connect_and_stop() -> bytes:
        loop = asyncio.get_running_loop()
        server = await listen_tcp(loop, Greeter, "127.0.0.1", 0)
        address = server.sockets[0].getsockname()
        with socket.create_connection(address) as client:
            client.setblocking(False)
            for _ in range(turns):
                await asyncio.sleep(0)
            await stop_listening(server)
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(*address)
            async with asyncio.timeout(5):
                return await loop.sock_recv(client, 100)

    with asyncio.Runner(loop_factory=make_loop) as runner:
        assert runner.run(connect_and_stop()) == b"hello"


async def test_listening_ends_even_where_the_end_is_cancelled() -> None:
    loop = asyncio.get_running_loop()
    server = await listen_tcp(loop, Greeter, "127.0.0.1", 0)
    stopping = asyncio.ensure_future(stop_listening(server))
    await asyncio.sleep(0)
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert not server.is_serving()
