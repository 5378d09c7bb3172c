"""Facts of an answer: fields, links, dispositions, what reading and releasing do."""

import asyncio

import pytest
from yarl import URL

import tercel
from tercel import ClientConnectionError, ClientSession, RequestInfo
from tests.client.peer import answer, scripted, serving_peer


async def test_fields() -> None:
    said = answer(200, b"", ("X-A", "b"), ("x-a", "é".encode().decode("latin-1")))
    async with serving_peer(scripted(said)) as peer, ClientSession() as session:
        async with session.get(peer.url) as response:
            assert response.headers.getall("X-A")[0] == "b"
            assert (b"X-A", b"b") in response.raw_headers
            with pytest.raises(TypeError):
                response.headers["X"] = "y"  # type: ignore[index]
            assert "ClientResponse" in repr(response)
            assert "200" in repr(response)


DISPOSITIONS = [
    ('attachment; filename="a b.txt"', "attachment", "a b.txt"),
    ("attachment; filename*=UTF-8''%e2%82%ac.txt", "attachment", "€.txt"),
    ("inline", "inline", None),
]


@pytest.mark.parametrize(("field", "kind", "filename"), DISPOSITIONS)
async def test_content_disposition(field: str, kind: str, filename: str | None) -> None:
    said = answer(200, b"", ("Content-Disposition", field))
    async with serving_peer(scripted(said)) as peer, ClientSession() as session:
        async with session.get(peer.url) as response:
            found = response.content_disposition
            assert found is not None
            assert (found.type, found.filename) == (kind, filename)


async def test_links() -> None:
    said = answer(
        200,
        b"",
        ("Link", '<https://two.example/b>; rel=next; title="x, y"'),
        ("Link", "</c>; rel=prev, <d>"),
    )
    async with serving_peer(scripted(said)) as peer, ClientSession() as session:
        async with session.get(peer.url + "/a/") as response:
            links = response.links
            assert links["next"]["url"] == URL("https://two.example/b")
            assert links["next"]["title"] == "x, y"
            assert links["prev"]["url"] == URL(peer.url + "/c")
            assert links["d"]["url"] == URL(peer.url + "/a/d")


CONTENT_TYPES = [
    ("text/html; charset=UTF-8", "text/html", "UTF-8"),
    ("Text/HTML", "text/html", None),
    ("nonsense", "application/octet-stream", None),
]


@pytest.mark.parametrize(("field", "kind", "charset"), CONTENT_TYPES)
async def test_content_type(field: str, kind: str, charset: str | None) -> None:
    said = answer(200, b"", ("Content-Type", field))
    async with serving_peer(scripted(said)) as peer, ClientSession() as session:
        async with session.get(peer.url) as response:
            assert (response.content_type, response.charset) == (kind, charset)


async def test_no_content_type() -> None:
    async with serving_peer(scripted(answer(200))) as peer, ClientSession() as session:
        async with session.get(peer.url) as response:
            assert response.content_type == "application/octet-stream"
            assert response.charset is None
            assert response.content_disposition is None
            assert len(response.links) == 0
            assert len(response.cookies) == 0


async def test_at_most_fifty_cookies() -> None:
    said = answer(200, b"", *(("Set-Cookie", f"c{n}=v") for n in range(100)))
    async with serving_peer(scripted(said)) as peer, ClientSession() as session:
        async with session.get(peer.url) as response:
            assert len(response.cookies) == 50


@pytest.mark.parametrize("pause", [0, 0.05])
async def test_what_was_not_read_before_the_release_is_gone(pause: float) -> None:
    async with serving_peer(scripted(answer(200, b"abc"))) as peer, ClientSession() as session:
        async with session.get(peer.url) as response:
            await asyncio.sleep(pause)
        for ask in (response.read, response.text, response.json):
            with pytest.raises(ClientConnectionError, match="Connection closed"):
                await ask()


async def test_what_was_read_stays_after_the_release() -> None:
    async with serving_peer(scripted(answer(200, b"abc"))) as peer, ClientSession() as session:
        async with session.get(peer.url) as response:
            assert await response.read() == b"abc"
        assert await response.read() == b"abc"
        assert await response.text() == "abc"


def test_the_real_url_is_the_url_unless_told() -> None:
    info = RequestInfo(URL("http://a/"), "GET", {})
    assert info == (URL("http://a/"), "GET", {}, URL("http://a/"))
    assert repr(info).startswith("RequestInfo(url=URL('http://a/'), method='GET'")


async def test_release_may_be_awaited() -> None:
    async with serving_peer(scripted(answer(200, b"abc"))) as peer, ClientSession() as session:
        response = await session.get(peer.url)
        await response.release()
        assert response.closed


async def test_stream_methods() -> None:
    body = b"one\ntwo\nthree"
    async with serving_peer(scripted(answer(200, body))) as peer, ClientSession() as session:
        async with session.get(peer.url) as response:
            assert [line async for line in response.content] == [b"one\n", b"two\n", b"three"]
        async with session.get(peer.url) as response:
            assert await response.content.readexactly(4) == b"one\n"
            assert await response.content.readuntil(b"o\n") == b"two\n"
            assert await response.content.read(2) == b"th"
            assert await response.content.readany() == b"ree"
            assert response.content.at_eof()
        async with session.get(peer.url) as response:
            pieces = [piece async for piece in response.content.iter_chunked(5)]
            assert b"".join(pieces) == body
            assert max(map(len, pieces)) <= 5


async def test_own_response_class() -> None:
    class Own(tercel.ClientResponse):
        async def shout(self) -> str:
            return (await self.text()).upper()

    async with serving_peer(scripted(answer(200, b"abc"))) as peer:
        async with ClientSession(response_class=Own) as session:
            async with session.get(peer.url) as response:
                assert isinstance(response, Own)
                assert await response.shout() == "ABC"


async def test_own_request_class() -> None:
    class Own(tercel.ClientRequest):
        def update_headers(self, headers: object) -> None:
            super().update_headers(headers)
            self.headers["X-Own"] = "1"

    async with serving_peer(scripted(answer(200))) as peer:
        async with ClientSession(request_class=Own, headers={"X-Session": "2"}) as session:
            await session.get(peer.url, headers={"X-More": "3"})
        asked = peer.asked[0]
        assert (asked.get("X-Own"), asked.get("X-Session"), asked.get("X-More")) == ("1", "2", "3")
