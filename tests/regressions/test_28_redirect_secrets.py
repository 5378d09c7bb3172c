"""Family 28: what a redirect must not carry to another origin [CVE-2026-47265, CVE-2026-54276]."""

from collections.abc import Callable
from typing import Any

import pytest
from yarl import URL

import tercel
from tests.certificates import client_context, server_context
from tests.client.peer import answer, scripted, serving_peer

Arguments = dict[str, Any]
SECRETS: dict[str, tuple[Arguments, Arguments]] = {
    "Authorization of the request": ({}, {"headers": {"Authorization": "Bearer s3cret"}}),
    "Authorization in lower case": ({}, {"headers": {"authorization": "Bearer s3cret"}}),
    "Authorization twice": (
        {},
        {"headers": [("Authorization", "Bearer s3cret"), ("AUTHORIZATION", "s3cret")]},
    ),
    "Authorization of the session": ({"headers": {"Authorization": "Bearer s3cret"}}, {}),
    "auth of the request": ({}, {"auth": tercel.BasicAuth("user", "s3cret")}),
    "auth of the session": ({"auth": tercel.BasicAuth("user", "s3cret")}, {}),
    "Cookie field of the request": ({}, {"headers": {"Cookie": "a=s3cret"}}),
    "Cookie field of the session": ({"headers": {"Cookie": "a=s3cret"}}, {}),
    "cookies of the request": ({}, {"cookies": {"a": "s3cret"}}),
    "Proxy-Authorization of the request": ({}, {"headers": {"Proxy-Authorization": "s3cret"}}),
    "Proxy-Authorization of the session": ({"headers": {"Proxy-Authorization": "s3cret"}}, {}),
}
WAYS = pytest.mark.parametrize("status", [301, 302, 303, 307, 308])


def holds_secret(fields: list[tuple[str, str]]) -> bool:
    text = repr(fields)
    return "s3cret" in text or "czNjcmV0" in text or "dXNlcjpzM2NyZXQ=" in text


@WAYS
@pytest.mark.parametrize("kind", SECRETS)
async def test_another_origin_gets_no_secret(kind: str, status: int) -> None:
    of_session, of_request = SECRETS[kind]
    async with serving_peer(scripted(answer(200, b"there"))) as other:
        back = answer(status, b"", ("Location", f"{other.url}/x"))
        async with serving_peer(scripted(back)) as first:
            async with tercel.ClientSession(**of_session) as session:
                async with session.get(first.url, **of_request) as response:
                    assert await response.read() == b"there"
    assert holds_secret(first.asked[0].fields)
    assert not holds_secret(other.asked[0].fields)


@pytest.mark.parametrize("kind", SECRETS)
async def test_nor_does_it_on_the_way_back(kind: str) -> None:
    """Once dropped, secrets of the request stay dropped."""
    of_session, of_request = SECRETS[kind]
    if of_session:
        return
    async with serving_peer(scripted(answer(200, b"end"))) as third:
        async with serving_peer(scripted(answer(302, b"", ("Location", f"{third.url}/")))) as other:
            async with serving_peer(
                scripted(answer(302, b"", ("Location", f"{other.url}/")))
            ) as first:
                async with tercel.ClientSession() as session:
                    async with session.get(first.url, **of_request) as response:
                        assert response.status == 200
    assert not holds_secret(other.asked[0].fields)
    assert not holds_secret(third.asked[0].fields)


@WAYS
@pytest.mark.parametrize("kind", [kind for kind in SECRETS if "Proxy" not in kind])
async def test_the_same_origin_gets_it_again(kind: str, status: int) -> None:
    of_session, of_request = SECRETS[kind]
    async with serving_peer(
        scripted(answer(status, b"", ("Location", "/x")), answer(200, b"there"))
    ) as peer:
        async with tercel.ClientSession(**of_session) as session:
            async with session.get(peer.url, **of_request) as response:
                assert response.status == 200
    assert all(holds_secret(asked.fields) for asked in peer.asked)
    assert len(peer.asked) == 2


@pytest.mark.parametrize("status", [301, 302, 303])
async def test_a_body_does_not_go_along_as_get(status: int) -> None:
    async with serving_peer(
        scripted(answer(status, b"", ("Location", "/x")), answer(200, b"there"))
    ) as peer:
        async with tercel.ClientSession() as session:
            async with session.post(peer.url, data=b"body s3cret") as response:
                assert response.status == 200
    second = peer.asked[1]
    assert (second.method, second.body) == ("GET", b"")
    for name in ("Content-Length", "Content-Type", "Transfer-Encoding", "Content-Encoding"):
        assert second.get(name) is None


Make = Callable[[str], str]


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda url: url.replace("127.0.0.1", "localhost"),
        lambda url: url.replace("http://", "http://user@"),
    ],
    ids=["another name", "a user"],
)
async def test_spellings(rewrite: Make) -> None:
    """Another name of the address is another origin; a user in Location replaces the secret."""
    async with serving_peer(scripted(answer(200, b"there"))) as other:
        there = rewrite(f"{other.url}/x")
        async with serving_peer(scripted(answer(302, b"", ("Location", there)))) as first:
            async with tercel.ClientSession() as session:
                headers = {"Authorization": "Bearer s3cret"}
                async with session.get(first.url, headers=headers) as response:
                    assert response.status == 200
    assert not holds_secret(other.asked[0].fields)


@WAYS
@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize("downwards", [True, False], ids=["https to http", "http to https"])
async def test_another_scheme_is_another_origin(kind: str, status: int, downwards: bool) -> None:
    of_session, of_request = SECRETS[kind]
    tls = server_context()
    async with serving_peer(scripted(answer(200)), ssl=None if downwards else tls) as other:
        there = other.url if downwards else other.url.replace("http:", "https:")
        back = answer(status, b"", ("Location", f"{there}/x"))
        async with serving_peer(scripted(back), ssl=tls if downwards else None) as first:
            start = first.url.replace("http:", "https:") if downwards else first.url
            async with tercel.ClientSession(**of_session) as session:
                async with session.get(start, ssl=client_context(), **of_request) as response:
                    assert response.status == 200
    assert holds_secret(first.asked[0].fields)
    assert not holds_secret(other.asked[0].fields)


async def test_cookies_of_the_jar_go_where_they_belong() -> None:
    async with serving_peer(scripted(answer(200))) as other:
        there = other.url.replace("127.0.0.1", "localhost")
        back = answer(302, b"", ("Location", there), ("Set-Cookie", "set=s3cret"))
        async with serving_peer(scripted(back)) as first:
            jar = tercel.CookieJar(unsafe=True)
            jar.update_cookies({"kept": "s3cret"}, URL(first.url))
            async with tercel.ClientSession(cookie_jar=jar) as session:
                async with session.get(first.url) as response:
                    assert response.status == 200
    assert first.asked[0].get("Cookie") == "kept=s3cret"
    assert other.asked[0].get("Cookie") is None


async def test_cookies_of_the_request_are_not_kept() -> None:
    """They go with this request only: not into the jar, not to the next request."""
    async with serving_peer(scripted(answer(200))) as peer:
        async with tercel.ClientSession() as session:
            await session.get(peer.url, cookies={"own": "s3cret"})
            await session.get(peer.url)
            assert len(session.cookie_jar) == 0
    assert [asked.get("Cookie") for asked in peer.asked] == ["own=s3cret", None]


async def test_a_host_field_of_the_first_origin_stays_there() -> None:
    async with serving_peer(scripted(answer(200))) as other:
        back = answer(302, b"", ("Location", other.url))
        async with serving_peer(scripted(back)) as first:
            for way in ({"headers": {"Host": "a.example"}}, {}):
                async with tercel.ClientSession(headers={"Host": "b.example"}) as session:
                    async with session.get(first.url, **way) as response:
                        assert response.status == 200
    assert [asked.get("Host") for asked in first.asked] == ["a.example", "b.example"]
    assert {asked.get("Host") for asked in other.asked} == {f"127.0.0.1:{other.port}"}


async def test_what_a_middleware_added_stays_with_its_request() -> None:
    async def sign(request: tercel.ClientRequest, handler: Any) -> tercel.ClientResponse:
        if request.url.port == first.port:
            request.headers["Authorization"] = "s3cret"
        answered: tercel.ClientResponse = await handler(request)
        return answered

    async with serving_peer(scripted(answer(200))) as other:
        back = answer(302, b"", ("Location", other.url))
        async with serving_peer(scripted(back)) as first:
            async with tercel.ClientSession(middlewares=[sign]) as session:
                async with session.get(first.url) as response:
                    assert response.status == 200
    assert holds_secret(first.asked[0].fields)
    assert not holds_secret(other.asked[0].fields)
