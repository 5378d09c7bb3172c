"""Contexts are made once and verify; the handshake on an open transport cleans up after itself."""

import asyncio
import ssl

import pytest

from tercel.net.tls import default_context, start_tls, unverified_context
from tests.certificates import client_context, server_context
from tests.client.asking import open_files, serve, settle


def test_the_default_verifies_and_is_made_once():
    context = default_context()
    assert context is default_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_the_other_does_not_verify():
    context = unverified_context()
    assert context is unverified_context()
    assert context.verify_mode is ssl.CERT_NONE
    assert not context.check_hostname
    assert context is not default_context()


class Hearing(asyncio.Protocol):
    def __init__(self):
        self.heard = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.heard.set_result(data)


async def echo(reader, writer):
    writer.write(await reader.readline())
    await writer.drain()
    await reader.read()


async def test_a_handshake_on_an_open_transport():
    loop = asyncio.get_running_loop()
    async with serve(echo, ssl=server_context()) as place:
        raw, _ = await loop.create_connection(asyncio.Protocol, "127.0.0.1", place.port)
        hearing = Hearing()
        upgraded = await start_tls(loop, raw, hearing, client_context(), "localhost")
        assert hearing.transport is upgraded
        upgraded.write(b"over TLS\n")
        assert await hearing.heard == b"over TLS\n"
        upgraded.abort()
        await settle()


@pytest.mark.loop_errors
@pytest.mark.parametrize("name", ["other.example", None])
async def test_a_handshake_that_fails_closes_the_transport(name):
    loop = asyncio.get_running_loop()
    async with serve(echo, ssl=server_context()) as place:
        before = open_files()
        raw, _ = await loop.create_connection(asyncio.Protocol, "127.0.0.1", place.port)
        with pytest.raises((ssl.SSLError, ValueError)):
            await start_tls(loop, raw, Hearing(), client_context(), name)
        assert raw.is_closing()
        await settle(50)
        assert open_files().keys() <= before.keys() | set(_served(place))


def _served(place):
    return [
        writer.get_extra_info("socket").fileno()
        for writer in place.accepted
        if not writer.is_closing()
    ]
