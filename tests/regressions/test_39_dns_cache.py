"""Family 39: the cache of names is bounded, and an answer holds for its lifetime and no longer."""

import asyncio
import socket

import pytest

from tercel.abc import AbstractResolver
from tercel.client.connector import TCPConnector
from tercel.net.resolve import AddressBook


class Anything(AbstractResolver):
    """Every name has one address."""

    def __init__(self):
        self.asked = 0

    async def resolve(self, host, port=0, family=socket.AF_INET):
        self.asked += 1
        return [
            {
                "hostname": host,
                "host": "127.0.0.1",
                "port": port,
                "family": socket.AF_INET,
                "proto": 0,
                "flags": 0,
            }
        ]

    async def close(self):
        pass


@pytest.mark.parametrize(("names", "kept"), [(1000, 1000), (1001, 1000), (5000, 1000)])
async def test_the_default_bound(names, kept):
    async with TCPConnector(resolver=Anything()) as connector:
        for number in range(names):
            await connector._book.find(f"h{number}.example", 80)
        assert len(connector.cached_hosts) == kept
        assert (f"h{names - 1}.example", 80) in connector.cached_hosts


async def test_ports_count_too():
    book = AddressBook(Anything(), max_size=10)
    for port in range(1, 100):
        await book.find("a.example", port)
    assert len(book.entries) == 10


@pytest.mark.parametrize(("passed", "asked"), [(9.9, 1), (10.0, 2), (10.1, 2)])
async def test_the_lifetime(passed, asked, monkeypatch):
    resolver = Anything()
    book = AddressBook(resolver, ttl=10)
    start = 1000.0
    monkeypatch.setattr("tercel.net.resolve._now", lambda: start)
    await book.find("a.example", 80)
    start += passed
    await book.find("a.example", 80)
    assert resolver.asked == asked


async def test_an_answer_that_is_used_does_not_live_longer_for_it(monkeypatch):
    resolver = Anything()
    book = AddressBook(resolver, ttl=10)
    now = 0.0
    monkeypatch.setattr("tercel.net.resolve._now", lambda: now)
    for _ in range(4):
        await book.find("a.example", 80)
        now += 4
    assert resolver.asked == 2


async def test_nothing_is_kept_of_lookups_that_fail():
    class Nothing(Anything):
        async def resolve(self, host, port=0, family=socket.AF_INET):
            raise OSError(None, "no such name")

    book = AddressBook(Nothing())
    for number in range(100):
        with pytest.raises(OSError):
            await book.find(f"h{number}", 80)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not book._lookups
    assert not book.entries
