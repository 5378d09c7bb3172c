"""What waits for the turn of the event loop, and how it leaves."""

import asyncio
from typing import Any

import pytest

from tercel.net.protocol import WireProtocol, gathers
from tercel.wire.h1.connection import Connection
from tercel.wire.limits import DEFAULT_LIMITS


class Noted(asyncio.Transport):
    """Takes notes of what is written."""

    def __init__(self, is_tls: bool = False) -> None:
        super().__init__({"sslcontext": object()} if is_tls else {})
        self.writes: list[Any] = []

    def write(self, data: Any) -> None:
        self.writes.append(bytes(data))

    def writelines(self, parts: Any) -> None:
        self.writes.append([bytes(part) for part in parts])

    def get_write_buffer_size(self) -> int:
        return 7


class Gathering(Noted):
    __module__ = "uvloop.loop"


def protocol_on(transport: Noted) -> Any:
    protocol: Any = WireProtocol(asyncio.get_running_loop(), Connection(True, DEFAULT_LIMITS))
    protocol.connection_made(transport)
    return protocol


KINDS = [(Noted, False, False), (Gathering, False, True), (Gathering, True, False)]


@pytest.mark.parametrize(("kind", "is_tls", "expected"), KINDS)
def test_who_gathers(kind: type[Noted], is_tls: bool, expected: bool) -> None:
    assert gathers(kind(is_tls)) is expected


LARGE = b"x" * 100_000
LEFT: list[tuple[type[Noted], list[bytes], list[Any]]] = [
    (Noted, [b"a"], [b"a"]),
    (Noted, [b"a", b"b"], [b"ab"]),
    (Noted, [b"a", LARGE, b"b"], [b"a" + LARGE + b"b"]),
    (Gathering, [LARGE], [LARGE]),  # nothing to gather
    (Gathering, [b"a", b"b"], [b"ab"]),
    (Gathering, [b"a", LARGE, b"b"], [[b"a", LARGE, b"b"]]),
    (Gathering, [b"abc"] * 8192 + [b"d" * 9000], [b"abc" * 8192 + b"d" * 9000]),
]


@pytest.mark.parametrize(("kind", "parts", "writes"), LEFT, ids=range(len(LEFT)))
async def test_one_write_when_the_loop_turns(
    kind: type[Noted], parts: list[bytes], writes: list[Any]
) -> None:
    transport = kind()
    protocol = protocol_on(transport)
    for part in parts:
        protocol.write_gathered((part,), True)
    assert transport.writes == []
    assert protocol.count_unsent() == 7 + sum(map(len, parts))
    await asyncio.sleep(0)
    assert transport.writes == writes
    assert protocol.count_unsent() == 7


async def test_many_octets_do_not_wait_for_the_turn() -> None:
    transport = Noted()
    protocol = protocol_on(transport)
    for _ in range(2):
        protocol.write_gathered((bytes(131_071),), True)
    assert transport.writes == []
    protocol.write_gathered((b"x",), True)
    assert transport.writes == []
    protocol.write_gathered((b"y",), True)
    assert transport.writes == [bytes(262_142) + b"xy"]


async def test_a_large_piece_does_not_wait_for_the_turn() -> None:
    transport = Noted()
    protocol = protocol_on(transport)
    protocol.write_gathered((b"x", bytes(131_071)), True)
    assert transport.writes == [b"x" + bytes(131_071)]


async def test_what_is_larger_than_all_that_may_wait_is_not_copied() -> None:
    transport = Noted()
    protocol = protocol_on(transport)
    protocol.write_gathered((b"head", bytes(600_000), b"end"), True)
    assert transport.writes == [b"head", bytes(600_000), b"end"]


async def test_views_of_bytes_and_small_pieces_keep_their_order() -> None:
    transport = Noted()
    protocol = protocol_on(transport)
    protocol.write_late(b"a")
    protocol.write_gathered((memoryview(b"bcd")[:2], b""), True)
    protocol.write_late(b"d")
    protocol.let_go()
    assert transport.writes == [b"abcd"]
    await asyncio.sleep(0)
    assert transport.writes == [b"abcd"]


async def test_nothing_is_written_to_a_connection_that_is_gone() -> None:
    transport = Noted()
    protocol = protocol_on(transport)
    protocol.write_gathered((b"a", b"b"), True)
    protocol.connection_lost(None)
    await asyncio.sleep(0)
    assert transport.writes == []
    assert protocol.count_unsent() == 0
