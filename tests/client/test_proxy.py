"""Requests through a plain HTTP proxy, and the proxies that the environment names."""

from collections.abc import Iterator

import pytest
from yarl import URL

import tercel
from tercel import ClientSession
from tercel.client.environment import find_environment_proxy
from tests.client.peer import answer, scripted, serving_peer

VARIABLES = ["http_proxy", "https_proxy", "ws_proxy", "wss_proxy", "all_proxy", "no_proxy"]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("NETRC", "/nonexistent")
    return monkeypatch


async def test_absolute_form() -> None:
    async with serving_peer(scripted(answer(200, b"by proxy"))) as proxy:
        async with ClientSession() as session:
            async with session.get("http://far.example:81/a?b#c", proxy=proxy.url) as response:
                assert await response.read() == b"by proxy"
        asked = proxy.asked[0]
        assert asked.line == "GET http://far.example:81/a?b HTTP/1.1"
        assert asked.get("Host") == "far.example:81"
        assert asked.get("Proxy-Authorization") is None


async def test_credentials_go_to_the_proxy() -> None:
    async with serving_peer(scripted(answer(200))) as proxy:
        async with ClientSession(proxy=proxy.url.replace("//", "//user:pass@")) as session:
            await session.get("http://far.example/")
        async with ClientSession(proxy=proxy.url) as session:
            await session.get("http://far.example/", proxy_auth=tercel.BasicAuth("user", "pass"))
            own = {"Proxy-Authorization": "own", "X-Proxy": "1"}
            await session.get("http://far.example/", proxy_headers=own)
        first, second, third = proxy.asked
        assert first.get("Proxy-Authorization") == "Basic dXNlcjpwYXNz"
        assert second.get("Proxy-Authorization") == "Basic dXNlcjpwYXNz"
        assert (third.get("Proxy-Authorization"), third.get("X-Proxy")) == ("own", "1")
        assert "user" not in first.line


async def test_proxied_and_direct_requests_share_no_connection() -> None:
    async with serving_peer(scripted(answer(200))) as peer, ClientSession() as session:
        await session.get(peer.url)
        await session.get(peer.url, proxy=peer.url)
        await session.get(peer.url, proxy=peer.url, proxy_headers={"X": "1"})
        assert peer.connections == 3


async def test_trust_env(environment: pytest.MonkeyPatch) -> None:
    async with serving_peer(scripted(answer(200))) as proxy:
        environment.setenv("http_proxy", proxy.url)
        environment.setenv("no_proxy", "127.0.0.1")
        async with ClientSession(trust_env=True) as session:
            await session.get("http://far.example/a")
            await session.get(proxy.url + "/direct")
        async with ClientSession() as session:
            await session.get("http://far.example/b", trust_env=True)
        assert [asked.target for asked in proxy.asked] == [
            "http://far.example/a",
            "/direct",
            "http://far.example/b",
        ]


async def test_the_sessions_proxy_credentials_go_to_its_own_proxy_only() -> None:
    async with (
        serving_peer(scripted(answer(200))) as own,
        serving_peer(scripted(answer(200))) as it,
    ):
        auth = tercel.BasicAuth("u", "p")
        async with ClientSession(proxy=own.url, proxy_auth=auth) as session:
            await session.get("http://far.example/")
            await session.get("http://far.example/", proxy=own.url + "/")
            await session.get("http://far.example/", proxy=it.url)
            await session.get("http://far.example/", proxy=it.url, proxy_auth=auth)
        async with ClientSession(proxy_auth=auth) as session:
            await session.get("http://far.example/", proxy=it.url)
        field = auth.encode()
        assert [asked.get("Proxy-Authorization") for asked in own.asked] == [field, field]
        assert [asked.get("Proxy-Authorization") for asked in it.asked] == [None, field, field]


NOT_BY_PROXY = [
    ("localhost", "http://localhost:8000/", True),
    ("localhost:8000", "http://localhost:8000/", True),
    ("localhost:8000", "http://localhost:8001/", False),
    ("example.com:443", "https://example.com/", True),
    (".example.com", "http://sub.example.com/", True),
    ("*", "http://example.com/", True),
    ("::1", "http://[::1]:8000/", True),
    ("127.0.0.1", "http://127.0.0.1:8000/", True),
    ("other", "http://example.com/", False),
]


@pytest.mark.parametrize(("listed", "url", "is_direct"), NOT_BY_PROXY)
def test_no_proxy(environment: pytest.MonkeyPatch, listed: str, url: str, is_direct: bool) -> None:
    for scheme in ("http", "https"):
        environment.setenv(f"{scheme}_proxy", "http://p:1")
    environment.setenv("no_proxy", listed)
    assert (find_environment_proxy(URL(url))[0] is None) is is_direct


FOUND = [
    ("http://h/", "http://p:1"),
    ("https://h/", "http://s:2"),
    ("ws://h/", "http://w:3"),
    ("wss://h/", None),
    ("http://skipped.example/", None),
    ("http://sub.skipped.example/", None),
]


@pytest.mark.parametrize(("url", "proxy"), FOUND)
def test_environment(environment: pytest.MonkeyPatch, url: str, proxy: str | None) -> None:
    environment.setenv("HTTP_PROXY", "http://user:pass@p:1")
    environment.setenv("http_proxy", "http://user:pass@p:1")
    environment.setenv("https_proxy", "http://s:2")
    environment.setenv("ws_proxy", "http://w:3")
    environment.setenv("no_proxy", "skipped.example")
    found, auth = find_environment_proxy(URL(url))
    assert (None if found is None else str(found).rstrip("/")) == proxy
    assert (auth is not None) is (proxy == "http://p:1")
