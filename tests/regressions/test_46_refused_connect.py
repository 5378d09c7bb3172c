"""Family 46: a proxy that refuses CONNECT hears nothing more, and the connection is closed."""

import asyncio

import pytest

from tercel.client.connector import TCPConnector
from tercel.client.errors import ClientHttpProxyError, ClientProxyConnectionError
from tests.certificates import client_context
from tests.client.asking import Ask, serve

KEEP = b"Connection: keep-alive\r\nContent-Length: 0\r\n\r\n"
REFUSALS = [
    (b"HTTP/1.1 300 Multiple\r\n" + KEEP, 300),
    (b"HTTP/1.1 302 Found\r\nLocation: https://evil.example/\r\n" + KEEP, 302),
    (b"HTTP/1.1 400 Bad\r\n" + KEEP, 400),
    (b"HTTP/1.1 407 Login\r\nProxy-Authenticate: Basic\r\n" + KEEP, 407),
    (b"HTTP/1.1 503 Later\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 503),
    (b"HTTP/1.0 403 No\r\n\r\nsome text", 403),
]


@pytest.mark.parametrize(("answer", "status"), REFUSALS)
async def test_nothing_is_sent_after_a_refusal(answer, status):
    heard = asyncio.get_running_loop().create_future()

    async def handle(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        heard.set_result((head, await reader.read()))

    async with serve(handle) as way, TCPConnector(ssl=client_context()) as connector:
        request = Ask("https://a.example/private?token=1", proxy=way.url)
        with pytest.raises(ClientHttpProxyError) as caught:
            await connector.connect(request)
        assert caught.value.status == status
        head, rest = await heard
        assert rest == b"", "the connection was closed, and nothing came before"
        assert b"private" not in head
        assert connector.stats().open == 0


@pytest.mark.parametrize("extra", [b"\x15", b"HTTP/1.1 200 OK\r\n\r\n", b"\x16\x03\x01"])
async def test_octets_before_the_handshake_are_not_the_servers(extra):
    async def handle(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + extra)
        await writer.drain()
        assert await reader.read() == b""

    async with serve(handle) as way, TCPConnector(ssl=client_context()) as connector:
        with pytest.raises(ClientProxyConnectionError):
            await connector.connect(Ask("https://a.example/", proxy=way.url))
        assert connector.stats().open == 0
