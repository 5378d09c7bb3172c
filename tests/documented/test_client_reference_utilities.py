"""client_reference.rst "Connectors", `BasicAuth`."""

import asyncio

import pytest

from tests.documented.site import reply
from tests.documented.subject import improvement, load

# Connectors


async def test_defaults(aiohttp):
    connector = aiohttp.TCPConnector()
    assert isinstance(connector, aiohttp.BaseConnector)
    assert connector.closed is False
    assert connector.force_close is False
    assert connector.limit == 100
    assert connector.limit_per_host == 0
    assert connector.family == 0
    assert connector.use_dns_cache is True
    await connector.close()
    assert connector.closed


async def test_closing_twice(aiohttp):
    connector = aiohttp.TCPConnector()
    await connector.close()
    await connector.close()


async def test_force_close(site, aiohttp):
    there = await site(reply("ok"))
    connector = aiohttp.TCPConnector(force_close=True)
    assert connector.force_close
    async with aiohttp.ClientSession(connector=connector) as session:
        for _ in range(2):
            async with session.get(there.url) as resp:
                await resp.read()
    assert there.connections == 2


async def test_force_close_and_keepalive_timeout(aiohttp):
    with pytest.raises(ValueError):
        aiohttp.TCPConnector(force_close=True, keepalive_timeout=5)


async def test_keepalive_timeout(site, aiohttp):
    there = await site(reply("ok"))
    connector = aiohttp.TCPConnector(keepalive_timeout=0.01)
    async with aiohttp.ClientSession(connector=connector) as session:
        async with session.get(there.url) as resp:
            await resp.read()
        await asyncio.sleep(0.05)
        async with session.get(there.url) as resp:
            await resp.read()
    assert there.connections == 2


async def test_limit_per_host(site, aiohttp):
    most = busy = 0

    async def script(asked):
        nonlocal most, busy
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0.005)
        busy -= 1
        return reply("ok")

    there = await site(script)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit_per_host=1)) as session:

        async def ask():
            async with session.get(there.url) as resp:
                await resp.read()

        await asyncio.gather(*(ask() for _ in range(4)))
    assert most == 1


async def test_waiting_for_a_connection_times_out(site, aiohttp):
    go_on = asyncio.Event()

    async def script(asked):
        await go_on.wait()
        return reply("ok")

    there = await site(script)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
        first = asyncio.create_task(read(session, there.url))
        while not there.requests:
            await asyncio.sleep(0.001)
        with pytest.raises(aiohttp.ConnectionTimeoutError):
            await session.get(there.url, timeout=aiohttp.ClientTimeout(connect=0.01))
        go_on.set()
        assert await first == b"ok"


async def read(session, url):
    async with session.get(url) as resp:
        return await resp.read()


class Names(load("abc").AbstractResolver):
    """A resolver that knows one address."""

    def __init__(self):
        self.asked = []

    async def resolve(self, host, port=0, family=0):
        import socket

        self.asked.append((host, port))
        return [
            {
                "hostname": host,
                "host": "127.0.0.1",
                "port": port,
                "family": socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
        ]

    async def close(self):
        pass


@pytest.mark.parametrize(("cache", "count"), [(True, 2), (False, 4)])
async def test_dns_cache(site, aiohttp, cache, count):
    there = await site(reply("ok"))
    names = Names()
    connector = aiohttp.TCPConnector(resolver=names, use_dns_cache=cache, force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session:
        for _ in range(3):
            async with session.get(f"http://some.example:{there.port}/") as resp:
                await resp.read()
        connector.clear_dns_cache("some.example", there.port)
        async with session.get(f"http://some.example:{there.port}/") as resp:
            await resp.read()
        connector.clear_dns_cache()
        with pytest.raises(ValueError):
            connector.clear_dns_cache("some.example")
    assert names.asked == [("some.example", there.port)] * count
    assert there.last["Host"] == f"some.example:{there.port}"


@improvement("the documented views of the DNS cache exist")
async def test_cached_hosts(site, aiohttp):
    there = await site(reply("ok"))
    connector = aiohttp.TCPConnector(resolver=Names())
    assert connector.dns_cache is True
    assert dict(connector.cached_hosts) == {}
    async with aiohttp.ClientSession(connector=connector) as session:
        await read(session, f"http://some.example:{there.port}/")
        assert len(connector.cached_hosts) == 1
        with pytest.raises(TypeError):
            connector.cached_hosts["x"] = "y"


async def test_own_resolver_is_not_asked_for_addresses(site, aiohttp):
    there = await site(reply("ok"))
    names = Names()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=names)) as session:
        await read(session, there.url)
    assert names.asked == []


async def test_local_addr(site, aiohttp):
    there = await site(reply("ok"))
    connector = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
    async with aiohttp.ClientSession(connector=connector) as session:
        async with session.get(there.url) as resp:
            await resp.read()
    assert there.connections == 1


async def test_resolvers(aiohttp):
    resolver = aiohttp.ThreadedResolver()
    found = await resolver.resolve("localhost", 80)
    assert {"hostname", "host", "port", "family", "proto", "flags"} <= set(found[0])
    assert found[0]["hostname"] == "localhost"
    assert found[0]["port"] == 80
    await resolver.close()
