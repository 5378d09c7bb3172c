"""Client middlewares: their order, what they may change, what replaces what (client_advanced)."""

import pytest

import tercel
from tercel import ClientHandlerType, ClientRequest, ClientResponse, ClientSession
from tests.client.peer import answer, scripted, serving_peer


def named(name: str, seen: list[str]) -> tercel.ClientMiddlewareType:
    async def middleware(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        seen.append(f"{name} in")
        response = await handler(request)
        seen.append(f"{name} out")
        return response

    return middleware


async def test_order() -> None:
    seen: list[str] = []
    chain = (named("a", seen), named("b", seen))
    async with serving_peer(scripted(answer(200))) as peer:
        async with ClientSession(middlewares=chain) as session:
            await session.get(peer.url)
            assert seen == ["a in", "b in", "b out", "a out"]
            seen.clear()
            await session.get(peer.url, middlewares=(named("own", seen),))
            assert seen == ["own in", "own out"]
            seen.clear()
            await session.get(peer.url, middlewares=())
            assert seen == []


async def test_each_hop_passes_through() -> None:
    seen: list[str] = []
    script = scripted(answer(302, b"", ("Location", "/b")), answer(200))
    async with (
        serving_peer(script) as peer,
        ClientSession(middlewares=(named("a", seen),)) as session,
    ):
        await session.get(peer.url)
    assert seen == ["a in", "a out"] * 2


async def test_headers_and_body_can_be_changed() -> None:
    async def change(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        request.headers["X-Added"] = "1"
        assert request.session is session
        assert request.method == "POST"
        await request.update_body(b"longer than before")
        return await handler(request)

    async with (
        serving_peer(scripted(answer(200))) as peer,
        ClientSession(middlewares=(change,)) as session,
    ):
        await session.post(peer.url, data=b"abc")
        asked = peer.asked[0]
        assert asked.body == b"longer than before"
        assert asked.get("X-Added") == "1"
        assert asked.get("Content-Length") == "18"


async def test_body_can_be_dropped_and_streamed() -> None:
    async def pieces():  # type: ignore[no-untyped-def]
        yield b"st"
        yield b"ream"

    bodies = iter([None, pieces(), b"fixed"])

    async def change(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        await request.update_body(next(bodies))
        return await handler(request)

    async with (
        serving_peer(scripted(answer(200))) as peer,
        ClientSession(middlewares=(change,)) as session,
    ):
        for _ in range(3):
            await session.post(peer.url, data=b"abc")
        none, streamed, fixed = peer.asked
        assert (none.body, none.get("Content-Length")) == (b"", "0")
        assert (streamed.body, streamed.get("Transfer-Encoding")) == (b"stream", "chunked")
        assert (fixed.body, fixed.get("Content-Length")) == (b"fixed", "5")


async def test_retry_in_a_middleware() -> None:
    async def retry(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        for _ in range(3):
            response = await handler(request)
            if response.ok:
                return response
        return response

    script = scripted(answer(500, b"x"), answer(500, b"y"), answer(200, b"z"))
    async with (
        serving_peer(script) as peer,
        ClientSession(middlewares=(retry,)) as session,
    ):
        async with session.post(peer.url, data=b"abc") as response:
            assert await response.read() == b"z"
        assert [asked.body for asked in peer.asked] == [b"abc"] * 3
        assert peer.connections == 1


async def test_errors_pass_through() -> None:
    async def refuse(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        raise PermissionError(request.url.host)

    async with ClientSession(middlewares=(refuse,)) as session:
        with pytest.raises(PermissionError, match=r"127\.0\.0\.1"):
            await session.get("http://127.0.0.1:1/")


async def test_request_facts() -> None:
    seen: list[ClientRequest] = []

    async def look(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        seen.append(request)
        return await handler(request)

    async with (
        serving_peer(scripted(answer(200))) as peer,
        ClientSession(middlewares=(look,)) as session,
    ):
        await session.get(peer.url + "/a#b", compress=None)
    request = seen[0]
    assert (str(request.url), str(request.original_url)) == (peer.url + "/a", peer.url + "/a#b")
    assert not request.is_ssl
    assert request.is_ssl() is False
    assert request.ssl is True
    assert request.proxy is None
    assert request.proxy_headers is None
    assert request.body == b""
    assert request.chunked is None
    assert request.compress is None
    assert request.version == tercel.HttpVersion11
    assert request.response_class is ClientResponse
    assert request.request_info.real_url == request.original_url
