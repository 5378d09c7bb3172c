"""client_reference.rst "Client Session": arguments, attributes, request parameters."""

import asyncio

import pytest
from yarl import URL

from tests.documented.site import Last, reply
from tests.documented.subject import improvement


async def test_attributes(aiohttp):
    async with aiohttp.ClientSession(
        headers={"X": "1"},
        skip_auto_headers=["User-Agent"],
        raise_for_status=True,
        auto_decompress=False,
        trust_env=True,
        connector_owner=True,
    ) as session:
        assert session.closed is False
        assert isinstance(session.connector, aiohttp.TCPConnector)
        assert isinstance(session.cookie_jar, aiohttp.CookieJar)
        assert session.requote_redirect_url is True
        assert session.headers["x"] == "1"
        assert session.skip_auto_headers == frozenset(["User-Agent"])
        assert session.auth is None
        import json

        assert session.json_serialize is json.dumps
        assert session.connector_owner is True
        assert session.raise_for_status is True
        assert session.auto_decompress is False
        assert session.trust_env is True
        assert session.trace_configs == []
    assert session.closed


async def test_read_only_attributes(session):
    for name in ("closed", "connector", "cookie_jar", "timeout", "headers", "auth", "trust_env"):
        with pytest.raises(AttributeError):
            setattr(session, name, None)


async def test_a_session_needs_a_loop(aiohttp):
    def outside():
        return aiohttp.ClientSession()

    with pytest.raises(RuntimeError):
        await asyncio.get_running_loop().run_in_executor(None, outside)


async def test_plain_with_is_refused(session):
    with pytest.raises(TypeError):
        with session:
            pass


async def test_positional_arguments(aiohttp):
    with pytest.raises(TypeError):
        aiohttp.ClientSession("http://h/", aiohttp.TCPConnector())


@pytest.mark.parametrize("where", ["session", "request", "both"])
async def test_raise_for_status(site, aiohttp, where):
    there = await site(reply("no", "404 Nowhere", {"X-A": "1"}))
    async with aiohttp.ClientSession(raise_for_status=where != "request") as session:
        if where == "both":
            async with session.get(there.url, raise_for_status=False) as resp:
                assert resp.status == 404
            return
        options = {"raise_for_status": True} if where == "request" else {}
        with pytest.raises(aiohttp.ClientResponseError) as caught:
            await session.get(there.url, **options)
    error = caught.value
    assert (error.status, error.message) == (404, "Nowhere")
    assert error.headers["X-A"] == "1"
    assert error.request_info.url == URL(there.url)
    assert error.request_info.method == "GET"
    assert error.history == ()
    assert "404" in str(error)
    assert "Nowhere" in str(error)


async def test_raise_for_status_by_a_coroutine(site, aiohttp):
    async def check(response):
        if response.status not in {201, 202}:
            raise RuntimeError("expected either 201 or 202")

    there = await site(lambda asked: reply("ok", int(asked.target[1:])))
    async with aiohttp.ClientSession(raise_for_status=check) as session:
        async with session.get(there.url + "/201"):
            pass
        with pytest.raises(RuntimeError, match="expected"):
            await session.get(there.url + "/200")


@improvement("the error of raise_for_status carries the first part of the body")
async def test_the_error_carries_the_body(site, session, aiohttp):
    there = await site(reply("the reason", 400))
    with pytest.raises(aiohttp.ClientResponseError) as caught:
        await session.get(there.url, raise_for_status=True)
    assert caught.value.body == b"the reason"


@pytest.mark.parametrize(
    "url", ["", "/relative", "http://", "http:///path", "example.com/x", "http://[bad"]
)
async def test_invalid_urls(session, aiohttp, url):
    with pytest.raises((aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError)) as caught:
        await session.get(url)
    assert isinstance(caught.value, aiohttp.ClientError)


@pytest.mark.parametrize("url", ["ftp://example.com/", "mailto:a@b", "file:///etc/passwd"])
async def test_other_schemes(session, aiohttp, url):
    with pytest.raises(aiohttp.NonHttpUrlClientError):
        await session.get(url)


async def test_invalid_url_has_the_url(session, aiohttp):
    with pytest.raises(aiohttp.InvalidURL) as caught:
        await session.get("http:///path")
    assert str(caught.value.url) in ("http:///path", "http:/path")
    assert isinstance(caught.value, ValueError)


async def test_version_1_0(site, aiohttp):
    there = await site(Last(reply("ok")))
    async with aiohttp.ClientSession(version=aiohttp.HttpVersion10) as session:
        async with session.get(there.url) as resp:
            assert await resp.text() == "ok"
    assert there.last.version == "1.0"


async def test_response_class(site, aiohttp):
    class Mine(aiohttp.ClientResponse):
        async def mine(self):
            return "mine " + await self.text()

    there = await site(reply("ok"))
    async with aiohttp.ClientSession(response_class=Mine) as session:
        async with session.get(there.url) as resp:
            assert await resp.mine() == "mine ok"


async def test_requote_redirect_url(site, aiohttp):
    for requote, target in ((True, "/a"), (False, "/%61")):
        there = await site(
            lambda asked: reply("", 302, {"Location": "/%61"}) if asked.target == "/" else reply("")
        )
        async with aiohttp.ClientSession(requote_redirect_url=requote) as session:
            async with session.get(there.url):
                pass
        assert there.last.target == target


@pytest.mark.parametrize(
    ("options", "answer"),
    [
        ({"max_line_size": 100}, b"HTTP/1.1 200 " + b"x" * 200 + b"\r\n\r\n"),
        ({"max_field_size": 100}, reply("", headers={"X": "y" * 200})),
        ({"max_headers": 5}, reply("", headers={f"X{n}": "y" for n in range(20)})),
        ({}, reply("", headers={"X": "y" * 9000})),
        ({}, reply("", headers={f"X{n}": "y" for n in range(140)})),
    ],
)
@pytest.mark.parametrize("where", ["session", "request"])
async def test_limits_of_the_answer(site, aiohttp, where, options, answer):
    there = await site(answer)
    async with aiohttp.ClientSession(**(options if where == "session" else {})) as session:
        with pytest.raises(aiohttp.ClientResponseError) as caught:
            await session.get(there.url, **(options if where == "request" else {}))
        assert caught.value.status in (400, 431)


async def test_larger_limits(site, aiohttp):
    there = await site(reply("ok", headers={"X": "y" * 20000}))
    async with aiohttp.ClientSession(max_line_size=30000, max_field_size=30000) as session:
        async with session.get(there.url) as resp:
            assert len(resp.headers["X"]) == 20000


async def test_one_shot_request(site, aiohttp):
    there = await site(reply("ok"))
    async with aiohttp.request("GET", there.url + "/x", params={"a": "b"}) as resp:
        assert await resp.text() == "ok"
    assert there.last.target == "/x?a=b"


async def test_async_context_after_await(site, session):
    there = await site(reply("ok"))
    resp = await session.get(there.url)
    async with resp:
        assert resp.status == 200
    assert resp.closed


async def test_detach(site, aiohttp):
    session = aiohttp.ClientSession()
    connector = session.connector
    session.detach()
    assert session.closed
    assert not connector.closed
    await connector.close()


async def test_parallel_requests(site, session):
    barrier = asyncio.Barrier(5)

    async def script(asked):
        await barrier.wait()
        return reply(asked.target)

    there = await site(script)

    async def ask(number):
        async with session.get(f"{there.url}/{number}") as resp:
            return await resp.text()

    assert await asyncio.gather(*map(ask, range(5))) == [f"/{number}" for number in range(5)]
    assert there.connections == 5


async def test_unread_bodies_close_the_connection(site, session):
    there = await site(
        lambda asked: (
            reply(b"x", headers={"Content-Length": "100000"}, length=False)
            if asked.target == "/big"
            else reply("ok")
        )
    )
    async with session.get(there.url + "/big") as resp:
        assert resp.status == 200
    async with session.get(there.url) as resp:
        assert await resp.text() == "ok"
    assert there.connections == 2


async def test_a_closed_keep_alive_connection_is_replaced(site, session):
    there = await site(Last(reply("ok")))
    for _ in range(3):
        async with session.get(there.url) as resp:
            assert await resp.text() == "ok"
    assert there.connections == 3


async def test_connection_close_is_obeyed(site, session):
    there = await site(reply("ok", headers={"Connection": "close"}))
    for _ in range(2):
        async with session.get(there.url) as resp:
            await resp.read()
    assert there.connections == 2


async def test_upload_tracker(site, session, aiohttp):
    there = await site(reply("ok"))
    tracker = aiohttp.UploadTracker()
    assert tracker.bytes_written == 0
    assert tracker.attempts == 0
    async with session.post(there.url, data=b"x" * 1000, upload_tracker=tracker):
        pass
    await tracker.upload_complete
    assert tracker.bytes_written == 1000
    assert tracker.attempts == 1
    with pytest.raises(RuntimeError):
        await session.post(there.url, data=b"x", upload_tracker=tracker)


async def test_upload_tracker_counts_attempts(site, session, aiohttp):
    there = await site(
        lambda asked: reply("", 307, {"Location": "/b"}) if asked.target == "/a" else reply("ok")
    )
    tracker = aiohttp.UploadTracker()
    async with session.post(there.url + "/a", data=b"x" * 10, upload_tracker=tracker):
        pass
    await tracker.upload_complete
    assert (tracker.attempts, tracker.bytes_written) == (2, 10)


async def test_upload_tracker_of_a_failed_request(session, aiohttp, free_port):
    tracker = aiohttp.UploadTracker()
    with pytest.raises(aiohttp.ClientConnectorError):
        await session.post(f"http://127.0.0.1:{free_port}", data=b"x", upload_tracker=tracker)
    with pytest.raises(aiohttp.ClientError):
        await tracker.upload_complete


async def test_cancelling_a_request(site, session):
    async def never(asked):
        await asyncio.Event().wait()

    there = await site(never)
    task = asyncio.create_task(_get(session, there.url))
    while not there.requests:
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def _get(session, url):
    async with session.get(url) as resp:
        return await resp.text()


async def test_unknown_parameter(session):
    with pytest.raises(TypeError):
        await session.get("http://example.invalid", nonsense=1)
