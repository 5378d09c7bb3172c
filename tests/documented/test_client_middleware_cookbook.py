"""client_middleware_cookbook: each recipe, on a server that says what came."""

import asyncio
import json

import pytest

from tests.documented.site import reply


async def test_a_retry_is_a_loop(aiohttp, site):
    async def retry_middleware(req, handler):
        for _ in range(3):
            resp = await handler(req)
            if resp.ok:
                return resp
        return resp

    answers = [reply(status=503), reply(status=500), reply("at last")]
    there = await site(lambda asked: answers.pop(0))
    async with aiohttp.ClientSession(middlewares=[retry_middleware]) as session:
        async with session.get(there.url) as resp:
            assert await resp.text() == "at last"
    assert answers == []


async def test_logging_with_the_same_session(aiohttp, site):
    async def api_logging_middleware(req, handler):
        url = f"{there.url}/log"
        async with req.session.post(url, data=req.url.host, middlewares=()) as resp:
            assert resp.ok
        return await handler(req)

    seen = []

    def script(asked):
        seen.append((asked.method, asked.target, asked.text))
        return reply("ok")

    there = await site(script)
    async with aiohttp.ClientSession(middlewares=[api_logging_middleware]) as session:
        async with session.get(f"{there.url}/page"):
            pass
    assert seen == [("POST", "/log", "127.0.0.1"), ("GET", "/page", "")]


async def test_a_token_is_refreshed_after_401_once_for_all(aiohttp, site):
    class TokenRefresh401Middleware:
        def __init__(self, refresh_token, access_token):
            self.access_token = access_token
            self.refresh_token = refresh_token
            self.lock = asyncio.Lock()

        async def __call__(self, req, handler):
            for _ in range(2):
                token = self.access_token
                req.headers["Authorization"] = f"Bearer {token}"
                resp = await handler(req)
                if resp.status != 401:
                    return resp
                async with self.lock:
                    if token != self.access_token:
                        continue
                    url = f"{there.url}/refresh"
                    async with req.session.post(url, data=self.refresh_token) as resp:
                        data = await resp.json()
                        self.access_token = data["access_token"]
            return resp

    refreshed = []

    def script(asked):
        if asked.target == "/refresh":
            refreshed.append(asked.text)
            body = json.dumps({"access_token": "new"})
            return reply(body, headers={"Content-Type": "application/json"})
        return reply(status=200 if asked["Authorization"] == "Bearer new" else 401)

    there = await site(script)
    middleware = TokenRefresh401Middleware("secret", "old")
    async with aiohttp.ClientSession(middlewares=[middleware]) as session:

        async def get():
            async with session.get(there.url) as resp:
                return resp.status

        assert await asyncio.gather(get(), get(), get()) == [200, 200, 200]
    assert refreshed == ["secret"]


async def test_a_host_may_be_refused(aiohttp, site):
    class SSRFError(aiohttp.ClientError):
        pass

    async def ssrf_middleware(req, handler):
        if req.url.host in {"127.0.0.1", "localhost"}:
            raise SSRFError(req.url.host)
        return await handler(req)

    there = await site()
    async with aiohttp.ClientSession(middlewares=[ssrf_middleware]) as session:
        with pytest.raises(SSRFError, match=r"127\.0\.0\.1"):
            await session.get(there.url)
        async with session.get(there.url, middlewares=()) as resp:
            assert resp.status == 200


async def test_an_address_may_be_refused(aiohttp, site):
    class SSRFError(aiohttp.ClientError):
        pass

    class SSRFConnector(aiohttp.TCPConnector):
        async def _resolve_host(self, host, port, traces=None):
            res = await super()._resolve_host(host, port, traces)
            if any(r["host"] in {"127.0.0.1"} for r in res):
                raise SSRFError
            return res

    there = await site()
    async with aiohttp.ClientSession(connector=SSRFConnector()) as session:
        with pytest.raises(SSRFError):
            await session.get(there.url)


async def test_a_requests_middlewares_replace_the_sessions(aiohttp, site):
    called = []

    def note(name):
        async def middleware(req, handler):
            called.append(name)
            return await handler(req)

        return middleware

    of_session, of_request = note("session"), note("request")
    there = await site()
    async with aiohttp.ClientSession(middlewares=[of_session]) as session:
        for given in ({}, {"middlewares": [of_request]}, {"middlewares": [of_session, of_request]}):
            async with session.get(there.url, **given):
                pass
    assert called == ["session", "request", "session", "request"]
