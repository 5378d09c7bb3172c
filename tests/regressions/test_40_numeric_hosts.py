"""Family 40: a host is an IPv4 address in one spelling only, whoever is asked to connect to it."""

import socket

import pytest
from yarl import URL

from tercel.abc import AbstractResolver
from tercel.client.connector import TCPConnector
from tercel.client.errors import ClientConnectorDNSError, InvalidUrlClientError
from tests.client.asking import Ask

ODD = [
    "127.1",
    "127.0.1",
    "2130706433",
    "017700000001",
    "0x7f000001",
    "0X7F000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "127.0.0.01",
    "127.0.0.1.",
    "127.0.0.256",
    "1.2.3.4.5",
    "0",
    "0x",
    "a.0x7f",
]
NAMES = [
    "localhost",
    "1.example",
    "0x7f.example",
    "a1",
    "127-0-0-1.example",
    "xn--nxasmq6b.example",
]


class Never(AbstractResolver):
    """Notes what it is asked, and knows nothing."""

    def __init__(self):
        self.asked = []

    async def resolve(self, host, port=0, family=socket.AF_INET):
        self.asked.append(host)
        raise OSError(None, "no such name")

    async def close(self):
        pass


def ask(host, **options):
    request = Ask("http://placeholder.example/", **options)
    request.connection_key = request.connection_key._replace(host=host)
    return request


@pytest.mark.parametrize("proxy", [None, "socks5://127.0.0.1:1", "socks5h://127.0.0.1:1"])
@pytest.mark.parametrize("host", ODD)
async def test_an_odd_spelling_is_refused_before_anything_is_asked(host, proxy):
    resolver = Never()
    async with TCPConnector(resolver=resolver) as connector:
        with pytest.raises(InvalidUrlClientError):
            await connector.connect(ask(host, proxy=URL(proxy) if proxy else None))
    assert resolver.asked == []


@pytest.mark.parametrize("host", NAMES)
async def test_a_name_is_a_name(host):
    resolver = Never()
    async with TCPConnector(resolver=resolver) as connector:
        with pytest.raises(ClientConnectorDNSError):
            await connector.connect(ask(host))
    assert resolver.asked == [host]


async def test_a_proxy_is_held_to_the_same():
    request = Ask("http://a.example/", proxy=URL("http://placeholder.example:1"))
    key = request.connection_key
    async with TCPConnector(resolver=Never()) as connector:
        for host in ("127.1", "2130706433"):
            odd = URL.build(scheme="http", authority=f"{host}:1", encoded=True)
            request.connection_key = key._replace(proxy=odd)
            with pytest.raises(InvalidUrlClientError):
                await connector.connect(request)
