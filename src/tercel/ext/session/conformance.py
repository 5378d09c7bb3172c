"""What every session storage must do, as checks that run against a storage of your own.

In: an `AbstractStorage` that keeps nothing yet. Out: nothing, or a `StorageFault` that says what
was expected. The checks talk to a server on 127.0.0.1 and need no test framework: await
`check_storage(storage)`, or parametrize a test with `CHECKS` and await each with a storage.
"""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from tercel import ClientSession, DummyCookieJar, web
from tercel.ext.session.middleware import get_session, new_session, setup
from tercel.ext.session.state import Session
from tercel.ext.session.storage import AbstractStorage, SessionTooLarge

__all__ = ("CHECKS", "StorageFault", "check_storage")

Step = Callable[[web.Request], Awaitable[Any]]
Check = Callable[[AbstractStorage], Awaitable[None]]

VALUES = {"text": "żółw\n;,\"'", "number": 3, "half": 0.5, "no": None, "list": [1, {"a": [True]}]}


class StorageFault(AssertionError):
    """A storage does not do what the contract says."""


async def check_storage(storage: AbstractStorage) -> None:
    """Run all `CHECKS`. StorageFault for the first that the storage does not pass."""
    for check in CHECKS:
        await check(storage)


def _expect(claim: bool, sentence: str) -> None:
    if not claim:
        raise StorageFault(sentence)


class _Site:
    """A server whose one handler does what the visit asks."""

    def __init__(self, client: ClientSession, url: str, name: str) -> None:
        self._client = client
        self._url = url
        self._name = name
        self.step: Step | None = None
        self.outcome: Any = None
        self.line = ""  # the last Set-Cookie line, "" where the answer had none

    async def handle(self, request: web.Request) -> web.Response:
        assert self.step is not None
        self.outcome = await self.step(request)
        return web.Response()

    async def visit(self, step: Step, cookie: str | None = None) -> str | None:
        """Run `step` in a request with the cookie's value as it was sent, and give its next one."""
        self.step = step
        headers = {} if cookie is None else {"Cookie": f"{self._name}={cookie}"}
        async with self._client.get(self._url, headers=headers) as response:
            lines = [
                line
                for line in response.headers.getall("Set-Cookie", [])
                if line.startswith(self._name + "=")
            ]
        if response.status != 200:
            raise StorageFault(f"the session could not be saved: status {response.status}")
        _expect(len(lines) < 2, f"one answer sets the cookie {len(lines)} times")
        self.line = lines[0] if lines else ""
        if not self.line:
            return cookie
        value, _, attributes = self.line.removeprefix(self._name + "=").partition(";")
        is_deleted = value in ("", '""') or "max-age=0;" in attributes.lower() + ";"
        return None if is_deleted else value


@asynccontextmanager
async def _serve(storage: AbstractStorage) -> AsyncIterator[_Site]:
    app = web.Application()
    setup(app, storage)
    async with ClientSession(cookie_jar=DummyCookieJar()) as client:
        site: _Site

        async def handle(request: web.Request) -> web.Response:
            return await site.handle(request)

        app.router.add_get("/", handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            port = runner.addresses[0][1]
            site = _Site(client, f"http://127.0.0.1:{port}/", storage.cookie_name)
            yield site
        finally:
            await runner.cleanup()


def _putting(**values: Any) -> Step:
    async def put(request: web.Request) -> Session:
        session = await get_session(request)
        session.update(values)
        return session

    return put


async def _look(request: web.Request) -> Session:
    return await get_session(request)


async def _invalidate(request: web.Request) -> None:
    (await get_session(request)).invalidate()


async def _read(site: _Site, cookie: str | None) -> dict[str, Any]:
    await site.visit(_look, cookie)
    return dict(site.outcome)


async def check_untouched(storage: AbstractStorage) -> None:
    """A session that nobody asked for, or that was only read, sets no cookie."""

    async def nothing(request: web.Request) -> None:
        return None

    async with _serve(storage) as site:
        for step in (nothing, _look):
            await site.visit(step)
            _expect(not site.line, "a session that did not change must set no cookie")


async def check_values(storage: AbstractStorage) -> None:
    """What was put in comes back, and `new`, `created` and `identity` are what they were."""
    async with _serve(storage) as site:
        cookie = await site.visit(_putting(**VALUES))
        first = site.outcome
        _expect(first.new, "a session without a cookie must be new")
        _expect(cookie is not None, "a session that changed must set its cookie")
        found = await _read(site, cookie)
        second = site.outcome
        _expect(found == VALUES, f"put in {VALUES}, got back {found}")
        _expect(not second.new, "a session that was stored must not be new")
        _expect(second.created == first.created, "`created` must stay what it was")
        await site.visit(_look, cookie)
        _expect(site.outcome.identity == second.identity, "`identity` must stay what it was")


async def check_mutation(storage: AbstractStorage) -> None:
    """`changed()` saves what was changed inside a value."""

    async def mutate(request: web.Request) -> None:
        session = await get_session(request)
        session["list"].append(2)
        session.changed()

    async with _serve(storage) as site:
        cookie = await site.visit(_putting(list=[1]))
        cookie = await site.visit(mutate, cookie)
        found = await _read(site, cookie)
        _expect(found == {"list": [1, 2]}, f"after changed() expected [1, 2], got {found}")


async def check_clients(storage: AbstractStorage) -> None:
    """Two clients never see each other's values."""
    async with _serve(storage) as site:
        ada = await site.visit(_putting(name="ada"))
        ben = await site.visit(_putting(name="ben"))
        _expect(ada != ben, "two clients must get two cookies")
        _expect(await _read(site, ada) == {"name": "ada"}, "the first client's values changed")
        _expect(await _read(site, ben) == {"name": "ben"}, "the second client's values changed")


async def check_invalidate(storage: AbstractStorage) -> None:
    """`invalidate()` takes the cookie away, and on a server what it led to."""
    async with _serve(storage) as site:
        cookie = await site.visit(_putting(name="ada"))
        await site.visit(_look, cookie)
        is_on_server = site.outcome.identity is not None
        after = await site.visit(_invalidate, cookie)
        _expect(not await _read(site, after), "an invalidated session must be empty")
        if is_on_server:
            found = await _read(site, cookie)
            _expect(not found, "the cookie of an invalidated session must lead to nothing")


async def check_strange_cookies(storage: AbstractStorage) -> None:
    """A cookie that was not made here is no session, and its value is never adopted."""
    strange = ["x", "{}", "[]", "null", "a" * 3000, "../../etc", "%00", uuid.uuid4().hex]
    async with _serve(storage) as site:
        for value in strange:
            found = await _read(site, value)
            _expect(not found and site.outcome.new, f"the cookie {value[:40]!r} made a session")
            cookie = await site.visit(_putting(name="ada"), value)
            _expect(cookie != value, f"the identity {value[:40]!r} was chosen by the client")


async def check_expiry(storage: AbstractStorage) -> None:
    """`max_age` is enforced here, whatever the browser does with its cookie."""

    async def put(request: web.Request) -> None:
        session = await get_session(request)
        session["name"] = "ada"
        session.max_age = 60

    clock = storage.clock
    try:
        async with _serve(storage) as site:
            cookie = await site.visit(put)
            _expect("max-age=" in site.line.lower(), "the cookie must have a Max-Age")
            _expect(await _read(site, cookie) == {"name": "ada"}, "it ended before its max_age")
            storage.clock = lambda: clock() + 61
            found = await _read(site, cookie)
            _expect(
                not found and site.outcome.new,
                "a session past its max_age must be a new one: make sessions by `self.load()`, "
                "or pass `now=self.clock()` to Session",
            )
    finally:
        storage.clock = clock


async def check_login(storage: AbstractStorage) -> None:
    """`new_session` and `renew` give another cookie; on a server the old one leads to nothing."""

    async def begin(request: web.Request) -> None:
        (await new_session(request))["name"] = "ben"

    async def renew(request: web.Request) -> None:
        (await get_session(request)).renew()

    for step, values in ((begin, {"name": "ben"}), (renew, {"name": "ada"})):
        async with _serve(storage) as site:
            old = await site.visit(_putting(name="ada"))
            await site.visit(_look, old)
            is_on_server = site.outcome.identity is not None
            new = await site.visit(step, old)
            _expect(await _read(site, new) == values, f"after the login expected {values}")
            if is_on_server:
                _expect(new != old, "a login must change the identity")
                _expect(not await _read(site, old), "the identity from before a login lives on")


async def check_deleted_stays_deleted(storage: AbstractStorage) -> None:
    """A slow request that ends after a logout does not bring the session back."""
    async with _serve(storage) as site:
        cookie = await site.visit(_putting(name="ada"))
        await site.visit(_look, cookie)
        if site.outcome.identity is None:
            return  # what is in a cookie can't be taken back
        async with _serve(storage) as other:

            async def slow(request: web.Request) -> None:
                session = await get_session(request)
                await other.visit(_invalidate, cookie)
                session["late"] = True

            late = await site.visit(slow, cookie)
        for value in (cookie, late):
            found = await _read(site, value)
            _expect(not found, f"a deleted session came back with {found}")


async def check_size(storage: AbstractStorage) -> None:
    """What is too much raises SessionTooLarge rather than being cut or lost."""
    caught: list[bool] = []

    async def put(request: web.Request) -> None:
        (await get_session(request))["much"] = "x" * 100_000
        response = web.Response()
        try:
            await storage.save_session(request, response, await get_session(request))
        except SessionTooLarge:
            caught.append(True)
            (await get_session(request)).invalidate()

    async with _serve(storage) as site:
        cookie = await site.visit(put)
        if not caught:
            found = await _read(site, cookie)
            _expect(len(found.get("much", "")) == 100_000, "100000 characters were lost silently")


async def check_cookie(storage: AbstractStorage) -> None:
    """The cookie has the attributes that the storage was made with."""
    async with _serve(storage) as site:
        await site.visit(_putting(name="ada"))
        attributes = {part.strip().lower() for part in site.line.split(";")[1:]}
    params = storage.cookie_params
    _expect(("httponly" in attributes) == bool(params["httponly"]), "HttpOnly is not as asked for")
    _expect(("secure" in attributes) == bool(params["secure"]), "Secure is not as asked for")
    for name in ("path", "domain", "samesite"):
        value = params.get(name)
        if value:
            _expect(f"{name}={value}".lower() in attributes, f"the cookie has no {name}={value}")


#: Every check, in the order in which `check_storage` runs them.
CHECKS: tuple[Check, ...] = (
    check_untouched,
    check_values,
    check_mutation,
    check_clients,
    check_invalidate,
    check_strange_cookies,
    check_expiry,
    check_login,
    check_deleted_stays_deleted,
    check_size,
    check_cookie,
)
