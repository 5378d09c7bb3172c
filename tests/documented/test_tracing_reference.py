"""tracing_reference.rst, "Client Tracing": every signal and its parameters."""

import asyncio
from types import SimpleNamespace

import pytest
from yarl import URL

from tests.documented.site import reply

SIGNALS = [
    "on_request_start",
    "on_request_chunk_sent",
    "on_response_chunk_received",
    "on_request_redirect",
    "on_request_end",
    "on_request_exception",
    "on_connection_queued_start",
    "on_connection_queued_end",
    "on_connection_create_start",
    "on_connection_create_end",
    "on_connection_reuseconn",
    "on_dns_resolvehost_start",
    "on_dns_resolvehost_end",
    "on_dns_cache_hit",
    "on_dns_cache_miss",
    "on_request_headers_sent",
]


@pytest.fixture
def trace(aiohttp):
    """A configuration that notes every signal, and the notes."""
    seen = []
    config = aiohttp.TraceConfig()
    for name in SIGNALS:

        async def note(session, context, params, name=name):
            seen.append((name, session, context, params))

        getattr(config, name).append(note)
    config.seen = seen
    return config


def names(trace):
    return [name for name, *_ in trace.seen]


def params_of(trace, name):
    (found,) = [params for each, _, _, params in trace.seen if each == name]
    return found


async def test_a_plain_request(site, aiohttp, trace):
    there = await site(reply("hello"))
    async with aiohttp.ClientSession(trace_configs=[trace]) as session:
        async with session.get(there.url + "/a", headers={"X-A": "1"}) as resp:
            await resp.read()
            kept = resp
    assert names(trace) == [
        "on_request_start",
        "on_connection_create_start",
        "on_connection_create_end",
        "on_request_headers_sent",
        "on_request_end",
        "on_response_chunk_received",
    ] or names(trace) == [
        "on_request_start",
        "on_connection_create_start",
        "on_connection_create_end",
        "on_request_headers_sent",
        "on_response_chunk_received",
        "on_request_end",
    ]
    assert {id(each) for _, each, _, _ in trace.seen} == {id(session)}
    assert len({id(context) for _, _, context, _ in trace.seen}) == 1
    start = params_of(trace, "on_request_start")
    assert isinstance(start, aiohttp.TraceRequestStartParams)
    assert (start.method, start.url, start.headers["x-a"]) == ("GET", URL(there.url + "/a"), "1")
    end = params_of(trace, "on_request_end")
    assert isinstance(end, aiohttp.TraceRequestEndParams)
    assert (end.method, end.url, end.response) == ("GET", URL(there.url + "/a"), kept)
    assert end.headers["X-A"] == "1"
    head = params_of(trace, "on_request_headers_sent")
    assert isinstance(head, aiohttp.TraceRequestHeadersSentParams)
    assert (head.method, head.url, head.headers["X-A"]) == ("GET", URL(there.url + "/a"), "1")
    chunk = params_of(trace, "on_response_chunk_received")
    assert isinstance(chunk, aiohttp.TraceResponseChunkReceivedParams)
    assert (chunk.method, chunk.url, chunk.chunk) == ("GET", URL(there.url + "/a"), b"hello")


async def test_sent_chunks(site, aiohttp, trace):
    there = await site(reply("ok"))
    async with aiohttp.ClientSession(trace_configs=[trace]) as session:
        async with session.post(there.url, data=b"body"):
            pass
    params = params_of(trace, "on_request_chunk_sent")
    assert isinstance(params, aiohttp.TraceRequestChunkSentParams)
    assert (params.method, params.url, params.chunk) == ("POST", URL(there.url), b"body")
    assert names(trace).index("on_request_headers_sent") < names(trace).index(
        "on_request_chunk_sent"
    )


async def test_reused_connection(site, aiohttp, trace):
    there = await site(reply("ok"))
    async with aiohttp.ClientSession(trace_configs=[trace]) as session:
        for _ in range(2):
            trace.seen.clear()
            async with session.get(there.url) as resp:
                await resp.read()
    assert "on_connection_reuseconn" in names(trace)
    assert "on_connection_create_start" not in names(trace)


async def test_redirect(site, aiohttp, trace):
    there = await site(
        lambda asked: reply("", 302, {"Location": "/b"}) if asked.target == "/a" else reply("ok")
    )
    async with aiohttp.ClientSession(trace_configs=[trace]) as session:
        async with session.get(there.url + "/a"):
            pass
    params = params_of(trace, "on_request_redirect")
    assert isinstance(params, aiohttp.TraceRequestRedirectParams)
    assert (params.method, params.url) == ("GET", URL(there.url + "/a"))
    assert params.response.status == 302
    assert names(trace).count("on_request_start") == 1
    assert names(trace).count("on_request_headers_sent") == 2
    assert params_of(trace, "on_request_end").response.status == 200


async def test_exception(aiohttp, trace, free_port):
    async with aiohttp.ClientSession(trace_configs=[trace]) as session:
        with pytest.raises(aiohttp.ClientConnectorError) as caught:
            await session.get(f"http://127.0.0.1:{free_port}/")
    params = params_of(trace, "on_request_exception")
    assert isinstance(params, aiohttp.TraceRequestExceptionParams)
    assert params.exception is caught.value
    assert params.method == "GET"
    assert "on_request_end" not in names(trace)


async def test_exception_of_a_refused_status(site, aiohttp, trace):
    there = await site(reply("no", "500 Oops"))
    async with aiohttp.ClientSession(trace_configs=[trace], raise_for_status=True) as session:
        with pytest.raises(aiohttp.ClientResponseError) as caught:
            await session.get(there.url)
    assert params_of(trace, "on_request_exception").exception is caught.value
    assert "on_request_end" not in names(trace)


async def test_exception_of_a_timeout(site, aiohttp, trace):
    async def script(asked):
        await asyncio.sleep(60)

    there = await site(script)
    timeout = aiohttp.ClientTimeout(total=0.1)
    async with aiohttp.ClientSession(trace_configs=[trace], timeout=timeout) as session:
        with pytest.raises(TimeoutError) as caught:
            await session.get(there.url)
    assert params_of(trace, "on_request_exception").exception is caught.value


async def test_queue(site, aiohttp, trace):
    there = await site(reply("ok"))
    connector = aiohttp.TCPConnector(limit=1)
    async with aiohttp.ClientSession(connector=connector, trace_configs=[trace]) as session:

        async def ask():
            async with session.get(there.url) as resp:
                await resp.read()

        await asyncio.gather(ask(), ask())
    seen = names(trace)
    assert seen.count("on_connection_queued_start") == 1
    assert seen.count("on_connection_queued_end") == 1
    assert seen.index("on_connection_queued_start") < seen.index("on_connection_queued_end")


async def test_dns(site, aiohttp, trace):
    from tests.documented.test_client_reference_utilities import Names

    there = await site(reply("ok"))
    connector = aiohttp.TCPConnector(resolver=Names(), force_close=True)
    url = f"http://some.example:{there.port}/"
    async with aiohttp.ClientSession(connector=connector, trace_configs=[trace]) as session:
        async with session.get(url) as resp:
            await resp.read()
        first = names(trace)
        for name in ("on_dns_cache_miss", "on_dns_resolvehost_start", "on_dns_resolvehost_end"):
            assert params_of(trace, name).host == "some.example"
        trace.seen.clear()
        async with session.get(url) as resp:
            await resp.read()
        assert params_of(trace, "on_dns_cache_hit").host == "some.example"
    assert first.index("on_connection_create_start") < first.index("on_dns_cache_miss")
    assert first.index("on_dns_resolvehost_end") < first.index("on_connection_create_end")


async def test_headers_can_be_changed_at_the_start(site, aiohttp):
    async def on_start(session, context, params):
        params.headers["X-Trace"] = "id"

    config = aiohttp.TraceConfig()
    config.on_request_start.append(on_start)
    there = await site(reply("ok"))
    async with aiohttp.ClientSession(trace_configs=[config]) as session:
        async with session.get(there.url):
            pass
    assert there.last["X-Trace"] == "id"


async def test_context(site, aiohttp):
    seen = []

    async def on_start(session, context, params):
        context.mark = "mark"
        seen.append(context)

    async def on_end(session, context, params):
        seen.append(context.mark)

    config = aiohttp.TraceConfig()
    config.on_request_start.append(on_start)
    config.on_request_end.append(on_end)
    there = await site(reply("ok"))
    async with aiohttp.ClientSession(trace_configs=[config]) as session:
        async with session.get(there.url, trace_request_ctx={"foo": "bar"}):
            pass
        async with session.get(there.url):
            pass
    assert isinstance(seen[0], SimpleNamespace)
    assert seen[0].trace_request_ctx == {"foo": "bar"}
    assert seen[1] == "mark"
    assert seen[2] is not seen[0]
    assert seen[2].trace_request_ctx is None


async def test_context_factory(aiohttp):
    made = []

    def factory(**kwargs):
        made.append(kwargs)
        return "context"

    config = aiohttp.TraceConfig(trace_config_ctx_factory=factory)
    assert config.trace_config_ctx(trace_request_ctx=5) == "context"
    assert made == [{"trace_request_ctx": 5}]


async def test_several_configurations(site, aiohttp):
    seen = []

    def make(name):
        async def on_start(session, context, params):
            seen.append(name)

        config = aiohttp.TraceConfig()
        config.on_request_start.append(on_start)
        return config

    there = await site(reply("ok"))
    configs = [make("1"), make("2")]
    async with aiohttp.ClientSession(trace_configs=configs) as session:
        async with session.get(there.url):
            pass
        assert session.trace_configs == configs
    assert seen == ["1", "2"]


async def test_frozen_by_the_session(aiohttp, trace):
    async with aiohttp.ClientSession(trace_configs=[trace]):
        with pytest.raises(RuntimeError):
            trace.on_request_start.append(None)
