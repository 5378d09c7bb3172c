"""Who is asking, and may they: policies, functions, decorators, the table of permissions."""

import datetime
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any

import pytest

from tercel import DummyCookieJar, web
from tercel.ext import security
from tercel.ext.security import (
    AbstractAuthorizationPolicy,
    CookiesIdentityPolicy,
    JWTIdentityPolicy,
    Permissions,
    SessionIdentityPolicy,
    check_authorized,
    check_permission,
    current_user,
    forget,
    is_anonymous,
    login_required,
    permission_required,
    permits,
    remember,
    safe_path,
)
from tercel.ext.session import SimpleCookieStorage, get_session, session_middleware
from tercel.test_utils import TestClient, TestServer

KEY = b"Thirty  two  length  bytes  key."


class Jack(AbstractAuthorizationPolicy):
    """The documented example: one user, one permission."""

    async def authorized_userid(self, identity: str) -> str | None:
        return identity if identity == "jack" else None

    async def permits(
        self, identity: str | None, permission: str | Enum, context: Any = None
    ) -> bool:
        return identity == "jack" and permission in ("listen",)


async def show(request: web.Request) -> web.Response:
    return web.Response(text=f"{await is_anonymous(request)} {await permits(request, 'listen')}")


async def log_in(request: web.Request) -> web.Response:
    answer = web.HTTPFound("/")
    await remember(request, answer, request.match_info["name"])
    raise answer


async def log_out(request: web.Request) -> web.Response:
    answer = web.HTTPFound("/")
    await forget(request, answer)
    raise answer


async def ask(request: web.Request) -> web.Response:
    await check_permission(request, request.match_info["permission"])
    return web.Response(text=await check_authorized(request))


def make_app(identity_policy: Any = None, autz_policy: Any = None) -> web.Application:
    app = web.Application(middlewares=[session_middleware(SimpleCookieStorage())])
    app.add_routes(
        [
            web.get("/", show),
            web.get("/login/{name}", log_in),
            web.get("/logout", log_out),
            web.get("/may/{permission}", ask),
        ]
    )
    if identity_policy is not None:
        security.setup(app, identity_policy, Jack() if autz_policy is None else autz_policy)
    return app


@asynccontextmanager
async def client_of(app: web.Application) -> AsyncIterator[TestClient]:
    async with TestClient(TestServer(app)) as client:
        yield client


async def get(client: TestClient, path: str, **options: Any) -> tuple[int, str]:
    async with client.get(path, **options) as response:
        return response.status, await response.text()


@pytest.mark.parametrize(
    "policy", [SessionIdentityPolicy, CookiesIdentityPolicy, lambda: CookiesIdentityPolicy(KEY)]
)
async def test_the_documented_example(policy: Any) -> None:
    async with client_of(make_app(policy())) as client:
        assert await get(client, "/") == (200, "True False")
        assert (await get(client, "/may/listen"))[0] == 401
        assert await get(client, "/login/jack") == (200, "False True")
        assert await get(client, "/may/listen") == (200, "jack")
        assert await get(client, "/may/speak") == (
            403,
            "403: User does not have 'speak' permission",
        )
        assert await get(client, "/logout") == (200, "True False")
        assert await get(client, "/login/jill") == (200, "True False")
        assert (await get(client, "/may/listen"))[0] == 401


async def test_without_policies_nothing_is_permitted() -> None:
    async with client_of(make_app()) as client:
        assert await get(client, "/") == (200, "True False")
        assert (await get(client, "/may/listen"))[0] == 401
        status, text = await get(client, "/login/jack")
        assert status == 500
        assert text.startswith("Security subsystem is not initialized")
        assert (await get(client, "/logout"))[0] == 500


async def test_parts_use_their_parents_policies() -> None:
    app = make_app(CookiesIdentityPolicy())
    inner = web.Application()
    inner.router.add_get("/", show)
    app.add_subapp("/inner", inner)
    async with client_of(app) as client:
        await get(client, "/login/jack")
        assert await get(client, "/inner/") == (200, "False True")


def test_what_is_no_policy() -> None:
    with pytest.raises(TypeError, match="expected an AbstractAuthorizationPolicy, got str"):
        security.setup(web.Application(), SessionIdentityPolicy(), "x")  # type: ignore[arg-type]


async def test_a_login_renews_the_session_and_a_logout_empties_it() -> None:
    seen: list[dict[str, Any]] = []

    async def put(request: web.Request) -> web.Response:
        session = await get_session(request)
        seen.append(dict(session))
        session["basket"] = 1
        return web.Response()

    app = make_app(SessionIdentityPolicy())
    app.router.add_get("/put", put)
    async with client_of(app) as client:
        for path in ("/put", "/login/jack", "/put", "/login/jill", "/put", "/logout", "/put"):
            await get(client, path)
    assert seen == [
        {},
        {"basket": 1, "AIOHTTP_SECURITY": "jack"},
        {"AIOHTTP_SECURITY": "jill"},  # another user does not get the first one's basket
        {},
    ]


@pytest.mark.parametrize("policy", [CookiesIdentityPolicy(KEY), SessionIdentityPolicy()])
async def test_max_age(policy: Any) -> None:
    async def handler(request: web.Request) -> web.Response:
        response = web.Response()
        await remember(request, response, "jack", max_age=60)
        with pytest.raises(TypeError, match="got nonsense"):
            await remember(request, response, "jack", nonsense=1)
        for wrong in ("", None, 1):
            with pytest.raises(ValueError, match="Identity should be a str"):
                await remember(request, response, wrong)  # type: ignore[arg-type]
        return response

    app = make_app(policy)
    app.router.add_get("/brief", handler)
    async with client_of(app) as client, client.get("/brief") as response:
        (cookie,) = response.cookies.values()
        assert 30 <= int(cookie["max-age"]) <= 60
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"


async def test_an_encrypted_cookie_can_not_be_made_up() -> None:
    async with client_of(make_app(CookiesIdentityPolicy(KEY))) as client:
        headers = {"Cookie": "AIOHTTP_SECURITY=jack"}
        assert await get(client, "/", headers=headers) == (200, "True False")


async def test_json_web_tokens() -> None:
    import jwt

    secret = "s" * 32
    now = datetime.datetime.now(datetime.UTC)
    minute = datetime.timedelta(minutes=1)

    def bearer(key: str = secret, scheme: str = "Bearer", **claims: Any) -> dict[str, str]:
        token = jwt.encode(claims, key or None, algorithm="HS256" if key else "none")
        return {"Authorization": f"{scheme} {token}"}

    async with client_of(make_app(JWTIdentityPolicy(secret))) as client:
        good = [bearer(login="jack"), bearer(login="jack", scheme="bearer", exp=now + minute)]
        bad = [
            {},
            {"Authorization": "Bearer"},
            {"Authorization": "Bearer x.y.z"},
            bearer(login="jack", exp=now - minute),
            bearer("t" * 32, login="jack"),
            bearer("", login="jack"),
            bearer(user="jack"),
            bearer(login=["jack"]),
            bearer(login="jack", scheme="Basic"),
        ]
        for headers in good:
            assert await get(client, "/", headers=headers) == (200, "False True")
        for headers in bad:
            assert await get(client, "/", headers=headers) == (200, "True False"), headers


# Decorators and the table


@dataclass
class User:
    id: int
    is_admin: bool = False


USERS = {"1": User(1), "2": User(2, is_admin=True), "3": User(3)}
loads: list[str] = []


async def load_user(identity: str) -> User | None:
    loads.append(identity)
    return USERS.get(identity)


def make_table() -> Permissions:
    permissions = Permissions(load_user)

    @permissions.rule("post.edit", "post.delete")
    def is_author(user: User, post: int) -> bool:
        return user.is_admin or post == user.id

    @permissions.rule("post.write")
    async def anybody(user: User, context: Any) -> bool:
        return True

    with pytest.raises(ValueError, match=r"'post\.write' has a rule already"):
        permissions.rule("post.write")
    return permissions


async def find_post(request: web.Request) -> int:
    number = int(request.match_info["number"])
    if number > 9:
        raise web.HTTPNotFound
    return number


class Posts(web.View):
    @login_required
    async def get(self) -> web.Response:
        return web.Response(text=str(await current_user(self.request)))

    @permission_required("post.delete", context=find_post)
    async def delete(self) -> web.Response:
        return web.Response(text="deleted")


class Group:
    @permission_required("post.write", login="/login")
    async def write(self, request: web.Request) -> web.Response:
        return web.Response(text="written")


@permission_required("post.edit", context=find_post, login="/login")
async def edit(request: web.Request) -> web.Response:
    return web.Response(text="edited")


@permission_required("psot.edit")
async def misspelt(request: web.Request) -> web.Response:
    return web.Response()


@login_required(login="/login?a=b")
async def private(request: web.Request) -> web.Response:
    assert await current_user(request) is await current_user(request)
    assert await permits(request, "post.write")
    return web.Response(text="private")


def make_blog() -> web.Application:
    app = make_app(CookiesIdentityPolicy(), make_table())
    app.add_routes(
        [
            web.view("/posts/{number}", Posts),
            web.get("/edit/{number}", edit),
            web.post("/edit/{number}", edit),
            web.get("/write", Group().write),
            web.get("/misspelt", misspelt),
            web.get("/private", private),
        ]
    )
    return app


@pytest.mark.parametrize(
    ("user", "method", "path", "status", "text"),
    [
        ("", "GET", "/posts/1", 401, "401: Unauthorized"),
        ("1", "GET", "/posts/1", 200, "User(id=1, is_admin=False)"),
        ("9", "GET", "/posts/1", 401, "401: Unauthorized"),
        ("", "DELETE", "/posts/1", 401, "401: Unauthorized"),
        ("1", "DELETE", "/posts/1", 200, "deleted"),
        ("1", "DELETE", "/posts/2", 403, "403: User does not have 'post.delete' permission"),
        ("1", "DELETE", "/posts/10", 404, "404: Not Found"),
        ("2", "DELETE", "/posts/1", 200, "deleted"),
        ("1", "GET", "/edit/1", 200, "edited"),
        ("3", "POST", "/edit/1", 403, "403: User does not have 'post.edit' permission"),
        ("", "GET", "/edit/1?a=%26b", 303, "/login?next=/edit/1?a%3D%2526b"),
        ("", "POST", "/edit/1", 303, "/login"),
        ("", "GET", "/write", 303, "/login?next=/write"),
        ("3", "GET", "/write", 200, "written"),
        ("", "GET", "/private", 303, "/login?a=b&next=/private"),
        ("3", "GET", "/private", 200, "private"),
        ("", "GET", "/misspelt", 401, "401: Unauthorized"),
    ],
)
async def test_decorators(user: str, method: str, path: str, status: int, text: str) -> None:
    loads.clear()
    async with TestClient(TestServer(make_blog()), cookie_jar=DummyCookieJar()) as client:
        headers = {"Cookie": f"AIOHTTP_SECURITY={user}"} if user else {}
        async with client.request(method, path, headers=headers, allow_redirects=False) as response:
            assert response.status == status
            if status == 303:
                assert response.headers["Location"] == text
            else:
                assert await response.text() == text
    assert len(loads) == (1 if user else 0)  # once a request


async def test_a_permission_without_a_rule_is_told() -> None:
    with pytest.raises(LookupError, match=r"'psot.edit' has no rule"):
        await make_table().permits("1", "psot.edit")
    assert await make_table().permits("1", "post.edit", 1)
    assert not await make_table().permits(None, "post.edit", 1)
    assert not await make_table().permits("9", "post.edit", 1)


async def test_current_user_needs_the_table() -> None:
    async def handler(request: web.Request) -> web.Response:
        with pytest.raises(TypeError, match="needs a Permissions"):
            await current_user(request)
        with pytest.raises(ValueError, match="a permission is a str or an Enum"):
            await permits(request, 1)  # type: ignore[arg-type]
        return web.Response()

    app = make_app(CookiesIdentityPolicy())
    app.router.add_get("/user", handler)
    async with client_of(app) as client:
        assert (await get(client, "/user"))[0] == 200


def test_classes_are_not_decorated() -> None:
    with pytest.raises(TypeError, match="decorate the methods of Posts"):
        login_required(Posts)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("path", "safe"),
    [
        ("/", True),
        ("/a/b?c=d#e", True),
        ("", False),
        (None, False),
        ("a", False),
        ("//evil.example", False),
        ("/\\evil.example", False),
        ("/\t/evil.example", False),
        ("/\n//evil", False),
        ("https://evil.example", False),
        (" /a", False),
    ],
)
def test_paths_to_return_to(path: Any, safe: bool) -> None:
    assert safe_path(path, "/home") == (path if safe else "/home")
