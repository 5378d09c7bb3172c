"""Name lookups: literals, the bounded cache, coalescing, cancellation, and a real DNS server."""

import asyncio
import contextlib
import socket

import pytest

import tercel.resolver
from tercel.abc import AbstractResolver
from tercel.net.resolve import (
    AddressBook,
    AsyncResolver,
    ThreadedResolver,
    is_ip_literal,
    is_legacy_ipv4,
)


class Counting(AbstractResolver):
    """Gives two addresses of each family, and counts how often it is asked."""

    def __init__(self, gate=None, error=None):
        self.asked = []
        self.gate = gate
        self.error = error
        self.cancelled = 0

    async def resolve(self, host, port=0, family=socket.AF_INET):
        self.asked.append((host, port, family))
        if self.gate is not None:
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        if self.error is not None:
            raise self.error
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
                "proto": 0,
                "flags": 0,
            }
            for address in ("::1", "127.0.0.1", "::2", "127.0.0.2")
        ]

    async def close(self):
        pass


def hosts(results):
    return [result["host"] for result in results]


@pytest.mark.parametrize(
    ("host", "literal", "legacy"),
    [
        ("127.0.0.1", True, False),
        ("255.255.255.255", True, False),
        ("::1", True, False),
        ("fe80::1%25lo", True, False),
        ("256.0.0.1", False, True),
        ("127.1", False, True),
        ("127.0.0.1.", False, True),
        ("0177.0.0.1", False, True),
        ("0x7f.0.0.1", False, True),
        ("0x7F000001", False, True),
        ("0x", False, True),
        ("2130706433", False, True),
        ("1.2.3.4.5", False, True),
        ("a.1", False, True),
        ("localhost", False, False),
        ("1a", False, False),
        ("0xg", False, False),
        ("1.example", False, False),
        ("a.example.", False, False),
        ("", False, False),
    ],
)
def test_kinds_of_hosts(host, literal, legacy):
    assert is_ip_literal(host) is literal
    assert is_legacy_ipv4(host) is legacy


async def test_literals_are_never_asked_for():
    resolver = Counting()
    book = AddressBook(resolver)
    assert hosts(await book.find("127.0.0.1", 80)) == ["127.0.0.1"]
    (found,) = await book.find("fe80::1%25lo", 80)
    assert found["host"] == "fe80::1%lo"
    assert found["family"] == socket.AF_INET6
    assert resolver.asked == []


async def test_an_answer_is_kept_for_its_lifetime():
    loop = asyncio.get_running_loop()
    resolver = Counting()
    book = AddressBook(resolver, ttl=10)
    await book.find("a", 80)
    await book.find("a", 80)
    assert len(resolver.asked) == 1
    book._entries["a", 80].due = loop.time() + 0.001
    await book.find("a", 80)
    assert len(resolver.asked) == 1
    book._entries["a", 80].due = loop.time()
    await book.find("a", 80)
    assert len(resolver.asked) == 2
    assert book._entries["a", 80].due == pytest.approx(loop.time() + 10, abs=1)


async def test_without_lifetime_it_is_kept_for_ever():
    book = AddressBook(Counting(), ttl=None)
    await book.find("a", 80)
    assert book._entries["a", 80].due is None


@pytest.mark.parametrize("names", [3, 4])
async def test_the_cache_is_bounded(names):
    resolver = Counting()
    book = AddressBook(resolver, max_size=3)
    for number in range(names):
        await book.find(f"h{number}", 80)
        await book.find("h0", 80)
    assert len(book.entries) == 3
    assert ("h0", 80) in book.entries, "the one in use stays"
    assert (("h1", 80) in book.entries) is (names == 3)
    with pytest.raises(ValueError):
        AddressBook(resolver, max_size=0)


async def test_no_cache():
    resolver = Counting()
    book = AddressBook(resolver, use_cache=False)
    await book.find("a", 80)
    await book.find("a", 80)
    assert len(resolver.asked) == 2
    assert book.entries == {}


async def test_failures_are_not_kept():
    resolver = Counting(error=OSError(None, "no such name"))
    book = AddressBook(resolver)
    for _ in range(2):
        with pytest.raises(OSError, match="no such name"):
            await book.find("a", 80)
    assert len(resolver.asked) == 2


async def test_load_is_shared_and_families_keep_their_places():
    book = AddressBook(Counting())
    orders = [hosts(await book.find("a", 80)) for _ in range(4)]
    first = ["::1", "127.0.0.1", "::2", "127.0.0.2"]
    assert orders[0] == first
    seconds = [hosts(await book.find("a", 80)) for _ in range(2)]
    assert ["::2", "127.0.0.2", "::1", "127.0.0.1"] in orders[1:] + seconds
    assert all((":" in order[0]) and ("." in order[1]) for order in orders)


async def test_many_ask_once():
    gate = asyncio.Event()
    resolver = Counting(gate)
    book = AddressBook(resolver)
    tasks = [asyncio.create_task(book.find("a", 80)) for _ in range(5)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gate.set()
    results = await asyncio.gather(*tasks)
    assert len(resolver.asked) == 1
    assert all(len(result) == 4 for result in results)


async def test_one_that_is_cancelled_does_not_end_the_lookup_of_the_others():
    gate = asyncio.Event()
    resolver = Counting(gate)
    book = AddressBook(resolver)
    first, second = (asyncio.create_task(book.find("a", 80)) for _ in range(2))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    gate.set()
    assert len(await second) == 4
    assert len(resolver.asked) == 1


async def test_when_all_are_cancelled_the_lookup_ends():
    resolver = Counting(asyncio.Event())
    book = AddressBook(resolver)
    tasks = [asyncio.create_task(book.find("a", 80)) for _ in range(2)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert resolver.cancelled == 1
    assert not book._lookups


async def test_closing_ends_lookups_with_an_error():
    book = AddressBook(Counting(asyncio.Event()))
    task = asyncio.create_task(book.find("a", 80))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    book.close()
    with pytest.raises(OSError, match="closed"):
        await task
    with pytest.raises(OSError, match="closed"):
        await book.find("b", 80)


def test_clear_wants_host_and_port():
    book = AddressBook()
    with pytest.raises(ValueError):
        book.clear("a")
    book.clear("a", 80)
    book.clear()


async def test_threaded_resolver():
    resolver = ThreadedResolver()
    (found, *_) = await resolver.resolve("localhost", 80, socket.AF_INET)
    assert (found["hostname"], found["host"], found["port"]) == ("localhost", "127.0.0.1", 80)
    with pytest.raises(OSError):
        await resolver.resolve("nowhere.invalid", 80)
    await resolver.close()


async def test_the_default_is_the_documented_one():
    try:
        import aiodns  # noqa: F401
    except ImportError:
        assert tercel.resolver.DefaultResolver is ThreadedResolver
    else:
        assert tercel.resolver.DefaultResolver is AsyncResolver


class NameServer(asyncio.DatagramProtocol):
    """Answers any question for an A record with 192.0.2.7, or says that there is no such name."""

    def __init__(self):
        self.asked = 0

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, place):
        self.asked += 1
        end = data.index(b"\0", 12) + 5
        question = data[12:end]
        known = b"name" in question and question[-4:-2] == b"\0\1"
        code = b"\x81\x80" if b"name" in question else b"\x81\x83"
        answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\7" if known else b""
        head = data[:2] + code + b"\0\1" + (b"\0\1" if answer else b"\0\0") + bytes(4)
        self.transport.sendto(head + question + answer, place)


async def test_async_resolver_asks_the_nameservers_it_was_given():
    pytest.importorskip("aiodns")
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    resolver = AsyncResolver(nameservers=[f"127.0.0.1:{port}"])
    try:
        (found,) = await resolver.resolve("name.example", 80, socket.AF_INET)
        assert (found["host"], found["port"]) == ("192.0.2.7", 80)
        assert found["family"] == socket.AF_INET
        assert server.asked
        with pytest.raises(OSError):
            await resolver.resolve("nothing.example", 80, socket.AF_INET)
    finally:
        await resolver.close()
        transport.close()
    with pytest.raises(OSError, match="closed"):
        await resolver.resolve("name.example", 80)
