"""Signals of a request, in their order and with their parameters (tracing_reference)."""

from types import SimpleNamespace
from typing import Any

import pytest
from yarl import URL

import tercel
from tercel import ClientSession, TraceConfig
from tests.client.peer import answer, scripted, serving_peer

EVENTS = [
    "request_start",
    "request_chunk_sent",
    "response_chunk_received",
    "request_end",
    "request_exception",
    "request_redirect",
    "request_headers_sent",
    "connection_queued_start",
    "connection_queued_end",
    "connection_create_start",
    "connection_create_end",
    "connection_reuseconn",
    "dns_resolvehost_start",
    "dns_resolvehost_end",
    "dns_cache_hit",
    "dns_cache_miss",
]


def recording(seen: list[tuple[str, Any]], **kwargs: Any) -> TraceConfig:
    config = TraceConfig(**kwargs)
    for event in EVENTS:

        async def receive(session: Any, context: Any, params: Any, event: str = event) -> None:
            assert isinstance(session, ClientSession)
            seen.append((event, params))

        getattr(config, f"on_{event}").append(receive)
    return config


async def test_a_request_and_another_one() -> None:
    seen: list[tuple[str, Any]] = []
    async with (
        serving_peer(scripted(answer(200, b"hello"))) as peer,
        ClientSession(trace_configs=[recording(seen)]) as session,
    ):
        async with session.post(peer.url, data=b"abc") as response:
            await response.read()
        assert [event for event, _ in seen] == [
            "request_start",
            "connection_create_start",
            "connection_create_end",
            "request_headers_sent",
            "request_chunk_sent",
            "request_end",
            "response_chunk_received",
        ]
        facts = dict(seen)
        assert facts["request_start"].method == "POST"
        assert facts["request_start"].url == URL(peer.url)
        assert "User-Agent" in facts["request_start"].headers
        assert facts["request_chunk_sent"].chunk == b"abc"
        assert facts["response_chunk_received"].chunk == b"hello"
        assert facts["request_end"].response is response
        seen.clear()
        await session.get(peer.url)
        assert "connection_reuseconn" in dict(seen)
        assert "connection_create_start" not in dict(seen)


async def test_headers_may_be_changed_at_the_start() -> None:
    config = TraceConfig()

    async def change(session: Any, context: Any, params: tercel.TraceRequestStartParams) -> None:
        params.headers["X-Trace"] = "1"

    config.on_request_start.append(change)
    async with (
        serving_peer(scripted(answer(200))) as peer,
        ClientSession(trace_configs=[config]) as session,
    ):
        await session.get(peer.url)
        assert peer.asked[0].get("X-Trace") == "1"


async def test_redirect() -> None:
    seen: list[tuple[str, Any]] = []
    script = scripted(answer(302, b"", ("Location", "/b")), answer(200))
    async with (
        serving_peer(script) as peer,
        ClientSession(trace_configs=[recording(seen)]) as session,
    ):
        await session.get(peer.url + "/a")
        redirects = [params for event, params in seen if event == "request_redirect"]
        assert [(each.url.path, each.response.status) for each in redirects] == [("/a", 302)]
        ends = [params for event, params in seen if event == "request_end"]
        assert [each.url.path for each in ends] == ["/b"]
        assert sum(event == "request_start" for event, _ in seen) == 1


async def test_exception() -> None:
    seen: list[tuple[str, Any]] = []
    async with ClientSession(trace_configs=[recording(seen)]) as session:
        with pytest.raises(tercel.ClientConnectorError) as caught:
            await session.get("http://127.0.0.1:1/")
    facts = dict(seen)
    assert facts["request_exception"].exception is caught.value
    assert "request_end" not in facts


async def test_contexts() -> None:
    made: list[Any] = []

    def factory(trace_request_ctx: Any = None) -> SimpleNamespace:
        made.append(SimpleNamespace(given=trace_request_ctx))
        return made[-1]

    contexts: list[Any] = []

    async def keep(session: Any, context: Any, params: Any) -> None:
        contexts.append(context)

    config = TraceConfig(factory)
    config.on_request_start.append(keep)
    config.on_request_end.append(keep)
    async with (
        serving_peer(scripted(answer(200))) as peer,
        ClientSession(trace_configs=[config]) as session,
    ):
        await session.get(peer.url, trace_request_ctx={"a": 1})
        await session.get(peer.url)
    assert [each.given for each in made] == [{"a": 1}, None]
    assert contexts == [made[0], made[0], made[1], made[1]]


async def test_a_config_in_use_is_frozen() -> None:
    config = TraceConfig()
    async with ClientSession(trace_configs=[config]) as session:
        assert session.trace_configs == [config]
        with pytest.raises(RuntimeError):
            config.on_request_start.append(lambda *_: None)  # type: ignore[arg-type,return-value]


def test_default_context() -> None:
    assert TraceConfig().trace_config_ctx("x") == SimpleNamespace(trace_request_ctx="x")
