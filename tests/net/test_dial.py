"""Opening sockets: which address wins, what is set on it, and that nothing stays open."""

import asyncio
import socket

import pytest

from tercel.net.dial import address_info, open_socket, open_transport
from tests.client.asking import open_files, serve, settle


@pytest.fixture
def dead_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


def test_an_ipv6_zone_becomes_part_of_the_address():
    info = address_info("::1", 80, socket.AF_INET6)
    assert info[0] == socket.AF_INET6
    assert info[4][:2] == ("::1", 80)


@pytest.mark.parametrize("delay", [0.25, None])
async def test_the_next_address_is_tried(dead_port, delay):
    async with serve() as place:
        addresses = [
            address_info("127.0.0.1", dead_port, socket.AF_INET),
            address_info("127.0.0.1", place.port, socket.AF_INET),
        ]
        sock = await open_socket(addresses, happy_eyeballs_delay=delay)
        assert sock.getpeername() == ("127.0.0.1", place.port)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        sock.close()


async def test_when_none_answers_nothing_stays_open(dead_port):
    before = open_files()
    with pytest.raises(OSError):
        await open_socket([address_info("127.0.0.1", dead_port, socket.AF_INET)] * 3)
    await settle()
    assert open_files().keys() <= before.keys()


async def test_local_address_and_socket_factory(dead_port):
    made = []

    def factory(info):
        made.append(info)
        return socket.socket(info[0], info[1], info[2])

    async with serve() as place:
        sock = await open_socket(
            [address_info("127.0.0.1", place.port, socket.AF_INET)],
            local_addr=("127.0.0.2", 0),
            socket_factory=factory,
        )
        assert sock.getsockname()[0] == "127.0.0.2"
        assert len(made) == 1
        assert not sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE), "it is the factory's"
        sock.close()


async def test_a_transport_owns_its_socket():
    async with serve() as place:
        before = open_files()
        sock = await open_socket([address_info("127.0.0.1", place.port, socket.AF_INET)])
        transport, _ = await open_transport(asyncio.Protocol, sock)
        raw = transport.get_extra_info("socket")
        assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        del raw, sock
        transport.abort()
        await settle(50)
        for writer in place.accepted:
            writer.close()
        await settle(50)
        assert open_files().keys() <= before.keys()
